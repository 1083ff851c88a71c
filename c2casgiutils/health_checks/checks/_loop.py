"""The check of the event loop."""

import asyncio
import math

from c2casgiutils.health_checks._model import Check, JsonCheckError, Result


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
