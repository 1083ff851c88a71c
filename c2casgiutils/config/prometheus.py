"""Settings of the metrics."""

from c2casgiutils.config._types import Group


class Prometheus(Group):
    """Names and port of the metrics."""

    prefix: str = "c2casgiutils_"
    port: int = 9000
    address: str = "127.0.0.1"
