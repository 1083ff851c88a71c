"""The views that read and set log levels, which are stored in Redis and applied in all processes."""

import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel, Field

from c2casgiutils import auth, instances
from c2casgiutils._asgi import AnyApp
from c2casgiutils._outages import RedisUnavailableError
from c2casgiutils.broadcast import ClusterReport
from c2casgiutils.switches import CLUSTER, SwitchesUnavailableError, SwitchReport
from c2casgiutils.tools import _level_changes, _levels, _logger_list, _loggers
from c2casgiutils.tools._level_changes import Changed, Wanted
from c2casgiutils.tools._level_fields import LevelChange, LevelRequest, LoggerName, ScopeName

router: APIRouter = APIRouter(tags=["logging"])

_READ = [Depends(auth.require_read_only_access)]
_WRITE = [Depends(auth.require_read_write_access)]
_Caller = Annotated[auth.AuthInfo, Depends(auth.get_auth)]
_UNREACHABLE: dict[int | str, dict[str, Any]] = {
    503: {"description": "Redis is configured but cannot be reached, or a process does not answer."}
}


class LevelResponse(BaseModel):
    """The own level of a logger (`NOTSET` if inherited) and the effective one, in the responding process."""

    name: str
    level: str
    effective_level: str
    warning: str | None = Field(
        default=None,
        exclude_if=lambda warning: warning is None,
        description=(
            "Only present if no handler writes some of the enabled records, and after a change if the log "
            "may hold secrets now, if processes have levels of their own, or if this one has no such logger."
        ),
    )


class SetLevelResponse(LevelResponse):
    """The same after a change, and which processes have applied it."""

    cluster: SwitchReport


class ChangedResponse(LevelResponse):
    """A logger after a change, in the process given by the scope, or in the responding one."""

    previous: str = Field(description="The level before")
    expires: datetime.datetime | None = Field(description="By the clock of Redis; null for no end")
    scope: str = Field(description="As requested; without Redis `process` instead of `cluster`")
    cluster: SwitchReport


class NamedOverride(BaseModel):
    """A level set at run time."""

    name: str
    level: str
    expires: datetime.datetime | None = Field(description="By the clock of Redis; null for no end")
    by: str | None = Field(description="Who set it; null for one of c2casgiutils 0.x")
    reason: str | None
    scope: str = Field(description=f"`{CLUSTER}`, or the id of the only instance it applies to")


class OverridesResponse(BaseModel):
    """All levels set at run time, by name."""

    scope: Literal["cluster", "process"] = Field(
        description="`process` if only the responding one is known: Redis is not used or unreachable"
    )
    cluster: ClusterReport = Field(description="Who was asked for levels that one process alone has")
    overrides: list[NamedOverride]


def _refuse_change(request: Request) -> None:
    """Reject an attempt to change a level with GET, as in c2cwsgiutils, and say how to do it."""
    if "level" in request.query_params:
        raise HTTPException(
            405,
            'GET changes nothing: set a level with POST and the JSON body {"name": ..., "level": ...}',
        )


@router.get("/level", name="c2c_logging_level", dependencies=[*_READ, Depends(_refuse_change)])
async def get_level(name: Annotated[LoggerName, Query()]) -> LevelResponse:
    """Return the level of a logger."""
    return LevelResponse(**_loggers.read(name)._asdict())


@router.post("/level", name="c2c_logging_set_level", dependencies=_WRITE, responses=_UNREACHABLE)
async def set_level(request: Request, body: LevelRequest, auth_info: _Caller) -> SetLevelResponse:
    """Set the level of a logger in all processes, including those that start later."""
    done = await _change(Wanted(body.name, body.level), request, auth_info)
    return SetLevelResponse(**_level_of(done), cluster=done.report)


@router.get("/loggers", name="c2c_loggers", dependencies=_READ, responses=_UNREACHABLE)
async def get_loggers(
    q: Annotated[str, Query(max_length=200, description="Part of the name, in any case.")] = "",
    changed: Annotated[bool, Query(description="Only those set at run time.")] = False,
    instance: Annotated[str, Query(description="The id of a process, or `self`.")] = "self",
) -> _logger_list.LoggersResponse:
    """Return the loggers of one process, by default of the responding one, without creating any."""
    if instance == "all":
        raise HTTPException(422, "The loggers of only one process can be listed: give its id, or `self`")
    if instance == "self":
        return _logger_list.find(q, changed=changed)
    try:
        found = await _level_changes.find_instance(instance)
        return await _logger_list.find_in(found, q, changed=changed)
    except _logger_list.SilentInstanceError as error:
        raise _level_changes.silent(str(error)) from error


@router.put("/loggers/{name}", name="c2c_logger_put", dependencies=_WRITE, responses=_UNREACHABLE)
async def put_logger(
    request: Request, name: Annotated[LoggerName, Path()], body: LevelChange, auth_info: _Caller
) -> ChangedResponse:
    """Set the level of a logger, with an optional end."""
    wanted = Wanted(name, body.level, ttl=body.seconds(), scope=body.scope, reason=body.reason)
    return _changed(await _change(wanted, request, auth_info))


@router.delete("/loggers/{name}", name="c2c_logger_delete", dependencies=_WRITE, responses=_UNREACHABLE)
async def delete_logger(
    request: Request,
    name: Annotated[LoggerName, Path()],
    auth_info: _Caller,
    scope: Annotated[ScopeName, Query()] = CLUSTER,
) -> ChangedResponse:
    """Restore the configured level of a logger, in all processes."""
    wanted = Wanted(name, None, scope=scope)
    return _changed(await _change(wanted, request, auth_info))


async def _change(wanted: Wanted, request: Request, auth_info: auth.AuthInfo) -> Changed:
    try:
        return await _level_changes.change(wanted, request=request, auth_info=auth_info)
    except _level_changes.RefusedError as error:
        raise HTTPException(422, str(error)) from error
    except _level_changes.NotSetError as error:
        raise RedisUnavailableError(str(error)) from error


def _level_of(done: Changed) -> dict[str, Any]:
    return done.after.model_dump(include={"name", "level", "effective_level", "warning"})


def _changed(done: Changed) -> ChangedResponse:
    return ChangedResponse(
        **_level_of(done),
        previous=done.before.level,
        expires=done.expires,
        scope=done.scope,
        cluster=done.report,
    )


@router.get("/overrides", name="c2c_logging_overrides", dependencies=_READ)
async def get_overrides() -> OverridesResponse:
    """Return the levels set at run time, for all processes and for single ones."""
    try:
        await _levels.overrides()
        scope = instances.scope()
    except SwitchesUnavailableError:
        scope = "process"
    own, report = await _logger_list.of_single_instances()
    of_all = _levels.in_force(own=False).items()
    named = [*((name, _logger_list.Override.of(setting)) for name, setting in of_all), *own]
    named.sort(key=lambda item: (item[0], item[1].scope != CLUSTER, item[1].scope))
    overrides = [NamedOverride(name=name, **dict(override)) for name, override in named]
    return OverridesResponse(scope=scope, cluster=report, overrides=overrides)


async def startup(main_app: AnyApp | None = None) -> None:
    """Subscribe to changes, and apply the stored levels.

    If Redis is unreachable, the levels are applied later.
    """
    del main_app
    await _levels.startup()
    await _logger_list.startup()
