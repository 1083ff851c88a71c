"""Changes of log levels: permissions, targets, results, and their audit events."""

import dataclasses
import datetime
import difflib
import logging
from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException, Request

from c2casgiutils import auth, instances, switches
from c2casgiutils._errors import C2cError
from c2casgiutils._outages import waiting
from c2casgiutils.switches import CLUSTER, SwitchesUnavailableError, SwitchReport
from c2casgiutils.tools import _level_values, _levels, _logger_list, _loggers

_MAX_NAMED = 10

PROCESS = "process"
"""The scope of a level that applies only to the responding process."""


class RefusedError(C2cError):
    """The level was rejected; the message says why."""


class NotSetError(C2cError):
    """The level could not be set everywhere; the message says what was done.

    Attributes:
        may_be_kept: The change may be stored all the same.
    """

    def __init__(self, text: str, *, may_be_kept: bool = False) -> None:
        super().__init__(text)
        self.may_be_kept = may_be_kept


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A requested change.

    Attributes:
        name: The logger.
        number: The level, `None` for the configured one.
        ttl: Seconds until it ends; `None` for no end.
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
    """The result of a change.

    Attributes:
        before: The logger before, in the process given by `scope`, or in the responding one.
        after: The same afterwards.
        scope: As requested; `process` if the other processes are not reached, as there is no Redis.
        expires: When the level ends.
        report: Which processes have applied it.
        exceptions: Which processes have another level in effect, as text; empty if there are none.
    """

    before: _logger_list.Described
    after: _logger_list.Described
    scope: str
    expires: datetime.datetime | None
    report: SwitchReport
    exceptions: str


async def change(wanted: Wanted, *, request: Request, auth_info: auth.AuthInfo) -> Changed:
    """Set or remove a level within 2 s, and record it in the audit log.

    Raises:
        RefusedError: The level is not allowed, or there are too many unused loggers or levels.
        NotSetError: Redis is configured but unreachable.
        HTTPException: 403 if the admin level is required, 404 for an unknown instance, 503 if an instance
            does not answer.
    """
    _check(wanted)
    await _check_right(wanted, request=request, auth_info=auth_info)
    scope = _reached(wanted.scope)
    target = await _target(wanted.scope)
    before = await _read(target, wanted.name)
    unknown = _unknown(wanted, target)
    told = {**_told(wanted), "scope": scope}
    async with auth.audit.recorded(
        "logging.level",
        request=request,
        auth_info=auth_info,
        target=wanted.name,
        before=before.level,
        after=told,
    ) as record:
        done = await _apply(wanted, target, by=record.by)
        expires = None if done.setting is None else done.setting.expires_at
        record.after = told if expires is None else {**told, "expires": expires.isoformat(timespec="seconds")}
        # the only process to change has confirmed it, whether there are others that are not known or not
        record.result = done.report.result if target is None else "ok"
    after = await _read(target, wanted.name, done="The level was set, but ")
    exceptions = _exceptions(done.differing)
    warning = "; ".join(filter(None, (unknown, exceptions, after.warning))) or None
    after = after.model_copy(update={"warning": warning})
    return Changed(before, after, scope, expires, done.report, exceptions)


def _reached(scope: str) -> str:
    """Return the scope that a change has: without Redis, the one of all processes is this process alone."""
    try:
        return switches.scope() if scope == CLUSTER else scope
    except SwitchesUnavailableError as error:
        raise _not_set(error, "level") from error


def _exceptions(differing: Sequence[str]) -> str:
    """Name the processes in which another level is in effect than the one just set."""
    own = instances.own_id()
    named = ["this process" if id_ == own else id_ for id_ in sorted(differing)[:_MAX_NAMED]]
    texts = [f"{name} has a level of its own, set with another scope" for name in named]
    if len(differing) > len(named):
        texts.append(f"so have {len(differing) - len(named)} other processes")
    return "; ".join(texts)


def _unknown(wanted: Wanted, target: str | None) -> str:
    """Say that no logger has the name, as far as this process knows; it may be one that was mistyped."""
    if wanted.number is None or target not in (None, instances.own_id()) or _loggers.is_known(wanted.name):
        return ""
    close = difflib.get_close_matches(wanted.name, _loggers.names(), n=2)
    meant = f", did you mean {' or '.join(close)}?" if close else ""
    return f"the process that answers has no logger of this name, or not yet{meant}"


def _told(wanted: Wanted) -> dict[str, Any]:
    """Return the audit fields of a change."""
    fields = {"level": wanted.level, "ttl": wanted.ttl, "scope": wanted.scope, "reason": wanted.reason}
    return {name: value for name, value in fields.items() if value is not None or name == "level"}


def _check(wanted: Wanted) -> None:
    try:
        if wanted.number is not None:
            _levels.kind().check(wanted.name, wanted.number)
    except ValueError as error:
        raise RefusedError(str(error)) from error


async def _check_right(wanted: Wanted, *, request: Request, auth_info: auth.AuthInfo) -> None:
    """Require the admin level for a change that would hide all warnings in all processes."""
    if wanted.name != logging.root.name or wanted.number is None or wanted.number <= logging.WARNING:
        return
    if not await auth.check_admin_access(auth_info, request):
        raise HTTPException(403, "Setting the root logger above WARNING requires the admin level")


async def _target(scope: str) -> str | None:
    """Return the id of the only process to change, `None` for all processes.

    Raises:
        HTTPException: 404 if it is unknown, 503 if that cannot be determined.
    """
    if scope == CLUSTER:
        return None
    return instances.own_id() if scope == PROCESS else await find_instance(scope)


async def find_instance(id_: str) -> str:
    """Return the id of a running process.

    Raises:
        HTTPException: 404 if it is unknown, 503 if that cannot be determined.
    """
    try:
        return (await instances.find(id_)).id
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
    """Return the error for a process that did not answer."""
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
            raise RefusedError(f"nothing was changed, the process rejected it: {failed}")
        raise silent(f"It is not known whether the process {target} has the level: it did not answer in time")
    return done


def _not_set(error: SwitchesUnavailableError, what: str) -> NotSetError:
    """Return an error that says what was done and what was not."""
    later = "each process will apply it within one heartbeat after reaching Redis"
    if error.is_stored:
        return NotSetError(
            f"the {what} is kept in Redis, but it is not known which processes have it; {later}",
            may_be_kept=True,
        )
    if error.is_uncertain:
        return NotSetError(
            f"Redis did not reply in time: no process was changed, but the {what} may be kept; then {later}",
            may_be_kept=True,
        )
    return NotSetError(
        "Redis cannot be reached or written: the level was not changed; "
        f"the scope `{PROCESS}` changes it in the responding process"
    )
