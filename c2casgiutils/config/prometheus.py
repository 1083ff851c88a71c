"""Settings of the metrics."""

from typing import Annotated

from pydantic import Field

from c2casgiutils.config._types import Group, Port, matches


class Prometheus(Group):
    """Names and port of the metrics."""

    prefix: Annotated[
        str, matches(r"[a-zA-Z_:][a-zA-Z0-9_:]*", "a metric name (letters, digits, _ and :, no digit first)")
    ] = Field("c2casgiutils_", description="Start of the names of all metrics")
    port: Port = Field(9000, description="Port that serves the metrics; 0 is off")
    address: str = Field("127.0.0.1", description="Address that serves the metrics")
