"""The watchdog of an event loop, and its stalls."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import uvloop

from c2casgiutils.debug._stalls import Stall, Stalls
from c2casgiutils.debug._watchdog import Watchdog
from c2casgiutils.instances import LagMeter
from c2casgiutils.request_tracking import RequestContext
from tests.support.net import eventually
from tests.support.request_context import current

HERE = "tests/unit/debug/test_watchdog.py"


@contextlib.asynccontextmanager
async def watched(stall_seconds: float = 0.1) -> AsyncIterator[Watchdog]:
    """A watchdog of the running event loop."""
    meter = LagMeter()
    meter.start()
    watchdog = Watchdog(meter, stall_seconds)
    watchdog.start()
    await asyncio.sleep(0.12)
    try:
        yield watchdog
    finally:
        watchdog.stop()
        meter.stop()
        await asyncio.to_thread(watchdog.join)


def compute(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(100))


def sleep(seconds: float) -> None:
    time.sleep(seconds)


async def wait_long(watchdog: Watchdog) -> list[Stall]:
    """The stalls that this test caused, on a machine that may cause short ones."""

    async def is_there() -> bool:
        return any(stall.ms >= 300 for stall in watchdog.stalls.latest())

    await eventually(is_there, what="a stall")
    return [stall for stall in watchdog.stalls.latest() if stall.ms >= 300]


@pytest.mark.parametrize("function", [compute, sleep])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_stall_names_its_frame_and_route(function: object, new_loop: object) -> None:
    """A stall has its time, its length, the frame of the application, and the route, on any event loop."""

    async def main() -> list[Stall]:
        async with watched() as watchdog:
            with current(RequestContext("mine", scope={"root_path": "/app", "route": Route("/report/{id}")})):
                task = asyncio.create_task(blocking())
            await task
            return await wait_long(watchdog)

    async def blocking() -> None:
        function(0.5)  # type: ignore[operator]  # a parameter

    before = time.time()
    with asyncio.Runner(loop_factory=new_loop) as runner:  # type: ignore[arg-type]  # a parameter
        (stall,) = runner.run(main())
    assert before - 1 < stall.at.timestamp() < time.time()
    assert 400 < stall.ms < 20_000
    assert stall.route == "/app/report/{id}"
    assert re.fullmatch(rf"{HERE}:\d+ {function.__name__}", stall.frame or "")  # type: ignore[attr-defined]


class Route:
    """A route, of which only the path is read."""

    def __init__(self, path: str) -> None:
        self.path = path


async def test_the_frame_of_a_long_stall_is_where_the_time_went() -> None:
    """A stall that runs through several functions names the one that took most of the time."""
    async with watched() as watchdog:
        compute(0.3)
        sleep(1.2)
        compute(0.1)
        (stall,) = await wait_long(watchdog)
    assert (stall.frame or "").endswith(" sleep")
    assert stall.route is None


async def test_waiting_is_no_stall() -> None:
    """An event loop that waits is not blocked."""
    async with watched(stall_seconds=2) as watchdog:
        await asyncio.sleep(0.5)
        assert watchdog.blocked_seconds is None
        assert watchdog.stalls.latest() == []


async def test_stacks_of_a_blocked_loop_in_another_thread() -> None:
    """Another thread gets the stacks while the loop is blocked, with how long it has been."""
    async with watched() as watchdog:
        found = []

        def ask() -> None:
            time.sleep(0.4)
            found.append(watchdog.collect("web:1"))

        thread = threading.Thread(target=ask)
        thread.start()
        sleep(1)
        await asyncio.to_thread(thread.join)
    blocked = [group for group in found[0].groups if group.frames[-1].function == "sleep"]
    assert blocked
    assert blocked[0].frames[-1].file == HERE
    ages = [where.age_seconds for where in blocked[0].where if where.thread == "MainThread"]
    assert ages[0] is not None
    assert ages[0] > 0.1


def test_the_last_fifty_stalls_are_kept() -> None:
    """Older stalls are dropped."""
    stalls = Stalls()
    for number in range(60):
        stalls.end(number, number)
    assert [stall.ms for stall in stalls.latest()] == [1000 * number for number in range(59, 9, -1)]


def test_a_sighting_of_another_stall_does_not_count() -> None:
    """What was seen too late for its stall is not the frame of the next one."""
    stalls = Stalls()
    stalls.end(1.0, 0.2)
    stalls.see(1.0, ("late.py:1 f", None), 100)  # type: ignore[arg-type]  # as a `Sighting`
    stalls.end(2.0, 0.2)
    assert [stall.frame for stall in stalls.latest()] == [None, None]


@pytest.fixture
def _few_threads() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


@pytest.mark.usefixtures("_few_threads")
async def test_the_thread_ends() -> None:
    """After `stop`, the thread ends, and a second `stop` has no effect."""
    async with watched(stall_seconds=0.05) as watchdog:
        watchdog.stop()
