"""The lag of the event loop: how late it runs a callback that is due."""

import asyncio
import collections
import math
import time
from collections.abc import Callable

from c2casgiutils._periodic import PeriodicTask

INTERVAL_SECONDS = 0.1
Listener = Callable[[float, float], object]
"""Called with the time at which a callback was due, by `time.monotonic`, and its lag in seconds."""

_KEPT_SECONDS = 60.0
_MAX_KEPT = round(_KEPT_SECONDS / INTERVAL_SECONDS)


class LagMeter:
    """Measures the lag with a timer that runs ten times a second, to a precision of about a millisecond.

    Its figures can be read in any thread.
    """

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None
        self.due: float = math.inf
        """When the next callback is due, by `time.monotonic`; infinite if nothing is measured."""
        self._worst = 0.0
        self._measured: collections.deque[tuple[float, float]] = collections.deque(maxlen=_MAX_KEPT)
        self._listeners: list[Listener] = []
        self._periodic = PeriodicTask("lag of the event loop", INTERVAL_SECONDS)

    @property
    def is_running(self) -> bool:
        """Return whether it measures."""
        return self._handle is not None

    def start(self) -> None:
        """Start on the running event loop."""
        self.stop()
        self._periodic.start()
        self._schedule(asyncio.get_running_loop())

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self.due = time.monotonic() + INTERVAL_SECONDS
        self._handle = loop.call_later(INTERVAL_SECONDS, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now, due = time.monotonic(), self.due
        self._schedule(loop)  # first: a listener that fails must not end the measurement
        self._periodic.note()
        delay = max(0.0, now - due)
        self._measured.append((now, delay))
        self._worst = max(self._worst, delay)
        for listener in self._listeners:
            listener(due, delay)

    def stop(self) -> None:
        """Stop measuring."""
        if self._handle is not None:
            self._handle.cancel()
            self._periodic.stop()
        self._handle, self.due = None, math.inf

    def listen(self, listener: Listener) -> None:
        """Call a function with each measured lag, on the event loop.

        Args:
            listener: The function; it must be quick and must not raise.
        """
        self._listeners.append(listener)

    def ignore(self, listener: Listener) -> None:
        """Call the function no more."""
        self._listeners.remove(listener)

    def read(self) -> float:
        """Return the longest lag since the last reading, in seconds."""
        worst, self._worst = self._worst, 0.0
        return worst

    def recent(self, seconds: float = _KEPT_SECONDS) -> list[float]:
        """Return the lags measured in the last `seconds`, at most a minute, in seconds."""
        since = time.monotonic() - seconds
        return [delay for at, delay in list(self._measured) if at >= since]

    def worst(self, seconds: float) -> float:
        """Return the longest lag of the last `seconds`, at most a minute, that of now included.

        Args:
            seconds: The length of the time looked at.
        """
        return max(0.0, time.monotonic() - self.due, *self.recent(seconds))
