"""Loggers without the handlers that pytest puts on them for each test."""

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def as_python_starts(*names: str) -> Iterator[None]:
    """The root logger and the named ones without handlers, and with their first levels; all comes back."""
    loggers = [logging.root, *map(logging.getLogger, names)]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers = []
        logger.setLevel(logging.WARNING if logger is logging.root else logging.NOTSET)
        logger.propagate = True
    try:
        yield
    finally:
        for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
