"""The variables of the packaged logging configuration.

They are not part of `Settings`: the logging is configured before the application is imported, and must be
able to report an invalid setting.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from c2casgiutils.config._errors import describe, end_start
from c2casgiutils.config._types import AnyCase


def _level_name(value: Any) -> Any:
    name = value.strip().upper() if isinstance(value, str) else value
    return "WARNING" if name == "WARN" else name


LevelName = Annotated[
    Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"],
    BeforeValidator(_level_name),
]


class LoggingDebug(BaseSettings):
    """What helps to find out why a line is written or not, read from the environment.

    Raises:
        ConfigurationError: A value is invalid; standard error has one line for each invalid variable.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    debug_logconfig: bool = Field(
        default=False,
        description="Print the resulting logging configuration to standard error, without secrets",
    )

    def __init__(self, **values: Any) -> None:
        problems: list[str] = []
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = describe(error, "", {})
        if problems:
            end_start(problems)


class Logging(LoggingDebug):
    """Format and levels of the log, read from the environment."""

    log_type: Annotated[Literal["console", "json"], AnyCase] = Field(
        default="console", description="Lines for people (`console`) or one JSON object per line (`json`)"
    )
    no_color: str | None = Field(
        default=None,
        description="Any text: no colors on a terminal, see [no-color.org](https://no-color.org)",
    )
    log_level: LevelName = Field(default="INFO", description="Level of the application")
    c2c_log_level: LevelName | None = Field(
        default=None, description="Level of this library; by default `LOG_LEVEL`"
    )
    server_log_level: LevelName | None = Field(
        default=None,
        description="Level of the server (uvicorn, gunicorn, hypercorn, granian); by default `LOG_LEVEL`",
    )
    sql_log_level: LevelName = Field(
        default="WARNING", description="Level of `sqlalchemy.engine`; `INFO` shows the statements"
    )
    other_log_level: LevelName = Field(default="WARNING", description="Level of all other loggers")
    application_module: str = Field(
        default="c2casgiutils", validation_alias="C2C__TOOLS__LOGGING__APPLICATION_MODULE", exclude=True
    )
    route_prefix: str = Field(default="/", validation_alias="C2C__ROUTE_PREFIX", exclude=True)
