"""The loggers of one process with their levels: of this one, or of another one that is asked."""

import datetime
import logging
import os
import socket
from typing import Any, Self

from pydantic import BaseModel, Field

from c2casgiutils import broadcast, instances
from c2casgiutils._outages import waiting
from c2casgiutils.switches import CLUSTER, Setting
from c2casgiutils.tools import _levels, _loggers, _sensitive_loggers

_LOGGER = logging.getLogger(__name__)

CHANNEL = "c2c_loggers"
_ALL_SECONDS = 1.0
"""For all processes to answer; a page does not wait longer for one that hangs."""
MAX_SHOWN = 500
"""So many loggers are listed at most."""


class SilentInstanceError(broadcast.BroadcastError):
    """The process that was asked did not answer, or it failed; the message says which and why."""


class Override(BaseModel):
    """A level that was set at run time."""

    level: str
    by: str | None = Field(description="Who set it; null for one of c2casgiutils 0.x")
    reason: str | None
    scope: str = Field(description=f"`{CLUSTER}`, or the id of the only instance that has it")
    since: datetime.datetime = Field(description="By the clock of Redis")
    expires: datetime.datetime | None = Field(description="By the clock of Redis; null without an end")

    @classmethod
    def of(cls, setting: Setting) -> Self:
        """Return how the level of a logger is told."""
        return cls(
            level=setting.value,
            by=setting.by,
            reason=setting.reason,
            scope=setting.scope,
            since=setting.since_at,
            expires=setting.expires_at,
        )


class Logger(BaseModel):
    """A logger: its own level (`NOTSET`: inherited), the one in force, and that of the configuration."""

    name: str
    level: str
    effective_level: str
    configured_level: str = Field(description="The own level without the override")
    override: Override | None


class Described(Logger):
    """A logger with what whoever sets its level should know."""

    warning: str | None = None


class LoggersResponse(BaseModel):
    """The loggers of one process, the root first, then by name."""

    loggers: list[Logger]
    total: int = Field(description="How many there are to show")
    shown: int = Field(description=f"How many are shown, {MAX_SHOWN} at most")


class ChangedLoggers(LoggersResponse):
    """The same of a process that names itself."""

    hostname: str
    pid: int

    def overrides(self) -> dict[str, Override]:
        """Return what was set at run time, by the name of the logger."""
        return {logger.name: logger.override for logger in self.loggers if logger.override is not None}


def find(q: str = "", *, changed: bool = False, limit: int = MAX_SHOWN) -> LoggersResponse:
    """List the loggers of this process; none is created.

    Args:
        q: Part of the name, in any case.
        changed: Only those with a level that was set at run time.
        limit: Maximum number to show.
    """
    overrides = _levels.in_force()
    part = q.casefold()
    names = [name for name in _loggers.names() if part in name.casefold()]
    if changed:
        names = [name for name in names if name in overrides]
    shown = [_read(name, overrides.get(name)) for name in names[:limit]]
    return LoggersResponse(loggers=[Logger(**fields) for fields in shown], total=len(names), shown=len(shown))


def describe(name: str) -> Described:
    """Return one logger of this process, which need not exist."""
    warnings = filter(None, (_loggers.read(name).warning, _sensitive_loggers.warning_of(name)))
    return Described(**_read(name, _levels.in_force().get(name)), warning="; ".join(warnings) or None)


def _read(name: str, setting: Setting | None) -> dict[str, Any]:
    level = _loggers.read(name)
    configured = _levels.kind().overrides.configured.get(name)
    return {
        "name": name,
        "level": level.level,
        "effective_level": level.effective_level,
        "configured_level": level.level if configured is None else logging.getLevelName(configured),
        "override": None if setting is None else Override.of(setting),
    }


async def startup() -> None:
    """Answer questions of other processes."""
    try:
        await broadcast.subscribe(CHANNEL, _answer)
    except broadcast.BroadcastError:
        _LOGGER.exception("Questions of other processes about the loggers will not be answered")


async def _answer(
    *,
    name: str | None = None,
    q: str = "",
    changed: bool = False,
    limit: int = MAX_SHOWN,
    **_of_newer_releases: Any,
) -> dict[str, Any]:
    """Return the list, or one logger when it is named."""
    if name is not None:
        return describe(name).model_dump(mode="json")
    found = find(q, changed=changed, limit=limit).model_dump(mode="json")
    return {**found, "hostname": socket.gethostname(), "pid": os.getpid()}


async def ask_all(limit: int) -> broadcast.Reply:
    """Ask every process for the loggers that were set at run time, as `ChangedLoggers`.

    While Redis is unreachable this process answers alone.

    Args:
        limit: Maximum number of loggers of each process.
    """
    with waiting(_ALL_SECONDS) as seconds:
        params = {"changed": True, "limit": limit}
        return await broadcast.ask(CHANNEL, _answer, params, timeout=seconds, or_alone=True)


async def find_in(instance: str, q: str = "", *, changed: bool = False) -> LoggersResponse:
    """List the loggers of the process with an id; see `find`.

    Raises:
        SilentInstanceError: It did not answer.
    """
    answer = await _ask(instance, {"q": q, "changed": changed})
    return LoggersResponse.model_validate(answer)


async def describe_in(instance: str, name: str) -> Described:
    """Return one logger of the process with an id.

    Raises:
        SilentInstanceError: It did not answer.
    """
    return Described.model_validate(await _ask(instance, {"name": name}))


async def _ask(instance: str, params: dict[str, Any]) -> Any:
    if instance == instances.own_id():
        return await _answer(**params)
    try:
        with waiting(_levels.TIMEOUT_SECONDS) as seconds:
            reply = await broadcast.ask(CHANNEL, _answer, params, timeout=seconds, to=[instance])
    except broadcast.BroadcastUnavailable as error:
        raise SilentInstanceError(f"the process {instance} cannot be asked: {error}") from error
    if reply.payloads:
        return reply.payloads[0]
    why = [process.error for process in reply.report.failed]
    why += [process.reason or "timeout" for process in reply.report.missing]
    raise SilentInstanceError(f"the process {instance} did not answer ({', '.join(why)})")
