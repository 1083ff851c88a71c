"""The thread that looks at an event loop while it is blocked."""

import asyncio
import logging
import math
import threading
import time

from c2casgiutils._periodic import PeriodicTask
from c2casgiutils.debug._stacks import Stacks, collect
from c2casgiutils.debug._stalls import Stalls, look
from c2casgiutils.instances import LagMeter

_LOGGER = logging.getLogger(__name__)

_LOOKS_PER_AGE = 10
_MAX_WAIT_SECONDS = 60.0


class Watchdog:
    """Watches the running event loop: records its stalls, and collects its stacks in any thread.

    While the loop is blocked in Python code, or in a call that releases the GIL, the thread can see what it
    runs. The thread wakes up when the loop could have become too late, about six times a second.

    Args:
        meter: Measures the lag of the event loop.
        stall_seconds: The lag that counts as a stall.
    """

    def __init__(self, meter: LagMeter, stall_seconds: float) -> None:
        self.stalls = Stalls()
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._meter = meter
        self._stall_seconds = stall_seconds
        self._periodic = PeriodicTask("watchdog", stall_seconds)
        self._is_stopped = False
        # held until `stop`: to wait for a lock costs less than for an event
        self._working = threading.Lock()
        self._working.acquire()
        self._thread = threading.Thread(target=self._run, name="c2casgiutils-watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._meter.listen(self._note)
        self._periodic.start()
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end, after the look that it may be taking."""
        if not self._is_stopped:
            self._is_stopped = True
            self._working.release()
            self._meter.ignore(self._note)
            self._periodic.stop()

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join()

    @property
    def blocked_seconds(self) -> float | None:
        """For how long the event loop has been blocked; `None` if it is not, or not long enough."""
        late = time.monotonic() - self._meter.due
        return late if late >= self._stall_seconds else None

    def collect(self, instance: str) -> Stacks:
        """Return the stacks of this process, from any thread.

        Args:
            instance: The id of this process.
        """
        return collect(instance, self._loop, self._loop_thread, blocked_seconds=self.blocked_seconds)

    def _note(self, due: float, lag: float) -> None:
        if lag >= self._stall_seconds:
            self.stalls.end(due, lag)

    def _run(self) -> None:
        last, wait = 0.0, self._stall_seconds
        while not self._working.acquire(timeout=wait):
            self._periodic.note()
            due, now = self._meter.due, time.monotonic()
            late = now - due
            if late < self._stall_seconds:
                wait = min(self._stall_seconds - late, _MAX_WAIT_SECONDS)
                continue
            try:
                self._look(due, now - max(last, due))
            except Exception:
                _LOGGER.exception("The watchdog could not look at the event loop")
            last, wait = now, max(self._stall_seconds, late / _LOOKS_PER_AGE)

    def _look(self, due: float, seconds: float) -> None:
        sighting = look(self._loop, self._loop_thread)
        if sighting is not None:
            self.stalls.see(due, sighting, math.ceil(seconds * 1000))
