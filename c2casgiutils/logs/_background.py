"""A handler that writes in a thread, so that nobody who logs waits for its sink."""

import abc
import contextlib
import logging
import os
import threading
import time
from collections import deque
from typing import Any

from c2casgiutils._outages import Outage
from c2casgiutils._threads import run_in_thread
from c2casgiutils.logs._handlers import all_handlers

_LOGGER = logging.getLogger(__name__)
_BATCH = 1000
_STUCK_SECONDS = 5.0
_MAX_FLUSH_SECONDS = 20.0
_MAX_RETRY_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 0.1


class _Writer(threading.Thread):
    """The thread of a handler; records that it creates itself would go round forever."""


class BackgroundHandler(logging.Handler, abc.ABC):
    """Base class: puts what is logged into a bounded queue, which a thread empties in batches.

    When the sink fails, the batch is written again after 0.1 s, then after longer and longer waits of 5 s at
    most; the beginning and the end of such an outage are logged. A forked process starts with an empty queue
    and a thread of its own.

    Args:
        sink: What to call the sink in the log.
        size: How many items wait at most; further ones are dropped, and counted.
        linger_seconds: How long an incomplete batch waits for more.

    Attributes:
        sink: What the log calls the sink.
        dropped: How many records this process lost, because they did not fit into the queue or could not be
            written.

    Raises:
        ValueError: `size` is not a positive integer.
    """

    def __init__(self, sink: str, *, size: int, linger_seconds: float = 0) -> None:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"size must be a positive integer, not {size!r}")
        super().__init__()
        self.sink = sink
        self._size = size
        self._linger_seconds = linger_seconds
        self.start_afresh()

    def _note_dropped(self, number: int = 1) -> None:
        """Count records that are lost."""
        self.dropped += number

    def start_afresh(self) -> None:
        """Forget what the parent process has queued and opened; called once in each process."""
        self.dropped: int = 0
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting: deque[Any] = deque()
        self._batch: deque[Any] = deque()
        self._failures = 0
        self._flushing = 0
        self._is_closing = False
        self._thread: _Writer | None = None
        self._outage = Outage(
            _LOGGER, f"{self.sink} cannot be written: %s", f"{self.sink} is written again after %.1f s"
        )

    @abc.abstractmethod
    def prepare(self, record: logging.LogRecord) -> Any:
        """Return what to queue, in the thread and the context of the record."""

    @abc.abstractmethod
    def write(self, items: deque[Any]) -> None:
        """Write the items, and remove them from the left as they are written.

        Raises:
            Exception: The sink does not work now; the remaining items are written later.
        """

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue a record, unless the writing of records created it."""
        thread = threading.current_thread()
        if isinstance(thread, _Writer) and (thread is self._thread or record.levelno < logging.WARNING):
            return False
        return bool(super().handle(record))

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record."""
        self._check_process()
        try:
            item = self.prepare(record)
        except Exception:  # noqa: BLE001  # as all handlers do: logging must not fail
            self.handleError(record)
            return
        with self._changed:
            if self._count() < self._size and self._is_running():
                self._waiting.append(item)
                if len(self._waiting) in {1, _BATCH}:  # what the thread waits for
                    self._changed.notify_all()
            else:
                self._note_dropped()

    def flush(self) -> None:
        """Wait until everything is written.

        The wait ends when an attempt fails, after 5 s in which nothing was written, and after 20 s in all.
        """
        self._check_process()
        with self._changed:
            if not self._count() or not self._is_running():
                return
            self._flushing += 1
            self._changed.notify_all()
            self._wait_for_progress()
            self._flushing -= 1

    def _wait_for_progress(self) -> None:
        end = time.monotonic() + _MAX_FLUSH_SECONDS
        failures, count = self._failures, self._count() + 1
        while 0 < self._count() < count and self._failures == failures and time.monotonic() < end:
            count = self._count()
            self._changed.wait_for(
                lambda: not self._count() or self._failures > failures, timeout=_STUCK_SECONDS
            )

    def close(self) -> None:
        """Flush, and end the thread, which a later record starts again."""
        self.flush()
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        super().close()

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            self.start_afresh()

    def _count(self) -> int:
        return len(self._waiting) + len(self._batch)

    def _is_running(self) -> bool:
        """Start the thread if there is none; return whether there is one."""
        if self._thread is None:
            self._is_closing = False
            thread = _Writer(target=self._work, name=f"c2casgiutils-log-{self.sink}", daemon=True)
            with contextlib.suppress(RuntimeError):  # no more threads, or the interpreter is ending
                thread.start()
                self._thread = thread
        return self._thread is not None

    def _work(self) -> None:
        while self._take():
            retry_seconds = _FIRST_RETRY_SECONDS
            while not self._try_to_write():
                self._wait(retry_seconds)
                retry_seconds = min(2 * retry_seconds, _MAX_RETRY_SECONDS)

    def _take(self) -> bool:
        """Wait for the next batch; return whether there is one, else the handler is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            if not self._waiting:
                self._thread = None
                return False
            if self._linger_seconds:
                self._changed.wait_for(self._is_due, timeout=self._linger_seconds)
            for _ in range(min(_BATCH, len(self._waiting))):
                self._batch.append(self._waiting.popleft())
            return True

    def _is_due(self) -> bool:
        return bool(self._flushing or self._is_closing or len(self._waiting) >= _BATCH)

    def _try_to_write(self) -> bool:
        try:
            self.write(self._batch)
        except Exception as error:  # noqa: BLE001  # a sink may raise anything; it is tried again
            self._outage.begin(describe(error))
            with self._changed:
                self._failures += 1
                self._changed.notify_all()
                return self._give_up()
        self._outage.end()
        with self._changed:
            self._changed.notify_all()
        return True

    def _give_up(self) -> bool:
        """Drop what a closed handler could not write; return whether it is closed."""
        if self._is_closing:
            self._note_dropped(self._count())
            self._batch.clear()
            self._waiting.clear()
        return self._is_closing

    def _wait(self, seconds: float) -> None:
        """Wait before the next attempt; a flush asks for one now."""
        with self._changed:
            self._changed.wait_for(lambda: self._flushing or self._is_closing, timeout=seconds)


async def flush() -> None:
    """Write what the handlers of this process have queued; waits as long as `BackgroundHandler.flush`."""
    handlers = {handler for handler in all_handlers() if isinstance(handler, BackgroundHandler)}
    for handler in handlers:
        await run_in_thread(handler.flush, name="c2casgiutils-log-flush")


def describe(error: Exception) -> str:
    """Return the first line of an error, which may hold a whole statement with its values."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
