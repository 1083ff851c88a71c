"""What the watchdog costs: `python benchmarks/watchdog.py [--seconds 5]`.

Printed is the processor time of an idle process as a part of one core: of the measurement of the lag with its
histogram, and of both that and the thread, less an event loop that only waits. It is the least of some runs,
because the machine may do other work. The exit code is 1 if both take more than promised.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from c2casgiutils.debug._metrics import LagRecorder
from c2casgiutils.debug._watchdog import Watchdog
from c2casgiutils.instances import LagMeter

MOST = 0.002
"""Of one core."""
STALL_SECONDS = 0.1
RUNS = 5


async def idle(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def measured(seconds: float) -> None:
    meter = LagMeter()
    meter.listen(LagRecorder().note)
    meter.start()
    await asyncio.sleep(seconds)
    meter.stop()


async def watched(seconds: float) -> None:
    meter = LagMeter()
    meter.listen(LagRecorder().note)
    meter.start()
    watchdog = Watchdog(meter, STALL_SECONDS)
    watchdog.start()
    await asyncio.sleep(seconds)
    watchdog.stop()
    watchdog.join()
    meter.stop()


def part_of_core(work: Callable[[float], Awaitable[None]], seconds: float) -> float:
    """The least processor time of the process while it works, as a part of one core."""

    async def run() -> float:
        await work(0.2)  # imports
        parts = []
        for _ in range(RUNS):
            before = time.process_time()
            await work(seconds)
            parts.append((time.process_time() - before) / seconds)
        return min(parts)

    return asyncio.run(run())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=5)
    seconds = parser.parse_args().seconds
    nothing = part_of_core(idle, seconds)
    lag = part_of_core(measured, seconds) - nothing
    both = part_of_core(watched, seconds) - nothing
    sys.stdout.write(
        f"lag and histogram {lag:.3%} of a core, with the thread {both:.3%}, at most {MOST:.1%}\n"
    )
    return int(both > MOST)


if __name__ == "__main__":
    sys.exit(main())
