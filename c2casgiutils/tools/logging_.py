"""The views that read and set log levels: of all processes at once, kept in Redis, restored at start."""

import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from c2casgiutils import auth, instances
from c2casgiutils._outages import RedisUnavailableError
from c2casgiutils.config._types import checked_by, in_plain_words
from c2casgiutils.switches import (
    CLUSTER,
    Setting,
    SwitchesUnavailableError,
    SwitchReport,
    TooManySwitchesError,
)
from c2casgiutils.tools import _levels, _loggers

router = APIRouter(tags=["logging"])

LoggerName = Annotated[
    str,
    Field(min_length=1, max_length=_loggers.MAX_NAME_LENGTH, description="The name of a logger, or `root`."),
    checked_by(_loggers.checked_name),
]
LevelName = Annotated[
    str,
    Field(min_length=1, max_length=30, description="The name of a level, in any case."),
    checked_by(_loggers.checked_level),
]


class LevelRequest(BaseModel):
    """A level to set."""

    name: LoggerName
    level: LevelName

    @field_validator("level")
    @classmethod
    @in_plain_words
    def _check_allowed(cls, level: str, info: ValidationInfo) -> str:
        _loggers.check_allowed(info.data.get("name", ""), level)
        return level


class LevelResponse(BaseModel):
    """The level of a logger in the process that answers: its own (`NOTSET`: inherited), the one in force."""

    name: str
    level: str
    effective_level: str
    warning: str | None = Field(
        default=None,
        exclude_if=lambda warning: warning is None,
        description="Only there when the level lets records through that no handler writes.",
    )


class SetLevelResponse(LevelResponse):
    """The same after a change, and which processes made it."""

    cluster: SwitchReport


class Override(BaseModel):
    """A level that was set at run time."""

    name: str
    level: str
    expires: datetime.datetime | None = Field(description="By the clock of Redis; null without an end")
    by: str | None = Field(description="Who set it; null for one of c2casgiutils 0.x")
    reason: str | None
    scope: str = Field(description=f"`{CLUSTER}`, or the id of the only instance that has it")

    @classmethod
    def of(cls, name: str, setting: Setting) -> Self:
        """Return how the level of a logger is told."""
        return cls(
            name=name,
            level=setting.value,
            expires=setting.expires_at,
            by=setting.by,
            reason=setting.reason,
            scope=setting.scope,
        )


class OverridesResponse(BaseModel):
    """All levels that were set at run time, by name."""

    scope: Literal["cluster", "process"] = Field(
        description="`process` if only the one that answers is known: Redis is not used or unreachable"
    )
    overrides: list[Override]


@router.get("/level", name="c2c_logging_level", dependencies=[Depends(auth.require_read_only_access)])
async def get_level(name: Annotated[LoggerName, Query()]) -> LevelResponse:
    """Read the level of a logger."""
    return LevelResponse(**_loggers.read(name)._asdict())


@router.post(
    "/level",
    name="c2c_logging_set_level",
    dependencies=[Depends(auth.require_read_write_access)],
    responses={503: {"description": "Redis is configured but cannot be reached."}},
)
async def set_level(
    request: Request, body: LevelRequest, auth_info: Annotated[auth.AuthInfo, Depends(auth.get_auth)]
) -> SetLevelResponse:
    """Set the level of a logger in every process and keep it for the processes that start later."""
    try:
        report = await _levels.change(body.name, body.level, request=request, auth_info=auth_info)
    except (_loggers.QuotaExceededError, TooManySwitchesError) as error:
        raise HTTPException(422, str(error)) from error
    except _levels.NotSetError as error:
        raise RedisUnavailableError(str(error)) from error
    return SetLevelResponse(**_loggers.read(body.name)._asdict(), cluster=report)


@router.get("/overrides", name="c2c_logging_overrides", dependencies=[Depends(auth.require_read_only_access)])
async def get_overrides() -> OverridesResponse:
    """List the levels that were set at run time."""
    try:
        found, scope = await _levels.overrides(), instances.scope()
    except SwitchesUnavailableError:
        found, scope = _levels.in_force(), "process"
    return OverridesResponse(
        scope=scope, overrides=[Override.of(name, setting) for name, setting in found.items()]
    )


async def startup(main_app: FastAPI | None = None) -> None:
    """Listen for changes, and set the levels that are stored.

    Redis being unreachable is no error: the levels are set once it is back.
    """
    del main_app
    await _levels.startup()
