"""Changes of log levels: who may ask, for which processes, what was done, and the record of it."""

import dataclasses
import datetime
import logging
from typing import Any

from fastapi import HTTPException, Request

from c2casgiutils import auth, instances, switches
from c2casgiutils._errors import C2cError
from c2casgiutils._outages import RedisUnavailableError, waiting
from c2casgiutils.switches import CLUSTER, SwitchesUnavailableError, SwitchReport
from c2casgiutils.tools import _level_values, _levels, _logger_list

PROCESS = "process"
"""The scope of a level that only the process that answers has."""


class RefusedError(C2cError):
    """The level is not accepted; the message says why."""


class NotSetError(C2cError):
    """The level could not be set everywhere; the message says what was done."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What somebody asks for.

    Attributes:
        name: The logger.
        number: The level, `None` for that of the configuration.
        ttl: Seconds until it ends; `None` without an end.
        scope: `cluster`, `process` or the id of an instance.
        reason: Why.
    """

    name: str
    number: int | None
    ttl: float | None = None
    scope: str = CLUSTER
    reason: str | None = None

    @property
    def level(self) -> str | None:
        """The name of the level."""
        return None if self.number is None else logging.getLevelName(self.number)


@dataclasses.dataclass(frozen=True)
class Changed:
    """What was done.

    Attributes:
        before: The logger before, in the process that `scope` names, or in the one that answers.
        after: The same afterwards.
        expires: When the level ends.
        report: Which processes have it.
    """

    before: _logger_list.Described
    after: _logger_list.Described
    expires: datetime.datetime | None
    report: SwitchReport


async def change(wanted: Wanted, *, request: Request, auth_info: auth.AuthInfo) -> Changed:
    """Set or remove a level, in 2 s at most, and record it.

    Raises:
        RefusedError: Not a level for the logger, too many loggers that no module uses, or too many levels.
        NotSetError: Redis is configured and unreachable.
        HTTPException: 403, the level needs the admin level; 404, an unknown instance; 503, an instance that
            does not answer.
    """
    _check(wanted)
    await _check_right(wanted, request=request, auth_info=auth_info)
    target = await _target(wanted.scope)
    before = await _read(target, wanted.name)
    told = _told(wanted)
    async with auth.audit.recorded(
        "logging.level",
        request=request,
        auth_info=auth_info,
        target=wanted.name,
        before=before.level,
        after=told,
    ) as record:
        done = await _apply(wanted, target, by=auth.audit.name_of(auth_info))
        expires = None if done.setting is None else done.setting.expires_at
        record.after = told if expires is None else {**told, "expires": expires.isoformat()}
        record.result = done.report.result
    after = await _read(target, wanted.name, done="The level was set, but ")
    return Changed(before, _warned(wanted, after), expires, done.report)


def _warned(wanted: Wanted, after: _logger_list.Described) -> _logger_list.Described:
    """Say that another level is in force than the one that was just set."""
    if wanted.scope != CLUSTER or after.override is None or after.override.scope == CLUSTER:
        return after
    texts = "this process has a level of its own, set with another scope", after.warning
    return after.model_copy(update={"warning": "; ".join(filter(None, texts))})


def _told(wanted: Wanted) -> dict[str, Any]:
    """Return what the record tells of a change."""
    fields = {"level": wanted.level, "ttl": wanted.ttl, "scope": wanted.scope, "reason": wanted.reason}
    return {name: value for name, value in fields.items() if value is not None or name == "level"}


def _check(wanted: Wanted) -> None:
    try:
        if wanted.number is not None:
            _levels.kind().check(wanted.name, wanted.number)
    except ValueError as error:
        raise RefusedError(str(error)) from error


async def _check_right(wanted: Wanted, *, request: Request, auth_info: auth.AuthInfo) -> None:
    """Ask for the admin level where a change would hide the warnings of everything, from everybody."""
    if wanted.name != logging.root.name or wanted.number is None or wanted.number <= logging.WARNING:
        return
    if not await auth.check_admin_access(auth_info, request):
        raise HTTPException(403, "Setting the root logger above WARNING needs the admin level")


async def _target(scope: str) -> str | None:
    """Return the id of the only process that is meant, `None` for all of them.

    Raises:
        HTTPException: 404 for an unknown one, 503 while it cannot be told.
    """
    if scope == CLUSTER:
        return None
    return instances.own_id() if scope == PROCESS else await find_instance(scope)


async def find_instance(id_: str) -> str:
    """Return the id of a process that is alive.

    Raises:
        HTTPException: 404 for an unknown one, 503 while it cannot be told.
    """
    try:
        return (await instances.find(id_)).id
    except instances.UnseenInstanceError as error:
        raise RedisUnavailableError(str(error)) from error
    except instances.UnknownInstanceError as error:
        raise HTTPException(404, str(error)) from error


async def _read(
    target: str | None, name: str, *, done: str = "Nothing was changed: "
) -> _logger_list.Described:
    try:
        return await _logger_list.describe_in(target or instances.own_id(), name)
    except _logger_list.SilentInstanceError as error:
        raise silent(f"{done}{error}") from error


def silent(text: str) -> HTTPException:
    """Return the error of a process that did not answer."""
    return HTTPException(503, text, {"Retry-After": "5"})


async def _apply(wanted: Wanted, target: str | None, *, by: str) -> switches.Change:
    to = None if target is None else [target]
    kind, name = _levels.kind().name, wanted.name
    try:
        with waiting(_levels.TIMEOUT_SECONDS) as seconds:
            if wanted.number is None:
                done = await switches.remove(kind, name, by=by, to=to, seconds=seconds)
            else:
                value, ttl = _level_values.to_store(wanted.number), wanted.ttl
                done = await switches.put(
                    kind, name, value, ttl=ttl, by=by, reason=wanted.reason, to=to, seconds=seconds
                )
    except SwitchesUnavailableError as error:
        what = "level" if wanted.number is not None else "removal of the level"
        raise _not_set(error, what) from error
    except ValueError as error:
        raise RefusedError(str(error)) from error
    if target is not None and target not in done.instances:
        failed = "; ".join(process.error for process in done.report.failed)
        if failed:
            raise RefusedError(f"nothing was changed, the process refuses: {failed}")
        raise silent(f"It is not known whether the process {target} has the level: it did not answer in time")
    return done


def _not_set(error: SwitchesUnavailableError, what: str) -> NotSetError:
    """Return the error that says what was done and what was not."""
    later = "each process takes it within one heartbeat of reaching Redis"
    if error.is_stored:
        return NotSetError(
            f"the {what} is kept in Redis, but it is not known which processes have it; {later}"
        )
    if error.is_uncertain:
        return NotSetError(
            f"Redis did not reply in time: no process was changed, but the {what} may be kept; then {later}"
        )
    return NotSetError(
        "Redis cannot be reached or written: the level was not changed; "
        f"the scope `{PROCESS}` changes it in the process that answers"
    )
