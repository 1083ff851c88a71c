"""Any handler, made to write in a thread."""

import copy
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from c2casgiutils.logs._background import BackgroundHandler
from c2casgiutils.logs._request import note_request

_PLAIN = (str, bytes, int, float, bool, type(None))


class QueuedHandler(BackgroundHandler):
    """See `queued`.

    Args:
        handler: The handler that writes.
        size: How many records wait at most.
    """

    def __init__(self, handler: logging.Handler, size: int) -> None:
        if isinstance(handler, Mapping):
            raise TypeError("handler is not configured yet: give the queue a name that sorts after it")
        if not isinstance(handler, logging.Handler):
            raise TypeError(f"handler must be a logging.Handler, not {type(handler).__name__}")
        self.handler = handler
        super().__init__(handler.get_name() or type(handler).__name__, size=size)
        self.setLevel(handler.level)
        self.setFormatter(handler.formatter)

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802  # of the standard library
        """Set the formatter of the handler that writes."""
        super().setFormatter(fmt)
        self.handler.setFormatter(fmt)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy that holds what only the thread of the record knows, as text."""
        record = copy.copy(record)
        note_request(record)
        _merge_arguments(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = (self.formatter or logging.Formatter()).formatException(record.exc_info)
        record.exc_info = None  # its frames hold whatever they worked on
        return record

    def write(self, items: deque[Any]) -> None:
        """Give the records to the handler."""
        while items:
            try:
                self.handler.handle(items[0])
            except Exception:  # noqa: BLE001  # of a handler that does not catch its errors
                self._note_dropped()
                self.handleError(items[0])
            items.popleft()  # not before: a flush waits for what is being written

    def flush(self) -> None:
        """Wait until everything is written, and flush the handler."""
        super().flush()
        self.handler.flush()

    def close(self) -> None:
        """Flush, and close the handler."""
        super().close()
        self.handler.close()


def queued(handler: logging.Handler, size: int = 10_000) -> QueuedHandler:
    """Return a handler that gives records to another one in a thread, so that logging never waits.

    Records are written in their order. The end of the process, and of the application, waits for what is
    queued: for 20 s at most, and not longer than 5 s for a handler that is stuck. In a configuration file:

        handlers:
          file: {class: logging.FileHandler, filename: app.log, formatter: default}
          queue: {(): c2casgiutils.logs.queued, handler: cfg://handlers.file}

    Handlers are configured in the order of their names there, so the queue must come after its handler.

    Args:
        handler: A handler that may be slow; attach only the returned one to loggers. Its level and formatter
            are taken over, its filters are called in the thread.
        size: How many records wait at most; further ones are dropped, and counted in `dropped`.

    Raises:
        TypeError: Not a handler.
        ValueError: `size` is not a positive integer.
    """
    return QueuedHandler(handler, size)


def _merge_arguments(record: logging.LogRecord) -> None:
    """Make a message of arguments that may change before it is written."""
    arguments = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
    if isinstance(record.msg, str) and all(type(argument) in _PLAIN for argument in arguments):
        return
    try:
        record.msg, record.args = record.getMessage(), ()
    except Exception:  # noqa: BLE001  # arguments that do not fit the message, which the formatter reports
        record.args = tuple(map(repr, arguments))
