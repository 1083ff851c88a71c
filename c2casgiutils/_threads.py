"""Blocking work in a thread that does not delay the exit of the process.

The pool of `asyncio.to_thread` would delay it: a function that hangs occupies one of its few threads, and the
interpreter waits for it at exit.
"""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def run_in_thread(
    function: Callable[[], _T], *, name: str, on_end: Callable[[], object] = lambda: None
) -> _T:
    """Return the result of a function that runs in its own daemon thread, in the context of the caller.

    If the caller is cancelled, the thread continues.

    Args:
        function: Called without arguments.
        name: The name of the thread.
        on_end: Called in the thread when the function has ended, even if the result is no longer awaited.

    Raises:
        Exception: What the function raised; a `RuntimeError` in place of exceptions that would end the event
            loop or are not allowed in a future (`SystemExit`, `StopIteration`).
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(result: _T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
            return
        future.set_result(result)  # type: ignore[arg-type]  # without an error it is the result

    def work() -> None:
        result, error = _call(lambda: context.run(function))
        on_end()
        with contextlib.suppress(RuntimeError):  # the loop is closed, so the result is not needed
            loop.call_soon_threadsafe(deliver, result, error)

    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:  # no more threads
        on_end()
        raise
    return await future


def _call(function: Callable[[], _T]) -> tuple[_T | None, Exception | None]:
    try:
        return function(), None
    except StopIteration:
        return None, RuntimeError("raised StopIteration")
    except Exception as error:  # noqa: BLE001  # passed to the caller
        return None, error
    except BaseException as error:  # noqa: BLE001  # must not end the event loop
        return None, RuntimeError(f"ended with {type(error).__name__}")
