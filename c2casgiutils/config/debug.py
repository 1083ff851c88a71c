"""Settings of the diagnostics."""

import datetime
from typing import Annotated

from pydantic import Field

from c2casgiutils.config._types import Duration, Group, checked_by

_LEAST_STALL = datetime.timedelta(milliseconds=10)
_MOST_STALL = datetime.timedelta(minutes=1)


def _check_stall(value: datetime.timedelta) -> datetime.timedelta:
    if not _LEAST_STALL <= value <= _MOST_STALL:
        raise ValueError("must be 10 milliseconds to 1 minute")
    return value


class Debug(Group):
    """Settings of the diagnostics."""

    enabled: bool = Field(
        default=False,
        description="Serve the diagnostic views that are costly or disturb (memory, profile, sleep, error)",
    )
    stall: Annotated[Duration, checked_by(_check_stall)] = Field(
        default=datetime.timedelta(milliseconds=100),
        description="How long the event loop must be blocked to count as a stall",
    )
    watchdog: bool = Field(
        default=True, description="Watch the event loop from a thread, which also answers while it is blocked"
    )
