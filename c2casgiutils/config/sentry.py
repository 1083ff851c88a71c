"""Settings of Sentry."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ImportString, PlainSerializer
from pydantic_settings import NoDecode

from c2casgiutils._secrets import MASK
from c2casgiutils.config._types import AnyCase, Group, Secret, StringList, checked_by, read_by, read_yaml
from c2casgiutils.config.logs import LevelName


def _default(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() == "default" else value


def _scrubber(value: Any) -> Any:
    """Return an instance: with anything else the SDK loses every event."""
    scrubber = value() if isinstance(value, type) else value
    if not callable(getattr(scrubber, "scrub_event", None)):
        raise ValueError("must be module:name of an EventScrubber")  # noqa: TRY004  # pydantic wants it
    return scrubber


def _read_yaml(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return read_yaml(value, "must be a mapping in YAML, such as {keep_alive: true}")


def _check_options(options: dict[str, Any]) -> dict[str, Any]:
    own = sorted(options.keys() & Sentry.model_fields.keys())
    if own:
        raise ValueError(f"{own[0]} has a setting of its own, C2C__SENTRY__{own[0].upper()}")
    return options


class Sentry(Group):
    """Settings of Sentry: `sentry_sdk.init(**settings.sentry.model_dump())` accepts the dump.

    Fields that are not parameters of `sentry_sdk.init` (`tags`, `ignored_loggers`, …) are excluded.
    """

    dsn: Secret | None = Field(
        default=None, description="Where events are sent; without it Sentry is disabled"
    )
    debug: bool = Field(default=False, description="Print debug output of the SDK")
    release: str | None = Field(
        default=None, description="Release shown with the events; `latest` counts as unset"
    )
    environment: str = Field(default="production", description="Environment shown with the events")
    dist: str | None = Field(default=None, description="Distribution within the release")
    sample_rate: float = Field(
        default=1.0, ge=0, le=1, description="Fraction of the errors that are sent, from 0 to 1"
    )
    ignore_errors: StringList = Field(
        default=[], description="Exceptions that are not sent, comma-separated names"
    )
    max_breadcrumbs: int = Field(default=100, ge=0, description="Maximum number of breadcrumbs per event")
    attach_stacktrace: bool = Field(default=False, description="Attach a stack trace to every message")
    send_default_pii: bool | None = Field(
        default=None, description="Send personal data such as IP addresses and cookies"
    )
    event_scrubber: Annotated[
        Annotated[ImportString[Any], checked_by(_scrubber)] | None, BeforeValidator(_default)
    ] = Field(
        default=None,
        description="`default`, or `module:name` of an `EventScrubber` that replaces the default one",
    )
    include_source_context: bool = Field(default=True, description="Include source lines around each frame")
    include_local_variables: bool = Field(default=True, description="Include local variables of each frame")
    add_full_stack: bool = Field(
        default=False, description="Include all frames, not only those below the handler"
    )
    max_stack_frames: int = Field(default=100, ge=0, description="Maximum number of frames per stack trace")
    server_name: str | None = Field(default=None, description="Host name shown with the events")
    project_root: str = Field(
        default_factory=lambda: str(Path.cwd()),
        description="Folder of the application's code, for in-app frames",
    )
    in_app_include: StringList = Field(
        default=[], description="Modules that count as in-app, comma-separated"
    )
    in_app_exclude: StringList = Field(
        default=[], description="Modules that do not count as in-app, comma-separated"
    )
    max_request_body_size: Annotated[Literal["never", "small", "medium", "always"], AnyCase] = Field(
        default="medium", description="Maximum size of request bodies that are sent"
    )
    max_value_length: int = Field(default=1024, ge=1, description="Maximum length of a value, in characters")
    ca_certs: str | None = Field(
        default=None, description="File with the CA certificates that the SDK trusts"
    )
    send_client_reports: bool = Field(
        default=True, description="Report the number of dropped events to Sentry"
    )
    traces_sample_rate: float | None = Field(
        default=None, ge=0, le=1, description="Fraction of the requests that are traced, from 0 to 1"
    )
    ignored_loggers: StringList = Field(
        default=[], exclude=True, description="Loggers whose records are not sent as events, comma-separated"
    )
    level: LevelName = Field(
        default="ERROR", exclude=True, description="Level from which log records are sent as events"
    )
    integrations: dict[str, bool] = Field(
        default={}, exclude=True, description="Enable (`True`) or disable (`False`) an integration of the SDK"
    )
    options: Annotated[
        dict[str, Any],
        NoDecode,
        read_by(_read_yaml),
        AfterValidator(_check_options),
        PlainSerializer(lambda options: dict.fromkeys(options, MASK), when_used="json"),
    ] = Field(
        default={}, exclude=True, description="Further options of `sentry_sdk.init`, as a mapping in YAML"
    )
    tags: dict[str, str] = Field(
        default={}, exclude=True, description="Tag added to every event; empty values are kept"
    )

    @property
    def url(self) -> str | None:
        """The DSN, under the name that the README of 0.x used."""
        return self.dsn

    @url.setter
    def url(self, value: str | None) -> None:
        self.dsn = value
