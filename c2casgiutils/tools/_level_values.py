"""Validation of logger names and levels."""

import logging
import re

from c2casgiutils.auth import audit

MAX_NAME_LENGTH = 200
"""Maximum length of the name of a logger, in characters."""
MAX_NUMBER = logging.CRITICAL
"""Larger numbers are accepted only as registered names."""
_MAX_STORED = 2**31 - 1
# Not from `logging.getLevelName`: applications rename levels, for example to add colours.
_NAMES = {
    logging.CRITICAL: "CRITICAL",
    logging.ERROR: "ERROR",
    logging.WARNING: "WARNING",
    logging.INFO: "INFO",
    logging.DEBUG: "DEBUG",
    logging.NOTSET: "NOTSET",
}
_NUMBERED = re.compile(r"LEVEL ([0-9]{1,2})")


def checked_name(name: str) -> str:
    """Return the name of a logger if it is valid.

    Raises:
        ValueError: It is empty, longer than 200 characters or contains an unprintable character.
    """
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(f"the name of a logger must have 1 to {MAX_NAME_LENGTH} printable characters")
    return name


def parse_name(level: object) -> int:
    """Return the number of a level given by a standard or registered name, in any case.

    `Level 15`, as `logging` names a level without a name, is also accepted.

    Raises:
        ValueError: It is not the name of a level.
    """
    if isinstance(level, str):
        name = level.strip().upper()
        numbers = {known.upper(): number for known, number in logging.getLevelNamesMapping().items()}
        if name in numbers:
            return numbers[name]
        numbered = _NUMBERED.fullmatch(name)
        if numbered is not None and int(numbered[1]) <= MAX_NUMBER:
            return int(numbered[1])
    raise ValueError(f"not the name of a log level; accepted: {', '.join(names())}")


def parse(level: object) -> int:
    """Return the number of a level given by its name, or by a number from 0 to 50.

    Raises:
        ValueError: It is not a level.
    """
    if isinstance(level, str):
        return parse_name(level)
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level <= MAX_NUMBER:
        raise ValueError(f"not a log level; accepted: {', '.join(names())}, numbers from 0 to {MAX_NUMBER}")
    return level


def parse_stored(level: object) -> int:
    """Return the number of a level as `to_store` wrote it, possibly in a process that has a name for it.

    Raises:
        ValueError: It is not a level.
    """
    if isinstance(level, int) and MAX_NUMBER < level <= _MAX_STORED:
        return level
    return parse(level)


def check_allowed(name: str, number: int) -> None:
    """Reject a level that a logger must not have.

    Raises:
        ValueError: `NOTSET` for the root logger, which would emit all records of all libraries, or a level
            above INFO for the audit log, which is always written.
    """
    if name == audit.LOGGER_NAME and number > logging.INFO:
        raise ValueError("the audit log is always written, its level cannot be above INFO")
    if name == logging.root.name and number == logging.NOTSET:
        raise ValueError("the root logger has no parent to inherit a level from, choose another level")


def to_store(number: int) -> str | int:
    """Return a level in a form that all processes can read, even if they have not registered its name."""
    return _NAMES.get(number, number)


def names() -> list[str]:
    """Return the names of all levels, most severe first."""
    numbers = sorted(set(logging.getLevelNamesMapping().values()), reverse=True)
    return [logging.getLevelName(number) for number in numbers]
