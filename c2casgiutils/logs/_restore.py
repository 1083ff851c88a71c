"""Undo what an invalid logging configuration has changed before its error."""

import logging
from collections.abc import Callable, Iterator
from typing import Any


def remember_loggers() -> Callable[[], None]:
    """Return a function that restores all loggers as they are now: their levels, handlers and switches.

    Loggers that are created in the meantime get the defaults.
    """
    states = {logger: _state_of(logger) for logger in _loggers()}

    def restore() -> None:
        for logger in _loggers():
            level, handlers, filters, propagate, disabled = states.get(
                logger, (logging.NOTSET, [], [], True, False)
            )
            if logger.level is not level:  # each call empties the caches of all loggers
                logger.setLevel(level)
            logger.handlers[:], logger.filters[:] = handlers, filters
            logger.propagate, logger.disabled = propagate, disabled

    return restore


def _loggers() -> Iterator[logging.Logger]:
    yield logging.root
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield logger


def _state_of(logger: logging.Logger) -> tuple[int, list[logging.Handler], list[Any], bool, bool]:
    return logger.level, logger.handlers[:], logger.filters[:], logger.propagate, logger.disabled
