"""Settings of the request tracking."""

import datetime
from typing import Annotated

from pydantic import Field

from c2casgiutils.config._types import Group, PositiveDuration, matches


class RequestTracking(Group):
    """Settings of the request tracking."""

    header: (
        Annotated[
            str, matches(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "the name of a header such as `X-My-Request-ID`")
        ]
        | None
    ) = Field(default=None, description="Header that precedes all others as the source of the request id")
    trust: bool = Field(
        default=True, description="Take the request id and the trace from the headers of the request"
    )
    server_timing: bool = Field(
        default=False, description="Send the duration of each request in the header `Server-Timing`"
    )
    default_timeout: PositiveDuration = Field(
        default=datetime.timedelta(seconds=5), description="Timeout of the clients of `request_tracking`"
    )
    sql: bool = Field(default=False, description="Send the request id to PostgreSQL, as `application_name`")
