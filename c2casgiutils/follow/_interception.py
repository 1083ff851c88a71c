"""Captures the records of followed requests, and keeps the additional ones out of all handlers.

The standard library cannot lower the level of one context, so all loggers are lowered while a follow is
active, and records are created that would not exist otherwise. A record factory gets each of them first,
whatever its logger propagates to and whenever a handler was added. A record that exists only because of the
lowering gets a level below that of every handler, so that no handler accepts it.
"""

import contextlib
import inspect
import logging
import threading
from collections.abc import Callable
from typing import Any

from c2casgiutils import logs
from c2casgiutils.follow._model import Follow
from c2casgiutils.follow._recognition import Recognition

_BELOW_ALL_HANDLERS = -1
_LOOKS_AT_LEVEL = frozenset({"isEnabledFor", "getEffectiveLevel"})


class Interception:
    """A record factory in front of the one of the process (`logging.setLogRecordFactory`).

    Args:
        recognition: Finds the follows of the current request; may be replaced.
        tell: Gets each record of a followed request, in any thread.
    """

    def __init__(self, recognition: Recognition, tell: Callable[[Follow, logging.LogRecord], None]) -> None:
        self.recognition = recognition
        self._tell = tell
        self._inner: Callable[..., logging.LogRecord] = logging.getLogRecordFactory()
        self._is_active = True
        self._busy = threading.local()
        logging.setLogRecordFactory(self)

    def end(self) -> None:
        """Give the process its factory back; behind another one, do nothing from now on."""
        self._is_active = False
        if logging.getLogRecordFactory() is self:
            logging.setLogRecordFactory(self._inner)

    def __call__(self, name: str, level: int, *arguments: Any, **named: Any) -> logging.LogRecord:
        """Return the record."""
        record = self._inner(name, level, *arguments, **named)
        if self._is_active:
            # whatever an argument of a message does, the application must not fail by being followed
            with contextlib.suppress(Exception):
                self._see(record)
            if _is_surplus(record):
                record.levelno = _BELOW_ALL_HANDLERS
        return record

    def _see(self, record: logging.LogRecord) -> None:
        if getattr(self._busy, "is_on", False):  # of the text of an argument, which may log
            return
        self._busy.is_on = True
        try:
            for follow in self.recognition.find(record.exc_info[1] if record.exc_info else None):
                if follow.wants(record.name, record.levelno):
                    self._tell(follow, record)
        finally:
            self._busy.is_on = False


def _is_surplus(record: logging.LogRecord) -> bool:
    """Return whether the record exists only because its logger is lowered."""
    name = record.name
    logger = logging.root if name == logging.root.name else logging.root.manager.loggerDict.get(name)
    if not isinstance(logger, logging.Logger):  # one that was made without `getLogger` is not lowered
        return False
    return record.levelno < logs.effective_level(logger) and _asked_the_level()


def _asked_the_level() -> bool:
    """Return whether whoever made the record looked at the level of the logger first.

    `Logger.makeRecord` is also called for records that are handled whatever the level is, as those of the
    audit and of the handlers of loguru, and `logging.makeLogRecord` for those of other processes. Libraries
    that look at the level themselves do it in the function that makes the record, or in one of the same file
    that calls it.
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name != "makeRecord":
        frame = frame.f_back
    while frame is not None and frame.f_code.co_name == "makeRecord":  # and those of derived classes
        frame = frame.f_back
    if frame is None:
        return False
    if frame.f_code.co_name == "_log":  # called after `isEnabledFor`, by the logger or by other libraries
        return True
    file = frame.f_code.co_filename
    while frame is not None and frame.f_code.co_filename == file:
        if not _LOOKS_AT_LEVEL.isdisjoint(frame.f_code.co_names):
            return True
        frame = frame.f_back
    return False
