"""The loggers of a process with their levels: of this one, or of another one that is asked."""

import contextlib
import datetime
import functools
import itertools
import logging
import os
import socket
from typing import Any, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError

from c2casgiutils import broadcast, instances
from c2casgiutils._outages import waiting
from c2casgiutils.switches import CLUSTER, Setting
from c2casgiutils.tools import _levels, _loggers, _sensitive_loggers

_M = TypeVar("_M", bound=BaseModel)

_LOGGER = logging.getLogger(__name__)

CHANNEL = "c2c_loggers"
_INHERITED = logging.getLevelName(logging.NOTSET)
_ALL_SECONDS = 1.0
"""For all processes to answer; a page does not wait longer for one that hangs."""
MAX_SHOWN = 500
"""Maximum number of loggers in a list."""


class SilentInstanceError(broadcast.BroadcastError):
    """The process that was asked did not answer, or failed; the message says which one and why."""


class Override(BaseModel):
    """A level set at run time."""

    level: str
    by: str | None = Field(description="Who set it; null for one of c2casgiutils 0.x")
    reason: str | None
    scope: str = Field(description=f"`{CLUSTER}`, or the id of the only instance it applies to")
    since: datetime.datetime = Field(description="By the clock of Redis")
    expires: datetime.datetime | None = Field(description="By the clock of Redis; null for no end")

    @classmethod
    def of(cls, setting: Setting) -> Self:
        """Return the public form of a level set at run time."""
        return cls(
            level=setting.value,
            by=setting.by,
            reason=setting.reason,
            scope=setting.scope,
            since=setting.since_at,
            expires=setting.expires_at,
        )


class Logger(BaseModel):
    """A logger: its own level (`NOTSET`: inherited), the effective one, and the configured one."""

    name: str
    level: str
    effective_level: str
    configured_level: str = Field(description="Its own level without the override")
    override: Override | None


class Described(Logger):
    """A logger, with a warning for callers who set its level."""

    warning: str | None = None


class LoggersResponse(BaseModel):
    """The loggers of one process, the root first, then by name."""

    loggers: list[Logger]
    total: int = Field(description="Number of matching loggers")
    shown: int = Field(description=f"Number of loggers in this list, at most {MAX_SHOWN}")


class LoggersOfProcess(LoggersResponse):
    """The same, with the name of the process, and the logger that was asked for by its name."""

    hostname: str
    pid: int
    asked: Logger | None = None
    singles: dict[str, str] = Field(default={}, description="Levels that only this process has, by logger")
    exists: bool = Field(default=True, description="Whether the process has the logger that was asked for")

    @property
    def is_whole(self) -> bool:
        """Return whether all matching loggers are listed."""
        return self.shown == self.total

    def find(self, name: str) -> Logger | None:
        """Return a logger of the list, or the one that was asked for."""
        if self.asked is not None and self.asked.name == name:
            return self.asked
        return self._by_name.get(name)

    def single_above(self, logger: Logger) -> str:
        """Return the logger whose level in only this process is in effect for the given one, or empty.

        It is the same logger, or a parent from which it inherits.
        """
        if logger.override is not None and logger.override.scope != CLUSTER:
            return logger.name
        parent = logger.name if logger.level == _INHERITED else ""
        while parent:
            parent = parent.rpartition(".")[0]
            if self.singles.get(parent or logging.root.name) == logger.effective_level:
                return parent or logging.root.name
        return ""

    @functools.cached_property
    def _by_name(self) -> dict[str, Logger]:
        return {logger.name: logger for logger in self.loggers}

    def overrides(self) -> dict[str, Override]:
        """Return the levels set at run time, by the name of the logger."""
        return {logger.name: logger.override for logger in self.loggers if logger.override is not None}


def find(
    q: str = "", *, changed: bool = False, only_own: bool = False, limit: int = MAX_SHOWN
) -> LoggersResponse:
    """Return the loggers of this process without creating any.

    Args:
        q: A part of the name, in any case.
        changed: Return only those with a level set at run time.
        only_own: Return only those with a level that this process alone has.
        limit: Maximum number of loggers.
    """
    overrides = _levels.in_force()
    if only_own:
        overrides = {name: setting for name, setting in overrides.items() if setting.scope != CLUSTER}
    part = q.casefold()
    names = [name for name in _loggers.names() if part in name.casefold()]
    if changed or only_own:
        names = [name for name in names if name in overrides]
    shown = [_read(name, overrides.get(name)) for name in names[:limit]]
    return LoggersResponse(loggers=[Logger(**fields) for fields in shown], total=len(names), shown=len(shown))


def describe(name: str) -> Described:
    """Return a logger of this process, which need not exist."""
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
    """Answer requests of other processes."""
    try:
        await broadcast.subscribe(CHANNEL, _answer)
    except broadcast.BroadcastError:
        _LOGGER.exception("Requests of other processes for loggers will not be answered")


async def _answer(
    *,
    name: str | None = None,
    q: str = "",
    changed: bool = False,
    only_own: bool = False,
    limit: int = MAX_SHOWN,
    also: str | None = None,
    **_of_newer_releases: Any,
) -> dict[str, Any]:
    """Return the list, or one logger if a name is given."""
    if name is not None:
        return describe(name).model_dump(mode="json")
    return of_this_process(q, changed=changed, only_own=only_own, limit=limit, also=also).model_dump(
        mode="json"
    )


def of_this_process(
    q: str = "",
    *,
    changed: bool = False,
    only_own: bool = False,
    limit: int = MAX_SHOWN,
    also: str | None = None,
) -> LoggersOfProcess:
    """Return what this process answers to `ask_all`."""
    found = find(q, changed=changed, only_own=only_own, limit=limit)
    levels = ((name, setting) for name, setting in _levels.in_force().items() if setting.scope != CLUSTER)
    asked = None if also is None else Logger(**_read(also, _levels.in_force().get(also)))
    return LoggersOfProcess(
        **dict(found),
        hostname=socket.gethostname(),
        pid=os.getpid(),
        asked=asked,
        singles={name: setting.value for name, setting in itertools.islice(levels, MAX_SHOWN)},
        exists=also is None or _loggers.exists(also),
    )


async def ask_all(
    limit: int, *, q: str = "", changed: bool = True, only_own: bool = False, also: str | None = None
) -> broadcast.Reply:
    """Ask every process for its loggers, as `LoggersOfProcess`.

    While Redis is unreachable, only this process answers.

    Args:
        limit: Maximum number of loggers of each process.
        q: A part of the name, in any case.
        changed: Ask only for those with a level set at run time.
        only_own: Ask only for the levels that each process alone has.
        also: The name of a logger that is described whether it is in the list or not, or exists at all.
    """
    with waiting(_ALL_SECONDS) as seconds:
        params = {"q": q, "changed": changed, "only_own": only_own, "limit": limit, "also": also}
        return await broadcast.ask(CHANNEL, _answer, params, timeout=seconds, or_alone=True)


def answers_of(reply: broadcast.Reply) -> list[LoggersOfProcess]:
    """Return the valid answers to `ask_all`; those of another release may not be."""
    found = []
    for payload in reply.payloads:
        with contextlib.suppress(ValidationError):
            found.append(LoggersOfProcess.model_validate(payload))
    return found


async def of_single_instances() -> tuple[list[tuple[str, Override]], broadcast.ClusterReport]:
    """Return the levels that single processes have, with the names of the loggers, and who was asked."""
    reply = await ask_all(MAX_SHOWN, only_own=True)
    named = (item for answer in answers_of(reply) for item in answer.overrides().items())
    return [(name, override) for name, override in named if override.scope != CLUSTER], reply.report


async def find_in(instance: str, q: str = "", *, changed: bool = False) -> LoggersResponse:
    """Return the loggers of the process with the given id; see `find`.

    Raises:
        SilentInstanceError: The process did not answer.
    """
    return await _ask(instance, {"q": q, "changed": changed}, LoggersResponse)


async def describe_in(instance: str, name: str) -> Described:
    """Return a logger of the process with the given id.

    Raises:
        SilentInstanceError: The process did not answer.
    """
    return await _ask(instance, {"name": name}, Described)


async def _ask(instance: str, params: dict[str, Any], model: type[_M]) -> _M:
    if instance == instances.own_id():
        return model.model_validate(await _answer(**params))
    try:
        with waiting(_levels.TIMEOUT_SECONDS) as seconds:
            reply = await broadcast.ask(CHANNEL, _answer, params, timeout=seconds, to=[instance])
    except broadcast.BroadcastUnavailable as error:
        raise SilentInstanceError(f"the process {instance} could not be asked: {error}") from error
    why = [process.error for process in reply.report.failed]
    for payload in reply.payloads:
        try:
            return model.model_validate(payload)
        except ValidationError:
            why.append("the answer is of another release")
    why += [process.reason or "timeout" for process in reply.report.missing]
    raise SilentInstanceError(f"the process {instance} gave no answer ({', '.join(why)})")
