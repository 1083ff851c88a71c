"""Free ports and bounded waiting."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], *, seconds: float = 20, what: str = "condition") -> None:
    """Wait until the condition holds, or fail after the given time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        time.sleep(0.05)


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = 20, what: str = "condition"
) -> None:
    """The same with an awaitable condition."""
    end = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        await asyncio.sleep(0.05)
