"""The handlers that exist in the process."""

import logging
from collections.abc import Iterator
from typing import Any


def all_handlers() -> Iterator[logging.Handler]:
    """Return the handlers of all loggers, and the one of last resort."""
    named: list[Any] = list(logging.root.manager.loggerDict.values())
    for logger in (logging.root, *named):  # of a parent that nobody asked for, a placeholder stands there
        yield from logger.handlers if isinstance(logger, logging.Logger) else ()
    if logging.lastResort is not None:  # what emits warnings when nothing is configured
        yield logging.lastResort
