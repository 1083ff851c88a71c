"""Settings of the tools, the health checks, the roster and the proxy headers."""

import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from c2casgiutils.config._types import (
    AnyCase,
    Group,
    NotNegativeDuration,
    Port,
    PositiveDuration,
    Secret,
    check_url,
)


class ToolsLogging(Group):
    """Settings of the log level view."""

    redis_prefix: str = Field(
        default="c2c_logging_level_", description="Start of the keys that hold the set levels"
    )
    application_module: str = Field(
        default="c2casgiutils", description="The application's package: its logger gets LOG_LEVEL"
    )


class Tools(Group):
    """Settings of the views under the mount."""

    docs: bool = Field(default=False, description="Serve `/docs` and `/redoc` of the mounted application")
    logging: ToolsLogging = Field(default_factory=ToolsLogging)


class Health(Group):
    """Settings of the health checks."""

    details: Annotated[Literal["never", "authorized", "always"], AnyCase] = Field(
        default="authorized", description="Who sees the payloads of the checks"
    )
    timeout: PositiveDuration = Field(
        default=datetime.timedelta(seconds=2), description="Time that one check may take"
    )
    ttl: NotNegativeDuration = Field(
        default=datetime.timedelta(seconds=1), description="Time that a result is kept"
    )
    webhook: Annotated[Secret, AfterValidator(check_url)] | None = Field(
        default=None, description="Address told about changes of state"
    )


class Instances(Group):
    """Settings of the roster of processes."""

    heartbeat: PositiveDuration = Field(
        default=datetime.timedelta(seconds=5), description="Time between two signs of life of a process"
    )


class ProxyHeaders(Group):
    """Which forwarded headers are believed, and from whom."""

    type: Annotated[Literal["none", "x-forwarded", "forwarded"], AnyCase] = Field(
        default="none", description="Family of headers that the proxy sets"
    )
    trusted_hosts: str = Field(
        default="127.0.0.1", description="Hosts and networks of the proxies, comma-separated, or `*`"
    )
    force_proto: Annotated[Literal["http", "https"], AnyCase] | None = Field(
        default=None, description="Scheme of every request, whatever the headers say"
    )
    force_host: str | None = Field(
        default=None, description="Host of every request, whatever the headers say"
    )
    force_port: Port | None = Field(
        default=None, ge=1, description="Port of every request, whatever the headers say"
    )
    force_client: str | None = Field(
        default=None, description="Client address of every request, whatever the headers say"
    )
