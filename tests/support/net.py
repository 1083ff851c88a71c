"""Free ports and bounded waiting."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from c2casgiutils.acceptance import free_port

__all__ = ["SOON_SECONDS", "eventually", "free_port", "wait_for"]

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
