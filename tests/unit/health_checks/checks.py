"""Checks that do one thing wrong each, or nothing."""

import asyncio
import threading
import time
from typing import Any

from c2casgiutils.health_checks import Check, Result


class Fine(Check):
    """Good, and counts its runs."""

    def __init__(self, tags: list[str] | None = None, seconds: float = 0.0) -> None:
        super().__init__(tags)
        self.seconds = seconds
        self.runs = 0
        self.ended = 0

    async def ran(self) -> bool:
        await asyncio.sleep(0)  # the engine takes the result
        return self.ended > 0

    async def check(self) -> Result:
        self.runs += 1
        await asyncio.sleep(self.seconds)
        self.ended += 1
        return Result(payload={"run": self.runs})


class Returning(Check):
    """Answers whatever it is given."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    async def check(self) -> Result:
        value: Result = self.value
        return value


class Raising(Check):
    """Raises what it is given."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    async def check(self) -> Result:
        raise self.error


class Hanging(Check):
    """Waits forever, but can be cancelled."""

    async def check(self) -> Result:
        self.doing = "waiting for nothing"
        await asyncio.sleep(3600)
        return Result()


class Stubborn(Check):
    """Does not end when it is cancelled, until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.runs = 0

    async def check(self) -> Result:
        self.runs += 1
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                continue
        return Result()


class Blocking(Check):
    """A plain function that blocks its thread."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self.runs = 0

    async def is_free(self) -> bool:
        return not self.is_blocked()

    def check(self) -> Result:  # type: ignore[override]  # allowed: it runs in a thread
        self.runs += 1
        self.release.wait(30)
        return Result(payload={"thread": threading.current_thread() is not threading.main_thread()})


class Busy(Check):
    """A plain function that takes a moment."""

    def check(self) -> Result:  # type: ignore[override]  # allowed: it runs in a thread
        time.sleep(0.5)
        return Result(payload={"main": threading.current_thread() is threading.main_thread()})
