"""Checks of the machine and of the process itself."""

import asyncio
import math
import shutil
from pathlib import Path

from c2casgiutils.health_checks._model import Check, JsonCheckError, Result


class DiskSpace(Check):
    """Passes if there is enough free space on a file system.

    It proves that the bytes are free for an ordinary user, not that quotas or permissions allow to use them.

    Args:
        path: A path on the file system.
        minimum: The required number of free bytes; a number below 1 is a fraction of the total.
        tags: Tags to select the check by.
    """

    def __init__(self, path: str | Path = "/", minimum: float = 0.05, tags: list[str] | None = None) -> None:
        super().__init__(tags)
        if not 0 <= minimum < math.inf:
            raise ValueError(f"DiskSpace takes a minimum of 0 or more, got {minimum}")
        self.path = Path(path)
        self.minimum = minimum

    async def check(self) -> Result:
        """Ask the file system."""
        usage = await self.in_thread(lambda: shutil.disk_usage(self.path))
        wanted = self.minimum * usage.total if self.minimum < 1 else self.minimum
        payload = {"free_bytes": usage.free, "total_bytes": usage.total, "minimum_bytes": int(wanted)}
        if usage.free < wanted:
            raise JsonCheckError(f"Only {usage.free} bytes are free", payload)
        return Result(payload=payload)


class LoopLag(Check):
    """Passes if the event loop of this process is not delayed.

    It proves that callbacks run within the limit at the time of the check, and with `every=` at regular
    intervals. It does not detect a stall between two runs.

    Args:
        maximum: Maximum delay, in seconds.
        tags: Tags to select the check by.
    """

    def __init__(self, maximum: float = 0.5, tags: list[str] | None = None) -> None:
        super().__init__(tags)
        if not 0 < maximum < math.inf:
            raise ValueError(f"LoopLag takes a positive maximum, got {maximum}")
        self.maximum = maximum

    async def check(self) -> Result:
        """Measure a few iterations and use the longest."""
        loop = asyncio.get_running_loop()
        worst = 0.0
        for _ in range(5):
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            worst = max(worst, loop.time() - due)
        payload = {"lag_seconds": round(worst, 6), "maximum_seconds": self.maximum}
        if worst > self.maximum:
            raise JsonCheckError(f"The event loop is delayed by {worst:.3f} s", payload)
        return Result(payload=payload)
