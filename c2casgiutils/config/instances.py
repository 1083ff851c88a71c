"""Settings of the roster of processes."""

import datetime

from pydantic import Field

from c2casgiutils.config._types import (
    Group,
    PositiveDuration,
)


class Instances(Group):
    """Settings of the roster of processes."""

    heartbeat: PositiveDuration = Field(
        default=datetime.timedelta(seconds=5), description="Interval between the heartbeats of a process"
    )
