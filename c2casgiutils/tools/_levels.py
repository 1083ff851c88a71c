"""Log levels in every process, as a kind of switch."""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from c2casgiutils import switches
from c2casgiutils._names import listed
from c2casgiutils._outages import waiting
from c2casgiutils.broadcast import BroadcastError
from c2casgiutils.switches import Setting
from c2casgiutils.tools import _level_values, _levels_of_0x, _loggers

_LOGGER = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0
"""Timeout for all requests to Redis and other processes in one request."""
_MAX_NAMED = 10


class LogLevels(switches.Kind):
    """The levels of the loggers: the key is the name of the logger, the value the level."""

    name = "level"

    def __init__(self) -> None:
        self.overrides = _loggers.Overrides()

    def check(self, key: str, value: Any) -> None:
        """See `Kind.check`."""
        _level_values.check_allowed(_level_values.checked_name(key), _level_values.parse_stored(value))

    def admit(self, key: str, value: Any) -> None:
        """See `Kind.admit`."""
        del value
        self.overrides.check_quota(key)

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """See `Kind.apply`."""
        changed, problems = [], {}
        for name, setting in changes.items():
            before = _loggers.read(name).level
            number = None if setting is None else _level_values.parse_stored(setting.value)
            try:
                after = self.overrides.apply(name, number).level
            except _loggers.QuotaExceededError as error:
                problems[name] = str(error)
                continue
            if before != after:
                changed.append((name, before, after))
        if len(changed) == 1:
            _LOGGER.warning("The level of the logger %s was changed from %s to %s", *changed[0])
        elif changed:
            names = listed((name for name, _, _ in changed), most=_MAX_NAMED)
            _LOGGER.warning("The levels of %s loggers were changed: %s", len(changed), names)
        if problems:
            raise switches.NotAppliedError(problems)

    async def inherit(self) -> Mapping[str, str | int]:
        """Return the levels that c2casgiutils 0.x stored in Redis."""
        return await _levels_of_0x.read()


def kind() -> LogLevels:
    """Return the log levels of this process."""
    known = switches.kind(LogLevels.name)
    return known if isinstance(known, LogLevels) else switches.register(LogLevels())


async def startup() -> None:
    """Subscribe to changes, and apply the stored levels.

    If Redis is unreachable, the levels are applied later.
    """
    _loggers.warn_of_lost_records()
    kind()
    try:
        await switches.startup()
    except BroadcastError:
        _LOGGER.exception("Changes of log levels in other processes will not be received")


async def overrides(*, own: bool = True) -> dict[str, Setting]:
    """Return the levels set at run time, by the name of the logger, as currently stored.

    Args:
        own: See `in_force`.

    Raises:
        SwitchesUnavailableError: Redis is configured but unreachable.
    """
    with waiting(TIMEOUT_SECONDS) as seconds:
        await switches.refresh(seconds=seconds)
    return in_force(own=own)


def in_force(*, own: bool = True) -> dict[str, Setting]:
    """Return the levels set at run time, by the name of the logger, as known to this process.

    The values are names of levels. Those that this release does not know are left out. Those of loggers that
    no module of this process uses are listed even if they are too many to be applied: others may use them.

    Args:
        own: The levels of this process alone take precedence; otherwise, they are left out.
    """
    known = kind()
    found = {}
    for name, setting in switches.desired(known.name, own=own).items():
        try:
            known.check(name, setting.value)
        except ValueError:
            continue
        level = logging.getLevelName(_level_values.parse_stored(setting.value))
        found[name] = dataclasses.replace(setting, value=level)
    return found
