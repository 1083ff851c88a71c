"""Tasks whose failure is handled by their owner.

The asyncio integration of Sentry reports every exception that ends a task, even one that the owner of the
task expects and handles. So a coroutine that may be expected to fail runs within `caught`.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """What was raised."""

    error: BaseException


async def caught(awaitable: Awaitable[_T]) -> _T | Failure:
    """Return the result, or what was raised; only what ends a task or the process passes."""
    try:
        return await awaitable
    except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # the owner of the task looks at it
        return Failure(error)


async def contained(awaitable: Awaitable[_T]) -> _T | Failure:
    """Return the result, or whatever was raised, also what would end the task or the event loop.

    For code of the application. Only the cancellation of the running task passes, and the end of a coroutine
    that nobody runs any more.
    """
    task = asyncio.current_task()
    try:
        return await awaitable
    except BaseException as error:
        is_cancelled = (
            isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
        )
        is_dropped = (
            isinstance(error, GeneratorExit) and task is not None and not task.get_loop().is_running()
        )
        if is_cancelled or is_dropped:
            raise
        return Failure(error)


def unwrapped(result: _T | Failure) -> _T:
    """Return the result.

    Raises:
        BaseException: What `caught` caught.
    """
    if isinstance(result, Failure):
        raise result.error
    return result


async def run_until_first_end(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run coroutines side by side until one of them ends, then cancel and await the others.

    Raises:
        BaseException: What the one that ended raised.
    """
    tasks = [asyncio.create_task(caught(coroutine)) for coroutine in coroutines]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in ended:
        unwrapped(task.result())
