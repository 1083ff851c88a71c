"""SIGINT while a stream is open: servers wait until every response is complete."""

import signal
import threading
from collections.abc import Callable
from typing import Any


class Interrupts:
    """Stands before the handler of SIGINT while there are readers.

    SIGTERM drains the process first, which ends the streams; SIGINT (Ctrl-C) does not.

    Args:
        notice: Called on SIGINT, before the handler of the server.
    """

    def __init__(self, notice: Callable[[], None]) -> None:
        self._notice = notice
        self._readers = 0
        self._previous: Callable[..., Any] | None = None

    def __enter__(self) -> None:
        self._readers += 1
        if self._previous is not None or threading.current_thread() is not threading.main_thread():
            return
        previous = signal.getsignal(signal.SIGINT)
        if callable(previous):
            self._previous = previous
            signal.signal(signal.SIGINT, self._handle)

    def __exit__(self, *_: object) -> None:
        self._readers -= 1
        if self._readers or self._previous is None:
            return
        if signal.getsignal(signal.SIGINT) == self._handle:  # not replaced since
            signal.signal(signal.SIGINT, self._previous)
        self._previous = None

    def _handle(self, *arguments: Any) -> None:
        previous = self._previous
        self._notice()
        if previous is not None:
            previous(*arguments)
