"""Settings of the views under the mount."""

import datetime
from typing import Annotated

from pydantic import Field

from c2casgiutils.config._types import Duration, Group, checked_by

LEAST_LEVEL_TTL = datetime.timedelta(seconds=1)
MOST_LEVEL_TTL = datetime.timedelta(days=7)


def _check_ttl(value: datetime.timedelta) -> datetime.timedelta:
    if value and not LEAST_LEVEL_TTL <= value <= MOST_LEVEL_TTL:
        raise ValueError("must be 1 second to 7 days, or 0 for no end")
    return value


class ToolsLogging(Group):
    """Settings of the log level view."""

    redis_prefix: str = Field(
        default="c2c_logging_level_",
        description="Prefix of the Redis keys of log levels of 0.x, taken over once",
    )
    ttl: Annotated[Duration, checked_by(_check_ttl)] = Field(
        default=datetime.timedelta(minutes=10),
        description="How long a level below `INFO` lasts that is set without a `ttl`; `0` is without an end",
    )
    application_module: str = Field(
        default="c2casgiutils",
        description="Package whose logger gets `LOG_LEVEL`; `install` sets it to its caller if unset",
    )


class Tools(Group):
    """Settings of the views under the mount."""

    docs: bool = Field(default=False, description="Serve `/docs` and `/redoc` of the mounted application")
    public_title: bool = Field(
        default=False,
        description="Show the title of the application and the version on the page to everybody",
    )
    logging: ToolsLogging = Field(default_factory=ToolsLogging)
