"""Log levels in every process, as a kind of switches."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException, Request

from c2casgiutils import auth, switches
from c2casgiutils._errors import C2cError
from c2casgiutils._outages import waiting
from c2casgiutils.broadcast import BroadcastError
from c2casgiutils.switches import Setting, SwitchesUnavailableError, SwitchReport
from c2casgiutils.tools import _levels_of_0x, _loggers

_LOGGER = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 2.0
_MAX_NAMED = 10


class NotSetError(C2cError):
    """The level could not be set everywhere; the message says what was done."""


class LogLevels(switches.Kind):
    """The levels of the loggers: the key is the name of the logger, the value that of the level."""

    name = "level"

    def __init__(self) -> None:
        self.overrides = _loggers.Overrides()

    def check(self, key: str, value: Any) -> None:
        """See `Kind.check`."""
        if not isinstance(value, str):
            raise ValueError("a level is given by its name")  # noqa: TRY004  # a value of the store, as others
        _loggers.check_allowed(_loggers.checked_name(key), _loggers.checked_level(value))

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """See `Kind.apply`."""
        changed = []
        for name, setting in changes.items():
            before = _loggers.read(name).level
            after = self.overrides.apply(name, None if setting is None else setting.value).level
            if before != after:
                changed.append((name, before, after))
        if len(changed) == 1:
            _LOGGER.warning("The level of the logger %s was changed from %s to %s", *changed[0])
        elif changed:
            names = ", ".join(name for name, _, _ in changed[:_MAX_NAMED])
            _LOGGER.warning("The levels of %s loggers were changed: %s", len(changed), names)

    async def inherit(self) -> Mapping[str, str]:
        """Return the levels that c2casgiutils 0.x left in Redis."""
        return await _levels_of_0x.read()


def kind() -> LogLevels:
    """Return the log levels of this process."""
    known = switches.kind(LogLevels.name)
    return known if isinstance(known, LogLevels) else switches.register(LogLevels())


async def startup() -> None:
    """Listen for changes, and set the levels that are stored.

    Redis being unreachable is no error: the levels are set once it is back.
    """
    _loggers.warn_of_lost_records()
    kind()
    try:
        await switches.startup()
    except BroadcastError:
        _LOGGER.exception("Changes of log levels in other processes will not be heard")


async def overrides() -> dict[str, Setting]:
    """Return the levels that were set at run time, by name, as they are stored now.

    Raises:
        SwitchesUnavailableError: Redis is configured and unreachable.
    """
    with waiting(_TIMEOUT_SECONDS) as seconds:
        await switches.refresh(seconds=seconds)
    return in_force()


def in_force() -> dict[str, Setting]:
    """Return the levels that were set at run time, by name, as far as this process knows."""
    return switches.current(kind().name)


async def change(name: str, level: str, *, request: Request, auth_info: auth.AuthInfo) -> SwitchReport:
    """Store a level and set it in every process, in 2 s at most.

    Raises:
        QuotaExceededError: Too many loggers that no module uses.
        TooManySwitchesError: Too many levels are set.
        NotSetError: Redis is configured and unreachable.
        HTTPException: 403, the level needs the admin level.
    """
    await _check_right(name, level, request=request, auth_info=auth_info)
    kind().overrides.check_quota(name)
    before = _loggers.read(name).level
    async with auth.audit.recorded(
        "logging.level", request=request, auth_info=auth_info, target=name, before=before, after=level
    ) as record:
        report = await _set_everywhere(name, level, by=auth.audit.name_of(auth_info))
        record.result = report.result
    return report


async def _check_right(name: str, level: str, *, request: Request, auth_info: auth.AuthInfo) -> None:
    """Ask for the admin level where a change would hide the warnings of everything, from everybody."""
    if name != logging.root.name or logging.getLevelNamesMapping()[level] <= logging.WARNING:
        return
    if not await auth.check_admin_access(auth_info, request):
        raise HTTPException(403, "Setting the root logger above WARNING needs the admin level")


async def _set_everywhere(name: str, level: str, *, by: str) -> SwitchReport:
    try:
        with waiting(_TIMEOUT_SECONDS) as seconds:
            change = await switches.put(kind().name, name, level, by=by, seconds=seconds)
    except SwitchesUnavailableError as error:
        if error.is_stored:
            text = "the level is kept in Redis, but it is not known which processes have it; each takes it "
            raise NotSetError(f"{text}within one heartbeat of reaching Redis") from error
        if error.is_uncertain:
            text = "Redis did not reply in time: no process was changed, but the level may be kept; then "
            raise NotSetError(
                f"{text}each process takes it within one heartbeat of reaching Redis"
            ) from error
        raise NotSetError("Redis cannot be reached or written: the level was not changed") from error
    return change.report
