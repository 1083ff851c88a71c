"""Settings of the views under the mount."""

from pydantic import Field

from c2casgiutils.config._types import (
    Group,
)


class ToolsLogging(Group):
    """Settings of the log level view."""

    redis_prefix: str = Field(
        default="c2c_logging_level_",
        description="Prefix of the Redis keys of log levels of 0.x, taken over once",
    )
    application_module: str = Field(
        default="c2casgiutils",
        description="Package whose logger gets `LOG_LEVEL`; by default that of the caller of `install`",
    )


class Tools(Group):
    """Settings of the views under the mount."""

    docs: bool = Field(default=False, description="Serve `/docs` and `/redoc` of the mounted application")
    public_title: bool = Field(
        default=False,
        description="Show the title of the application and the version on the page to everybody",
    )
    logging: ToolsLogging = Field(default_factory=ToolsLogging)
