"""Find out which records the handlers write, and write those that must not be lost."""

import logging
import sys

from c2casgiutils import config
from c2casgiutils.logs._console import ConsoleFormatter
from c2casgiutils.logs._json import JsonFormatter
from c2casgiutils.logs._redaction import RedactionFilter

WRITES_NOTHING = sys.maxsize
"""Above all levels."""


def written_from(logger: logging.Logger) -> int:
    """Return the lowest level that a handler of the logger or its parents writes, without one the highest."""
    if logger.disabled:
        return WRITES_NOTHING
    handlers: list[logging.Handler] = []
    current: logging.Logger | None = logger
    while current is not None:
        handlers += current.handlers
        current = current.parent if current.propagate else None
    if not handlers and logging.lastResort is not None:
        handlers.append(logging.lastResort)
    writing = (handler.level for handler in handlers if not isinstance(handler, logging.NullHandler))
    return min(writing, default=WRITES_NOTHING)


def write_to_standard_error(record: logging.LogRecord) -> None:
    """Write a record that no handler writes, in the form that `LOG_TYPE` asks for."""
    handler = logging.StreamHandler()
    handler.setFormatter(_create_formatter())
    handler.addFilter(RedactionFilter())
    handler.handle(record)


def _create_formatter() -> logging.Formatter:
    try:
        return JsonFormatter() if config.Logging().log_type == "json" else ConsoleFormatter()
    except config.ConfigurationError:
        return ConsoleFormatter()
