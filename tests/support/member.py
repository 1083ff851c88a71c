"""A process of a service that takes part in broadcasts: `python -m tests.support.member`."""

import asyncio
import builtins
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from tests.support.net import wait_for
from tests.support.processes import Process

_HELD: list[int] = []


async def _who() -> int:
    return os.getpid()


async def _sleep(seconds: float) -> int:
    await asyncio.sleep(seconds)
    return os.getpid()


async def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _count(number: int) -> list[int]:
    _HELD.append(number)
    return _HELD


async def _fail(name: str) -> None:
    raise getattr(builtins, name, asyncio.CancelledError)


async def _nested() -> Any:
    from c2casgiutils import broadcast

    answers = await broadcast.broadcast("who", expect_answers=True, timeout=5)
    return len(answers or [])


def _block(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


async def main() -> None:
    from c2casgiutils import broadcast, instances, redis_utils

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    handlers: dict[str, Callable[..., Awaitable[Any]]] = {
        "who": _who,
        "sleep": _sleep,
        "die": _die,
        "count": _count,
        "fail": _fail,
        "nested": _nested,
    }
    for name, handler in handlers.items():
        await broadcast.subscribe(name, handler)
    await broadcast.decorate(_block, channel="block")
    await broadcast.startup()
    instances.set_state("ready")
    sys.stdout.write("member is ready\n")
    sys.stdout.flush()
    await ended.wait()
    await broadcast.shutdown()
    await redis_utils.aclose()


class Member(Process):
    """Such a process; the settings are environment variables."""

    def __init__(self, **settings: str) -> None:
        root = Path(__file__).parents[2]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
        super().__init__(
            [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.support.member"],
            env={**inherited, "PYTHONPATH": str(root), **settings},
            cwd=root,
        )

    def is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the member ended with {self.process.returncode}:\n{self.output}")
        return "member is ready" in self.output

    def start(self) -> Self:
        super().start()
        return self

    def wait_ready(self) -> None:
        wait_for(self.is_ready, seconds=40, what="a member")


if __name__ == "__main__":
    asyncio.run(main())
