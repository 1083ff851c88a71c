"""The check of the event loop."""

import asyncio
import math

from c2casgiutils import instances
from c2casgiutils.health_checks._model import Check, JsonCheckError, Result

_WINDOW_SECONDS = 5.0


class LoopLag(Check):
    """Passes if the event loop of this process was not delayed in the last five seconds.

    The lag is measured all the time. Without `startup`, the check measures it itself.

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
        """Compare the longest lag with the maximum."""
        meter = instances.lag()
        worst = meter.worst(_WINDOW_SECONDS) if meter.is_running else await _measured()
        payload = {"lag_seconds": round(worst, 6), "maximum_seconds": self.maximum}
        if worst > self.maximum:
            raise JsonCheckError(f"The event loop is delayed by {worst:.3f} s", payload)
        return Result(payload=payload)


async def _measured() -> float:
    """Measure a few iterations and return the longest delay, in seconds."""
    loop = asyncio.get_running_loop()
    worst = 0.0
    for _ in range(5):
        due = loop.time() + 0.01
        await asyncio.sleep(0.01)
        worst = max(worst, loop.time() - due)
    return worst
