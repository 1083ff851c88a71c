"""Tasks whose failure is handled by their owner.

The asyncio integration of Sentry reports every exception that ends a task, even one that the owner of the
task expects and handles. So coroutines that are expected to fail run within `caught`.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A raised exception."""

    error: BaseException


async def caught(awaitable: Awaitable[_T]) -> _T | Failure:
    """Return the result or the raised exception, except those that end a task or the process."""
    try:
        return await awaitable
    except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # handled by the owner of the task
        return Failure(error)


async def contained(awaitable: Awaitable[_T]) -> _T | Failure:
    """Return the result or the raised exception, even one that would end the task or the event loop.

    For code of the application. Only the cancellation of the running task, and the closing of an abandoned
    coroutine, are raised.
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
        BaseException: The exception that `caught` returned.
    """
    if isinstance(result, Failure):
        raise result.error
    return result


async def run_until_first_end(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run coroutines side by side until one of them ends, then cancel and await the others.

    Raises:
        BaseException: The exception of the one that ended.
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
