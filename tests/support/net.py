"""Free ports and bounded waiting."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Self

from c2casgiutils.acceptance import free_port

__all__ = ["SOON_SECONDS", "Waited", "eventually", "free_port", "wait_for"]

_TICK_SECONDS = 0.05

SOON_SECONDS = 30
"""For what would otherwise wait for minutes or for ever: enough for a machine that is ten times slower."""


def wait_for(
    condition: Callable[[], bool], *, seconds: float = SOON_SECONDS, what: str = "condition"
) -> None:
    """Wait until the condition holds, or fail after the given time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        time.sleep(0.05)


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = SOON_SECONDS, what: str = "condition"
) -> None:
    """The same with an awaitable condition."""
    end = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        await asyncio.sleep(0.05)


class Waited:
    """How long the event loop waited during a block, without the time in which it could not run.

    So that a limit on waiting can be asserted on a busy machine, where short waits take longer, not shorter.
    """

    seconds = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._count())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.seconds += _TICK_SECONDS
