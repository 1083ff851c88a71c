"""A failure that is awaited ends no task."""

import asyncio

import pytest

from c2casgiutils._tasks import Failure, caught, contained, run_until_first_end, unwrapped


class OddError(BaseException):
    """Not an `Exception`, as some test tools raise it."""


async def fail(error: BaseException) -> None:
    raise error


async def succeed() -> int:
    return 5


async def test_result() -> None:
    """A result passes."""
    assert unwrapped(await caught(succeed())) == 5


@pytest.mark.parametrize("error", [ValueError("x"), OddError()], ids=repr)
async def test_failure(error: BaseException) -> None:
    """An error is the result of the task, and is raised for the one who asks for the result."""
    task = asyncio.create_task(caught(fail(error)))
    result = await task
    assert result == Failure(error)
    with pytest.raises(type(error)):
        unwrapped(result)


async def test_cancellation_passes() -> None:
    """A cancelled task is cancelled."""
    task = asyncio.create_task(caught(asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        OddError(),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
    ],
    ids=repr,
)
async def test_contained(error: BaseException) -> None:
    """Whatever is raised is the result, and the event loop goes on."""
    assert await asyncio.create_task(contained(fail(error))) == Failure(error)


async def test_cancellation_passes_containment() -> None:
    """A task that somebody cancels is cancelled."""
    task = asyncio.create_task(contained(asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def test_closed_coroutine_passes_containment() -> None:
    """A coroutine that is closed outside of any event loop ends as such."""

    async def wait() -> None:
        result = await contained(asyncio.sleep(60))
        results.append(result)

    results: list[object] = []
    loop = asyncio.new_event_loop()
    coroutine = wait()
    task = loop.create_task(coroutine)
    loop.call_soon(loop.stop)
    loop.run_forever()
    coroutine.close()
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    assert results == []


async def test_the_first_end_ends_all() -> None:
    """The error of the first is raised once the others have ended."""
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(ValueError, match="first"):
        await run_until_first_end(wait(), fail(ValueError("first")))
    assert ended.is_set()


async def test_cancelling_ends_all() -> None:
    """A caller that is cancelled leaves nothing behind."""
    caller = asyncio.create_task(run_until_first_end(asyncio.sleep(60), asyncio.sleep(60)))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    assert caller.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}
