"""Live figures of this process, read without any dependency."""

import asyncio
import contextlib
import logging
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

from c2casgiutils._outages import Outage

_LOGGER = logging.getLogger(__name__)
_LAG_INTERVAL_SECONDS = 0.5


class Figures:
    """The figures that each process tells: its own, and those that others register."""

    def __init__(self) -> None:
        self._registered: dict[str, tuple[Callable[[], float | int], Outage]] = {}

    def register(self, name: str, read: Callable[[], float | int]) -> None:
        """Add a figure; the same name again replaces it.

        Args:
            name: Its name with the unit, as `requests_in_flight` or `rss_bytes`.
            read: Called at each beat, must be quick.
        """
        begun, ended = (
            f"The figure {name} cannot be read: %s",
            f"The figure {name} can be read again after %.1f s",
        )
        self._registered[name] = read, Outage(_LOGGER, begun, ended, level=logging.ERROR)

    def unregister(self, name: str) -> None:
        """Remove a figure; an unknown one is no error."""
        self._registered.pop(name, None)

    def read(self) -> dict[str, float]:
        """Return the figures of now; one that cannot be read is absent."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        figures: dict[str, float] = {"cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3)}
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            figures["rss_bytes"] = pages * os.sysconf("SC_PAGE_SIZE")
        for name, (function, fault) in list(self._registered.items()):
            try:
                figures[name] = round(float(function()), 6)
            except Exception as error:  # noqa: BLE001  # of the application
                fault.begin(error)
            else:
                fault.end()
        return figures


class LagMeter:
    """Measures how late the event loop calls back: the longest delay since it was last read."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._worst = 0.0

    def start(self) -> None:
        """Start on the running event loop."""
        loop = asyncio.get_running_loop()
        self._due = time.monotonic() + _LAG_INTERVAL_SECONDS
        self._handle = loop.call_later(_LAG_INTERVAL_SECONDS, self._tick)

    def _tick(self) -> None:
        self._worst = max(self._worst, time.monotonic() - self._due)
        self.start()

    def read(self) -> float:
        """Return the worst delay since the last reading, in seconds."""
        worst, self._worst = self._worst, 0.0
        return max(worst, 0.0)

    def stop(self) -> None:
        """Stop measuring."""
        if self._handle is not None:
            self._handle.cancel()
