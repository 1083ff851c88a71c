"""Functions that run in every process when they are called in one of them."""

import asyncio
import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from c2casgiutils._process import PerLoop
from c2casgiutils._threads import run_in_thread
from c2casgiutils.broadcast import _codec
from c2casgiutils.broadcast._handlers import Callback
from c2casgiutils.broadcast._parameters import Parameters
from c2casgiutils.broadcast.interface import Answer
from c2casgiutils.broadcast.types import BroadcastError

_THREADS_PER_FUNCTION = 8

Request = Callable[..., Awaitable[list[Answer] | None]]


class Handler:
    """The callback of a decorated function, with typed parameters and result.

    Args:
        func: A coroutine function or a plain one; a plain one runs in a thread.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._parameters = Parameters(func)
        self._call: Callback = func if inspect.iscoroutinefunction(func) else in_threads(func)
        self.decode_parameters = self._parameters.decode
        self.encode_result = self._parameters.result.encode
        self.encode_parameters = self._parameters.encode
        self.decode_result = self._parameters.result.decode

    async def __call__(self, **params: Any) -> Any:
        """Run the function."""
        return await self._call(**params)


def default_channel(func: Callable[..., Any]) -> str:
    """`c2c_decorated_<module>.<name>`."""
    return f"c2c_decorated_{func.__module__}.{func.__name__}"


def create_caller(
    func: Callable[..., Any],
    handler: Handler,
    channel: str,
    request: Request,
    *,
    expect_answers: bool,
    timeout: float,
) -> Callable[..., Any]:
    """Return the coroutine function that replaces the decorated one.

    Args:
        func: The decorated function.
        handler: Its handler.
        channel: Its channel.
        request: Sends the message.
        expect_answers: Wait for the answers.
        timeout: Maximum time to wait, in seconds.
    """
    name = getattr(func, "__qualname__", channel)

    @functools.wraps(func)
    async def call(*args: Any, **kwargs: Any) -> list[Answer] | None:
        if args:
            raise TypeError(f"{name} is a broadcast function and takes keyword arguments only")
        try:
            payload = _codec.check_size(handler.encode_parameters(kwargs))
        except _codec.CodecError as error:
            raise BroadcastError(f"{name}: the parameters {error}") from error
        return await request(
            channel, payload, expect_answers=expect_answers, timeout=timeout, decode=handler.decode_result
        )

    return call


def in_threads(func: Callable[..., Any]) -> Callback:
    """Wrap a blocking function so that each call runs in a thread of its own.

    The threads are daemons: a function that never returns does not keep the process from exiting, it only
    delays further calls of the same function.
    """
    slots_of_loops = PerLoop(lambda: asyncio.Semaphore(_THREADS_PER_FUNCTION))

    async def call(**params: Any) -> Any:
        loop = asyncio.get_running_loop()
        slots = slots_of_loops.get()
        await slots.acquire()

        def release() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(slots.release)

        result = await run_in_thread(
            functools.partial(func, **params), name="c2casgiutils-broadcast", on_end=release
        )
        # an object with an asynchronous `__call__`, a lambda around a coroutine function
        return await result if inspect.isawaitable(result) else result

    return call
