"""Blocking work in a thread of its own."""

import asyncio
import contextvars
import threading

import pytest

from c2casgiutils._threads import run_in_thread
from tests.support.net import eventually

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")


async def test_runs_in_a_daemon_thread_with_the_context_of_the_caller() -> None:
    VARIABLE.set("of the caller")

    def look() -> tuple[str, bool, str]:
        thread = threading.current_thread()
        return thread.name, thread.daemon, VARIABLE.get()

    assert await run_in_thread(look, name="a-name") == ("a-name", True, "of the caller")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        pytest.param(ValueError("wrong"), ValueError, id="exception"),
        pytest.param(StopIteration(), RuntimeError, id="stop-iteration"),
        pytest.param(SystemExit(3), RuntimeError, id="system-exit"),
        pytest.param(asyncio.CancelledError(), RuntimeError, id="cancelled"),
    ],
)
async def test_what_is_raised_reaches_the_caller(
    raised: BaseException, expected: type[BaseException]
) -> None:
    """As an exception that neither a future refuses nor an event loop ends at."""

    def fail() -> None:
        raise raised

    with pytest.raises(expected):
        await run_in_thread(fail, name="failing")


async def test_the_end_is_told_when_nobody_waits_any_more() -> None:
    release, ended = threading.Event(), threading.Event()
    task = asyncio.create_task(run_in_thread(lambda: release.wait(60), name="left", on_end=ended.set))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not ended.is_set()
    release.set()

    async def is_told() -> bool:
        return ended.is_set()

    await eventually(is_told, what="the end of the thread")


def test_the_end_of_the_loop_is_no_error() -> None:
    release, ended = threading.Event(), threading.Event()

    async def leave() -> None:
        task = asyncio.create_task(run_in_thread(lambda: release.wait(60), name="left", on_end=ended.set))
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(leave())
    release.set()
    assert ended.wait(20)
