"""The checks of the machine and of the process itself."""

import asyncio
import shutil
from pathlib import Path

from c2casgiutils.health_checks._model import Check, JsonCheckError, Result


class DiskSpace(Check):
    """There is space left on a file system.

    It proves the free bytes that an ordinary user may take, not that a quota or the permissions allow it.

    Args:
        path: A path on the file system.
        minimum: The free bytes wanted, or as a number below 1 the part of the whole.
        tags: Words to select the check by.
    """

    def __init__(self, path: str | Path = "/", minimum: float = 0.05, tags: list[str] | None = None) -> None:
        super().__init__(tags)
        if minimum < 0:
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
    """The event loop of this process comes round in time.

    It proves that callbacks are run within the limit at the moment of the check, and with `every=` in regular
    samples. It does not see a stall between two samples.

    Args:
        maximum: The longest delay allowed, in seconds.
        tags: Words to select the check by.
    """

    def __init__(self, maximum: float = 0.5, tags: list[str] | None = None) -> None:
        super().__init__(tags)
        if maximum <= 0:
            raise ValueError(f"LoopLag takes a positive maximum, got {maximum}")
        self.maximum = maximum

    async def check(self) -> Result:
        """Measure a few rounds and take the worst."""
        loop = asyncio.get_running_loop()
        worst = 0.0
        for _ in range(5):
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            worst = max(worst, loop.time() - due)
        payload = {"lag_seconds": round(worst, 6), "maximum_seconds": self.maximum}
        if worst > self.maximum:
            raise JsonCheckError(f"The event loop is {worst:.3f} s late", payload)
        return Result(payload=payload)
