"""Blocking work beside the event loop."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class DaemonThread:
    """Runs one function in a thread that never holds up the end of the process.

    The pool of `asyncio.to_thread` would: a function that hangs keeps one of its few threads, and the
    interpreter waits for it at exit.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def is_alive(self) -> bool:
        """Whether the last function still runs."""
        return self._thread is not None and self._thread.is_alive()

    async def run(self, function: Callable[[], _T]) -> _T:
        """The result of the function; a cancelled caller leaves the thread behind.

        Raises:
            Exception: What the function raised.
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
            result: _T | None = None
            error: Exception | None = None
            try:
                result = context.run(function)
            except Exception as exception:  # noqa: BLE001  handed to the one who awaits
                error = exception
            except BaseException as exception:  # noqa: BLE001  must not end the event loop
                error = RuntimeError(f"ended with {type(exception).__name__}")
            if isinstance(error, StopIteration):  # not allowed in a future
                error = RuntimeError("raised StopIteration")
            try:
                loop.call_soon_threadsafe(deliver, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        self._thread = threading.Thread(target=work, name="c2c-health", daemon=True)
        self._thread.start()
        return await future


async def in_thread(function: Callable[[], _T]) -> _T:
    """Run one function in a thread of its own."""
    return await DaemonThread().run(function)
