"""Settings of the script `c2casgiutils-stats-db`."""

import datetime

from pydantic import Field

from c2casgiutils.config._types import Group, NotNegativeDuration, Secret


class StatsDb(Group):
    """Settings of the script `c2casgiutils-stats-db`."""

    password: Secret | None = Field(
        default=None, description="Password of the database, so that it is not on the command line"
    )
    try_number: int = Field(
        default=10, ge=1, description="How often to try while the database or the Pushgateway is unreachable"
    )
    sleep: NotNegativeDuration = Field(
        default=datetime.timedelta(seconds=1), description="Time between tries"
    )
