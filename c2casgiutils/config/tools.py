"""Settings of the tools, the health checks, the roster and the proxy headers."""

import datetime
from typing import Literal

from c2casgiutils.config._types import Duration, Group, Secret


class ToolsLogging(Group):
    """Settings of the log level view."""

    redis_prefix: str = "c2c_logging_level_"
    application_module: str = "c2casgiutils"


class Tools(Group):
    """Settings of the views under the mount."""

    docs: bool = False
    logging: ToolsLogging = ToolsLogging()


class Health(Group):
    """Settings of the health checks."""

    details: Literal["never", "authorized", "always"] = "authorized"
    timeout: Duration = datetime.timedelta(seconds=2)
    ttl: Duration = datetime.timedelta(seconds=1)
    webhook: Secret | None = None


class Instances(Group):
    """Settings of the roster of processes."""

    heartbeat: Duration = datetime.timedelta(seconds=5)


class ProxyHeaders(Group):
    """Which forwarded headers are believed, and from whom."""

    type: Literal["none", "x-forwarded", "forwarded"] = "none"
    trusted_hosts: str = "127.0.0.1"
    force_proto: Literal["http", "https"] | None = None
    force_host: str | None = None
    force_port: int | None = None
    force_client: str | None = None
