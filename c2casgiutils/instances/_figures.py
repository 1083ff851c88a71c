"""Live figures of this process, read without any dependency."""

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

from c2casgiutils.instances._hooks import Guarded

_LAG_INTERVAL_SECONDS = 0.5


class Figures:
    """The figures that each process reports: its own, and those registered by other modules."""

    def __init__(self) -> None:
        self._registered: dict[str, Guarded] = {}

    def register(self, name: str, read: Callable[[], float | int]) -> None:
        """Add a figure, or replace the one with the same name.

        Args:
            name: Its name with the unit, for example `requests_in_flight` or `rss_bytes`.
            read: Returns the value; called at each beat, must be quick.
        """
        self._registered[name] = Guarded(lambda: round(float(read()), 6), f"Reading the figure {name}")

    def unregister(self, name: str) -> None:
        """Remove a figure; an unknown name is ignored."""
        self._registered.pop(name, None)

    def read(self) -> dict[str, float]:
        """Return the current figures; those that cannot be read are left out."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        figures: dict[str, float] = {"cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3)}
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            figures["rss_bytes"] = pages * os.sysconf("SC_PAGE_SIZE")
        for name, read in list(self._registered.items()):
            if (figure := read()) is not None:
                figures[name] = figure
        return figures


class LagMeter:
    """Measures the lag of the event loop: the longest delay of a timer since the last reading."""

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
        """Return the longest delay since the last reading, in seconds."""
        worst, self._worst = self._worst, 0.0
        return max(worst, 0.0)

    def stop(self) -> None:
        """Stop measuring."""
        if self._handle is not None:
            self._handle.cancel()
