"""The views that read and set log levels: of all processes at once, kept in Redis, restored at start."""

import asyncio
import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from pydantic import AfterValidator, BaseModel, Field

from c2casgiutils import auth, broadcast
from c2casgiutils._outages import OutageError
from c2casgiutils.broadcast.types import ClusterReport
from c2casgiutils.tools import _levels

_LOGGER = logging.getLogger(__name__)

CHANNEL = "c2c_logging_level"
_TIMEOUT_SECONDS = 2
_STORE_SECONDS = 1.5
_RESTORE_AT_START_SECONDS = 0.5
_RESTORE_SECONDS = 30

router = APIRouter(tags=["logging"])

LoggerName = Annotated[
    str,
    Field(min_length=1, max_length=_levels.NAME_LIMIT, description="The name of a logger, or `root`."),
    AfterValidator(_levels.checked_name),
]
LevelName = Annotated[
    str,
    Field(min_length=1, max_length=30, description="The name of a level, in any case."),
    AfterValidator(_levels.checked_level),
]


class LevelRequest(BaseModel):
    """A level to set."""

    name: LoggerName
    level: LevelName


class LevelResponse(BaseModel):
    """The level of a logger in the process that answers: its own (`NOTSET`: inherited), the one in force."""

    name: str
    level: str
    effective_level: str


class SetLevelResponse(LevelResponse):
    """The same after a change, and which processes made it."""

    cluster: ClusterReport


class Override(BaseModel):
    """A level that was set at run time."""

    name: str
    level: str


class OverridesResponse(BaseModel):
    """All levels that were set at run time, by name."""

    overrides: list[Override]


class RedisUnavailableError(OutageError, HTTPException):
    """503: Redis is configured but cannot be reached."""

    def __init__(self, detail: str) -> None:
        HTTPException.__init__(self, 503, detail, {"Retry-After": "5"})


class NotSetError(Exception):
    """The level could not be set everywhere; the message says what was done."""


@router.get("/level", name="c2c_logging_level", dependencies=[Depends(auth.require_read_only_access)])
async def get_level(name: Annotated[LoggerName, Query()]) -> LevelResponse:
    """Read the level of a logger."""
    return LevelResponse(**_levels.read(name)._asdict())


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
        return await change(body.name, body.level, request=request, auth_info=auth_info)
    except _levels.QuotaExceededError as error:
        raise HTTPException(422, str(error)) from error
    except NotSetError as error:
        raise RedisUnavailableError(str(error)) from error


@router.get(
    "/overrides",
    name="c2c_logging_overrides",
    dependencies=[Depends(auth.require_read_only_access)],
    responses={503: {"description": "Redis is configured but cannot be reached."}},
)
async def get_overrides() -> OverridesResponse:
    """List the levels that were set at run time."""
    try:
        found = await overrides()
    except _levels.StoreUnavailableError as error:
        raise RedisUnavailableError("Redis cannot be reached") from error
    return OverridesResponse(overrides=[Override(name=name, level=level) for name, level in found.items()])


async def overrides() -> dict[str, str]:
    """Return the levels that were set at run time, by name: those kept in Redis and those of this process.

    Raises:
        StoreUnavailableError: Redis is configured and cannot be reached.
    """
    kept = await _levels.stored(timeout_seconds=_TIMEOUT_SECONDS)
    return dict(sorted({**_levels.applied(), **kept}.items()))


async def change(name: str, level: str, *, request: Request, auth_info: auth.AuthInfo) -> SetLevelResponse:
    """Keep a level in Redis, then set it in every process; both together take 2 s at most.

    Raises:
        QuotaExceededError: Too many loggers that no module uses.
        NotSetError: Redis is configured and cannot be reached.
    """
    _levels.check_quota(name)
    before = _levels.read(name).level
    result = "failed"
    try:
        report = await _store_and_tell(name, level)
        result = "ok" if report.complete else "partial"
    finally:
        await auth.audit.record(
            "logging.level",
            request=request,
            auth_info=auth_info,
            target=name,
            before=before,
            after=level,
            result=result,
        )
    return SetLevelResponse(**_levels.read(name)._asdict(), cluster=report)


async def _store_and_tell(name: str, level: str) -> ClusterReport:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _TIMEOUT_SECONDS
    try:
        await _levels.store(name, level, timeout_seconds=_STORE_SECONDS)
    except _levels.StoreUnavailableError as error:
        if error.is_uncertain:
            raise NotSetError(
                "Redis did not answer in time: no process was changed, but the level may be kept for later"
            ) from error
        raise NotSetError("Redis cannot be reached or written: the level was not changed") from error
    try:
        answers = await broadcast.broadcast(
            CHANNEL, {"name": name, "level": level}, expect_answers=True, timeout=deadline - loop.time()
        )
    except broadcast.BroadcastError as error:
        raise NotSetError(
            "the level is kept in Redis, but the processes cannot be told now; "
            "they take it when they reach Redis again"
        ) from error
    if answers:
        return ClusterReport.of(answers)
    # Nobody subscribes: `startup` was not called, so this process stands alone.
    _apply(name, level)
    return ClusterReport(asked=1, answered=1, missing=[], failed=[], complete=True)


def _apply(name: str, level: str) -> _levels.Level:
    before = _levels.read(_levels.checked_name(name)).level
    after = _levels.apply(name, level)
    if before != after.level:
        _LOGGER.warning("The level of the logger %s was changed from %s to %s", name, before, after.level)
    return after


async def _apply_everywhere(*, name: str, level: str) -> dict[str, Any]:
    return _apply(name, level)._asdict()


async def _restore() -> None:
    await _levels.restore(timeout_seconds=_RESTORE_SECONDS)


async def startup(main_app: FastAPI | None = None) -> None:
    """Listen for changes and restore the levels that Redis keeps, now and after each lost connection.

    Redis away is no error: the levels are restored once it is back.
    """
    del main_app
    try:
        await broadcast.subscribe(CHANNEL, _apply_everywhere)
    except broadcast.BroadcastError:
        _LOGGER.exception("Changes of log levels in other processes will not be heard")
    broadcast.on_restore(_restore)
    if broadcast.is_listening():
        await _levels.restore(timeout_seconds=_RESTORE_AT_START_SECONDS)
