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
        self.busy = False

    async def run(self, function: Callable[[], _T]) -> _T:
        """The result of the function; a cancelled caller leaves the thread behind, and `busy` true.

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
            result, error = _call(lambda: context.run(function))
            self.busy = False
            try:
                loop.call_soon_threadsafe(deliver, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        self.busy = True
        threading.Thread(target=work, name="c2c-health", daemon=True).start()
        return await future


def _call(function: Callable[[], _T]) -> tuple[_T | None, Exception | None]:
    try:
        return function(), None
    except StopIteration:  # not allowed in a future
        return None, RuntimeError("raised StopIteration")
    except Exception as error:  # noqa: BLE001  handed to the one who awaits
        return None, error
    except BaseException as error:  # noqa: BLE001  must not end the event loop
        return None, RuntimeError(f"ended with {type(error).__name__}")
