"""The check of a file system."""

import math
import shutil
from pathlib import Path

from c2casgiutils.health_checks._model import Check, JsonCheckError, Result

_MIN_BYTES = 1_000_000
"""A limit between 1 and this is a number of megabytes by mistake, or a percentage."""


class DiskSpace(Check):
    """Passes if there is enough free space on a file system.

    It proves that the bytes are free for an ordinary user, not that quotas or permissions allow to use them.

    Args:
        path: A path on the file system.
        minimum: The required number of free bytes, at least a million (1 MB); a number below 1 is a fraction
            of the total.
        tags: Tags to select the check by.

    Raises:
        ValueError: The minimum is neither.
    """

    def __init__(self, path: str | Path = "/", minimum: float = 0.05, tags: list[str] | None = None) -> None:
        super().__init__(tags)
        if not (0 <= minimum < 1 or _MIN_BYTES <= minimum < math.inf):
            raise ValueError(
                f"DiskSpace takes a minimum in bytes, from {_MIN_BYTES} (1 MB), or a fraction of the total, "
                f"from 0 to below 1; got {minimum}"
            )
        self.path: Path = Path(path)
        self.minimum = minimum

    async def check(self) -> Result:
        """Ask the file system."""
        usage = await self.in_thread(lambda: shutil.disk_usage(self.path))
        wanted = self.minimum * usage.total if self.minimum < 1 else self.minimum
        payload = {"free_bytes": usage.free, "total_bytes": usage.total, "minimum_bytes": int(wanted)}
        if usage.free < wanted:
            raise JsonCheckError(f"Only {usage.free} bytes are free", payload)
        return Result(payload=payload)
