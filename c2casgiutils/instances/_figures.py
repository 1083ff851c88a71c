"""Live figures of this process, read without any dependency."""

import contextlib
import os
import resource
from collections.abc import Callable
from pathlib import Path

from c2casgiutils.instances._hooks import Guarded


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
