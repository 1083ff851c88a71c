"""The loggers that are known to write secrets or personal data, and from which level on."""

import logging

from c2casgiutils import logs
from c2casgiutils.tools import _loggers

_WRITTEN: dict[str, tuple[int, str]] = {
    "aiosqlite": (logging.DEBUG, "SQL statements with their parameters"),
    "botocore": (logging.DEBUG, "headers and bodies of requests"),
    "hpack": (logging.DEBUG, "headers of requests, with credentials"),
    "httpcore": (logging.DEBUG, "headers of responses, with cookies"),
    "httpx": (logging.INFO, "URLs of requests, with their queries"),
    "requests_oauthlib": (logging.DEBUG, "tokens"),
    "sqlalchemy.engine": (logging.INFO, "SQL statements with their parameters, and at DEBUG rows"),
    "urllib3": (logging.DEBUG, "URLs of requests, with their queries"),
    "websockets": (logging.DEBUG, "headers and messages"),
}


def warning_of(name: str) -> str | None:
    """Return what a logger and those that inherit its level write that may be secret, `None` for nothing.

    Args:
        name: The logger, with its present level.
    """
    number = logs.effective_level(_loggers.nearest(name))
    told = [
        f"{family} logs {written}"
        for family, (from_level, written) in _WRITTEN.items()
        if number <= from_level and (logs.is_within(name, family) or _inherits(family, name))
    ]
    if name == logging.root.name and number < logging.INFO:
        told.insert(0, "every library logs its details")
    return f"the log may hold secrets now: {'; '.join(told)}" if told else None


def note_of(name: str) -> str | None:
    """Return from which level on a logger writes what may be secret, `None` if it is not known to do so."""
    if name == logging.root.name:
        return "below INFO, every library logs its details"
    if name not in _WRITTEN:
        return None
    from_level, written = _WRITTEN[name]
    return f"from {logging.getLevelName(from_level)} on, it logs {written}"


def followed_warning(name: str, number: int) -> str | None:
    """Return what a logger and its children write at a level that may be secret, `None` for nothing.

    Args:
        name: The logger, empty for all.
        number: The level.
    """
    told = [
        f"{family} logs {written}"
        for family, (from_level, written) in _WRITTEN.items()
        if number <= from_level and (logs.is_within(family, name) or logs.is_within(name, family))
    ]
    return f"the lines may hold secrets: {'; '.join(told)}" if told else None


def _inherits(family: str, name: str) -> bool:
    """Return whether the family has the level of the given logger, an ancestor."""
    logger: logging.Logger | None = _loggers.nearest(family)
    while logger is not None and logger.name != name:
        logger = logger.parent if logs.own_level(logger) == logging.NOTSET else None
    return logger is not None
