"""Settings of Sentry."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ImportString

from c2casgiutils.config._types import AnyCase, Group, Secret, StringList, checked_by


def _default(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() == "default" else value


def _scrubber(value: Any) -> Any:
    """Return an instance: the SDK loses each event when it gets anything else."""
    scrubber = value() if isinstance(value, type) else value
    if not callable(getattr(scrubber, "scrub_event", None)):
        raise ValueError("is no scrubber; accepted is module:name of an EventScrubber")  # noqa: TRY004  # pydantic wants it
    return scrubber


class Sentry(Group):
    """Settings of Sentry: `sentry_sdk.init(**settings.sentry.model_dump())` takes the dump as it is.

    Fields that are no keywords of `sentry_sdk.init` (`tags`, `ignored_loggers`) are not in the dump.
    """

    dsn: Secret | None = Field(default=None, description="Where the events go; without it Sentry is off")
    debug: bool = Field(default=False, description="Print what the SDK does")
    release: str | None = Field(default=None, description="Release shown with the events")
    environment: str = Field(default="production", description="Environment shown with the events")
    dist: str | None = Field(default=None, description="Distribution within the release")
    sample_rate: float = Field(default=1.0, ge=0, le=1, description="Share of the errors that are sent")
    ignore_errors: StringList = Field(
        default=[], description="Names of exceptions that are not sent, comma-separated"
    )
    max_breadcrumbs: int = Field(default=100, ge=0, description="Breadcrumbs kept for an event")
    attach_stacktrace: bool = Field(default=False, description="Stack trace with every message")
    send_default_pii: bool | None = Field(
        default=None, description="Send personal data such as addresses and cookies"
    )
    event_scrubber: Annotated[
        Annotated[ImportString[Any], checked_by(_scrubber)] | None, BeforeValidator(_default)
    ] = Field(
        default=None,
        description="`default`, or `module:name` of an `EventScrubber` that replaces the default one",
    )
    include_source_context: bool = Field(default=True, description="Source lines around each frame")
    include_local_variables: bool = Field(default=True, description="Local variables of each frame")
    add_full_stack: bool = Field(default=False, description="All frames, not only those since the handler")
    max_stack_frames: int = Field(default=100, ge=0, description="Frames sent at most")
    server_name: str | None = Field(default=None, description="Name of the host shown with the events")
    project_root: str = Field(
        default_factory=lambda: str(Path.cwd()), description="Frames below it are the application's"
    )
    in_app_include: StringList = Field(
        default=[], description="Modules that are the application's, comma-separated"
    )
    in_app_exclude: StringList = Field(
        default=[], description="Modules that are not the application's, comma-separated"
    )
    max_request_body_size: Annotated[Literal["never", "small", "medium", "always"], AnyCase] = Field(
        default="medium", description="Size up to which request bodies are sent"
    )
    max_value_length: int = Field(default=1024, ge=1, description="Characters of a value that are sent")
    ca_certs: str | None = Field(default=None, description="File with the certificates that the SDK trusts")
    send_client_reports: bool = Field(default=True, description="Tell Sentry how many events were dropped")
    traces_sample_rate: float | None = Field(
        default=None, ge=0, le=1, description="Share of the requests that are traced"
    )
    ignored_loggers: StringList = Field(
        default=[], exclude=True, description="Loggers whose records are no events, comma-separated"
    )
    tags: dict[str, str] = Field(
        default={}, exclude=True, description="A tag of every event; empty values are kept"
    )

    @property
    def url(self) -> str | None:
        """The DSN, under the name that the README of 0.x used."""
        return self.dsn

    @url.setter
    def url(self, value: str | None) -> None:
        self.dsn = value
