"""The loggers of this process: read and set their levels, without creating what is only read."""

import logging
from typing import NamedTuple

from c2casgiutils._errors import C2cError
from c2casgiutils.auth import audit
from c2casgiutils.logs import WRITES_NOTHING, written_from

MAX_NAME_LENGTH = 200
"""Of the name of a logger, in characters."""
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


def checked_name(name: str) -> str:
    """Return the name of a logger if it is an acceptable one.

    Raises:
        ValueError: Empty, longer than 200 characters or with a character that is not printable.
    """
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(f"the name of a logger has 1 to {MAX_NAME_LENGTH} printable characters")
    return name


def checked_level(level: str) -> str:
    """Return the standard name of a level given in any case (`warn` becomes `WARNING`).

    Raises:
        ValueError: Not the name of a level.
    """
    number = logging.getLevelNamesMapping().get(level.strip().upper())
    if number is None:
        accepted = ", ".join(level_names())
        raise ValueError(f"not the name of a log level; accepted: {accepted}")
    return logging.getLevelName(number)


def check_allowed(name: str, level: str) -> None:
    """Refuse a level that a logger cannot have.

    Raises:
        ValueError: `NOTSET` for the root logger, which would write all records of all libraries, or a level
            above INFO for the audit, whose lines are always written.
    """
    if name == audit.LOGGER_NAME and logging.getLevelNamesMapping()[level] > logging.INFO:
        raise ValueError("the audit is always logged, its level cannot be above INFO")
    if name == logging.root.name and level == logging.getLevelName(logging.NOTSET):
        raise ValueError("the root logger has no parent to inherit a level from, give it another level")


def level_names() -> list[str]:
    """Return the standard names of all levels, the most severe first."""
    numbers = sorted(set(logging.getLevelNamesMapping().values()), reverse=True)
    return [logging.getLevelName(number) for number in numbers]


def read(name: str) -> Level:
    """Read the level of a logger without creating the logger."""
    logger = _existing(name)
    own = logger.level if logger is not None else logging.NOTSET
    nearest = _nearest(name)
    effective = nearest.getEffectiveLevel()
    warning = _lost_below(written_from(nearest)) if written_from(nearest) > effective else None
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

    def apply(self, name: str, level: str | None) -> Level:
        """Set the level of a logger in this process.

        Args:
            name: Its name.
            level: The name of the level, `None` for the one before the first call.

        Raises:
            ValueError: Not an acceptable name or level.
        """
        name = checked_name(name)
        if level is None:
            if name in self.configured:
                logging.getLogger(name).setLevel(self.configured.pop(name))
            return read(name)
        level = checked_level(level)
        check_allowed(name, level)
        if _existing(name) is None:
            self.made_up.add(name)
        logger = logging.getLogger(name)
        self.configured.setdefault(name, logger.level)
        logger.setLevel(level)
        logger.disabled = False  # `logging.config` disables the loggers that a configuration does not name
        return read(name)


def _nearest(name: str) -> logging.Logger:
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
