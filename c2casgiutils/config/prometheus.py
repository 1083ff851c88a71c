"""Settings of the metrics."""

from typing import Annotated

from pydantic import Field

from c2casgiutils.config._types import Group, Port, Secret, matches


class Prometheus(Group):
    """Settings of the metrics."""

    prefix: Annotated[
        str, matches(r"[a-zA-Z_:][a-zA-Z0-9_:]*", "a metric name (letters, digits, _ and :, no digit first)")
    ] = Field(default="c2casgiutils_", description="Prefix of all metric names")
    port: Port = Field(default=9000, description="Port that serves the metrics; 0 to disable")
    address: str = Field(default="127.0.0.1", description="Address on which the metrics are served")
    bearer: Annotated[Secret, matches(r"[!-~]{16,}", "16 characters or more, without blanks")] | None = Field(
        default=None,
        description="Token that opens `/metrics` of the mounted application; 16 characters or more",
    )
