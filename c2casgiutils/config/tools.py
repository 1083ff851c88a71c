"""Settings of the views under the mount."""

from pydantic import Field

from c2casgiutils.config._types import (
    Group,
)


class ToolsLogging(Group):
    """Settings of the log level view."""

    redis_prefix: str = Field(
        default="c2c_logging_level_", description="Start of the keys that hold the set levels"
    )
    application_module: str = Field(
        default="c2casgiutils",
        description="The application's package: its logger gets LOG_LEVEL; unset, the caller of `install`",
    )


class Tools(Group):
    """Settings of the views under the mount."""

    docs: bool = Field(default=False, description="Serve `/docs` and `/redoc` of the mounted application")
    logging: ToolsLogging = Field(default_factory=ToolsLogging)
