"""The loggers of this process: reads and sets levels without creating loggers unnecessarily."""

import logging
from typing import NamedTuple

from c2casgiutils._errors import C2cError
from c2casgiutils.logs import WRITES_NOTHING, effective_level, own_level, set_level, written_from
from c2casgiutils.tools import _level_values

_MAX_MADE_UP = 200
"""Maximum number of loggers created only to set a level, as Python never frees a logger."""

_LOGGER = logging.getLogger(__name__)


class Level(NamedTuple):
    """The level of a logger: its own (`NOTSET` if inherited) and the effective one.

    `warning` says which enabled records are lost because no handler writes them.
    """

    name: str
    level: str
    effective_level: str
    warning: str | None = None


class QuotaExceededError(C2cError, ValueError):
    """Too many loggers would exist only because of a level."""


def names() -> list[str]:
    """Return the names of all loggers, the root first, the others sorted.

    Unprintable ones, which no view accepts, are left out: responses cannot encode lone surrogates.
    """
    known = logging.root.manager.loggerDict.copy()  # other threads may add some
    others = sorted(name for name in known if name.isprintable() and _existing(name) is not None)
    return [logging.root.name, *others]


def exists(name: str) -> bool:
    """Return whether there is a logger of this name."""
    return _existing(name) is not None


def is_known(name: str) -> bool:
    """Return whether there is a logger of this name, or one below it."""
    return name == logging.root.name or name in logging.root.manager.loggerDict


def read(name: str) -> Level:
    """Read the level of a logger without creating the logger."""
    logger = _existing(name)
    own = own_level(logger) if logger is not None else logging.NOTSET
    closest = nearest(name)
    effective = effective_level(closest)
    warning = _lost_below(written_from(closest)) if written_from(closest) > effective else None
    return Level(name, logging.getLevelName(own), logging.getLevelName(effective), warning)


def warn_of_lost_records() -> None:
    """Log a warning if levels lowered at run time would have no effect."""
    floor = written_from(logging.root)
    if floor > logging.DEBUG:
        _LOGGER.warning(
            "Levels lowered at run time will have no effect: %s. Configure the logging, for example "
            "with c2casgiutils.install() or a file",
            _lost_below(floor),
        )


def _lost_below(floor: int) -> str:
    records = "records" if floor == WRITES_NOTHING else f"records below {logging.getLevelName(floor)}"
    return f"no log handler writes {records}"


class Overrides:
    """The loggers whose level was set at run time, and their previous levels.

    Attributes:
        configured: The previous levels, by logger.
        disabled: Those of them that were disabled.
        made_up: The loggers that exist only because of a level.
    """

    def __init__(self) -> None:
        self.configured: dict[str, int] = {}
        self.disabled: set[str] = set()
        self.made_up: set[str] = set()

    def check_quota(self, name: str) -> None:
        """Raise if too many loggers would exist only because of a level.

        Raises:
            QuotaExceededError: The logger does not exist, and 200 others were already created for a level.
        """
        if _existing(name) is None and len(self.made_up) >= _MAX_MADE_UP:
            raise QuotaExceededError(
                f"{_MAX_MADE_UP} loggers that no module uses already have a level; use an existing one"
            )

    def apply(self, name: str, number: int | None) -> Level:
        """Set the level of a logger in this process.

        Args:
            name: Its name.
            number: The number of the level; `None` for the state before the first call.

        Raises:
            ValueError: The name or level is invalid.
            QuotaExceededError: See `check_quota`; it bounds what is restored from Redis, too.
        """
        if number is None:
            if name in self.configured:
                logger = logging.getLogger(name)
                set_level(logger, self.configured.pop(name))
                logger.disabled = name in self.disabled
                self.disabled.discard(name)
            return read(name)
        _level_values.check_allowed(_level_values.checked_name(name), number)
        self.check_quota(name)
        if _existing(name) is None:
            self.made_up.add(name)
        logger = logging.getLogger(name)
        if name not in self.configured:
            self.configured[name] = own_level(logger)
            if logger.disabled:
                self.disabled.add(name)
        set_level(logger, number)
        logger.disabled = False  # `logging.config` disables loggers that the configuration does not name
        return read(name)


def nearest(name: str) -> logging.Logger:
    """Return the logger, or its nearest existing parent."""
    while name:
        logger = _existing(name)
        if logger is not None:
            return logger
        name = name.rpartition(".")[0]
    return logging.root


def _existing(name: str) -> logging.Logger | None:
    if name == logging.root.name:
        return logging.root
    logger = logging.root.manager.loggerDict.get(name)
    return logger if isinstance(logger, logging.Logger) else None
