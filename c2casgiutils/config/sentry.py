"""Settings of Sentry."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ImportString

from c2casgiutils.config._types import AnyCase, Group, Secret, StringList


def _scrubber(value: Any) -> Any:
    """An instance: the SDK loses each event when it gets anything else."""
    scrubber = value() if isinstance(value, type) else value
    if not callable(getattr(scrubber, "scrub_event", None)):
        raise ValueError("is no scrubber; accepted is module:name of an EventScrubber")  # noqa: TRY004
    return scrubber


class Sentry(Group):
    """Every field but `tags` is a keyword of `sentry_sdk.init`; the others stay out of the dump."""

    dsn: Secret | None = Field(None, description="Where the events go; without it Sentry is off")
    debug: bool = Field(default=False, description="Print what the SDK does")
    release: str | None = Field(None, description="Release shown with the events")
    environment: str = Field("production", description="Environment shown with the events")
    dist: str | None = Field(None, description="Distribution within the release")
    sample_rate: float = Field(1.0, ge=0, le=1, description="Share of the errors that are sent")
    ignore_errors: StringList = Field(
        [], description="Names of exceptions that are not sent, comma-separated"
    )
    max_breadcrumbs: int = Field(100, ge=0, description="Breadcrumbs kept for an event")
    attach_stacktrace: bool = Field(default=False, description="Stack trace with every message")
    send_default_pii: bool | None = Field(
        None, description="Send personal data such as addresses and cookies"
    )
    event_scrubber: Annotated[ImportString[Any], AfterValidator(_scrubber)] | None = Field(
        None, description="`module:name` of an `EventScrubber` that replaces the default one"
    )
    include_source_context: bool = Field(default=True, description="Source lines around each frame")
    include_local_variables: bool = Field(default=True, description="Local variables of each frame")
    add_full_stack: bool = Field(default=False, description="All frames, not only those since the handler")
    max_stack_frames: int = Field(100, ge=0, description="Frames sent at most")
    server_name: str | None = Field(None, description="Name of the host shown with the events")
    project_root: str = Field(
        default_factory=lambda: str(Path.cwd()), description="Frames below it are the application's"
    )
    in_app_include: StringList = Field([], description="Modules that are the application's, comma-separated")
    in_app_exclude: StringList = Field(
        [], description="Modules that are not the application's, comma-separated"
    )
    max_request_body_size: Annotated[Literal["never", "small", "medium", "always"], AnyCase] = Field(
        "medium", description="Size up to which request bodies are sent"
    )
    max_value_length: int = Field(1024, ge=1, description="Characters of a value that are sent")
    ca_certs: str | None = Field(None, description="File with the certificates that the SDK trusts")
    send_client_reports: bool = Field(default=True, description="Tell Sentry how many events were dropped")
    traces_sample_rate: float | None = Field(
        None, ge=0, le=1, description="Share of the requests that are traced"
    )
    ignored_loggers: StringList = Field(
        [], exclude=True, description="Loggers whose records are no events, comma-separated"
    )
    tags: dict[str, str] = Field({}, description="A tag of every event; empty values are kept")
