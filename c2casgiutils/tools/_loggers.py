"""The loggers of this process: read and set their levels, without creating what is only read."""

import logging
from typing import NamedTuple

from c2casgiutils._errors import C2cError
from c2casgiutils.logs import WRITES_NOTHING, written_from
from c2casgiutils.tools import _level_values

_MAX_MADE_UP = 200
"""How many loggers that no module asked for may be given a level; Python never frees a logger."""

_LOGGER = logging.getLogger(__name__)


class Level(NamedTuple):
    """The level of a logger: its own (`NOTSET` when inherited) and the one in force.

    `warning` says what is lost when the level lets records through that no handler writes.
    """

    name: str
    level: str
    effective_level: str
    warning: str | None = None


class QuotaExceededError(C2cError, ValueError):
    """Too many loggers that no module asked for."""


def names() -> list[str]:
    """Return the names of all loggers, the root first, then sorted."""
    known = logging.root.manager.loggerDict.copy()  # threads may add some meanwhile
    return [logging.root.name, *sorted(name for name in known if _existing(name) is not None)]


def read(name: str) -> Level:
    """Read the level of a logger without creating the logger."""
    logger = _existing(name)
    own = logger.level if logger is not None else logging.NOTSET
    closest = nearest(name)
    effective = closest.getEffectiveLevel()
    warning = _lost_below(written_from(closest)) if written_from(closest) > effective else None
    return Level(name, logging.getLevelName(own), logging.getLevelName(effective), warning)


def warn_of_lost_records() -> None:
    """Warn if a level that is lowered at run time would show nothing."""
    floor = written_from(logging.root)
    if floor > logging.DEBUG:
        _LOGGER.warning(
            "Levels that are lowered at run time will show nothing: %s. Configure the logging, with "
            "c2casgiutils.install() or a file for example",
            _lost_below(floor),
        )


def _lost_below(floor: int) -> str:
    records = "records" if floor == WRITES_NOTHING else f"records below {logging.getLevelName(floor)}"
    return f"no log handler writes {records}"


class Overrides:
    """The loggers that were given a level at run time, and their levels before.

    Attributes:
        configured: The levels before, by logger.
        made_up: The loggers that exist only because of a level.
    """

    def __init__(self) -> None:
        self.configured: dict[str, int] = {}
        self.made_up: set[str] = set()

    def check_quota(self, name: str) -> None:
        """Refuse one more logger that no module asked for once there are too many of them.

        Raises:
            QuotaExceededError: The logger does not exist, and 200 such ones have been given a level.
        """
        if _existing(name) is None and len(self.made_up) >= _MAX_MADE_UP:
            raise QuotaExceededError(
                f"{_MAX_MADE_UP} loggers that no module uses have been given a level already; "
                "name an existing one"
            )

    def apply(self, name: str, number: int | None) -> Level:
        """Set the level of a logger in this process.

        Args:
            name: Its name.
            number: The number of the level, `None` for the one before the first call.

        Raises:
            ValueError: Not an acceptable name or level.
        """
        if number is None:
            if name in self.configured:
                logging.getLogger(name).setLevel(self.configured.pop(name))
            return read(name)
        _level_values.check_allowed(_level_values.checked_name(name), number)
        if _existing(name) is None:
            self.made_up.add(name)
        logger = logging.getLogger(name)
        self.configured.setdefault(name, logger.level)
        logger.setLevel(number)
        logger.disabled = False  # `logging.config` disables the loggers that a configuration does not name
        return read(name)


def nearest(name: str) -> logging.Logger:
    """Return the logger, or the nearest parent that exists."""
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
