"""Which records of a logger some handler writes."""

import logging
import sys

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
