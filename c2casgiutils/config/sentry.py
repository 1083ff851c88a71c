"""Settings of Sentry."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from c2casgiutils.config._types import Group, Secret, StringList


class Sentry(Group):
    """Every field but `tags` is a keyword of `sentry_sdk.init`; the others stay out of the dump."""

    dsn: Secret | None = None
    debug: bool = False
    release: str | None = None
    environment: str = "production"
    dist: str | None = None
    sample_rate: float = Field(1.0, ge=0, le=1)
    ignore_errors: StringList = []
    max_breadcrumbs: int = 100
    attach_stacktrace: bool = False
    send_default_pii: bool | None = None
    event_scrubber: str | None = None
    include_source_context: bool = True
    include_local_variables: bool = True
    add_full_stack: bool = False
    max_stack_frames: int = 100
    server_name: str | None = None
    project_root: str = Field(default_factory=lambda: str(Path.cwd()))
    in_app_include: StringList = []
    in_app_exclude: StringList = []
    max_request_body_size: Literal["never", "small", "medium", "always"] = "medium"
    max_value_length: int = 1024
    ca_certs: str | None = None
    send_client_reports: bool = True
    traces_sample_rate: float | None = Field(None, ge=0, le=1)
    ignored_loggers: StringList = Field([], exclude=True)
    tags: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _collect_tags(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        tags = {key[4:].lower(): value for key, value in data.items() if key.lower().startswith("tag_")}
        return {**data, "tags": {**data.get("tags", {}), **tags}}
