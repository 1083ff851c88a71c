"""Run the handlers of this process, each in its own task so that they do not delay each other."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from c2casgiutils._errors import text_of
from c2casgiutils._tasks import Failure, contained
from c2casgiutils.broadcast import _codec, _metrics
from c2casgiutils.request_tracking import CURRENT, RequestContext

_LOGGER = logging.getLogger(__name__)

_MAX_IN_FLIGHT = 4096
"""Maximum number of messages in flight in one process; more are rejected."""
_MAX_ERROR_LENGTH = 1000
_END_SECONDS = 2.0

Callback = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a message: the result as JSON, or an error."""

    data: bytes = b""
    error: str | None = None


class Handlers:
    """The callbacks by channel, and the tasks that run them.

    Args:
        callbacks: By channel; kept and modified, not copied.
    """

    def __init__(self, callbacks: dict[str, Callback] | None = None) -> None:
        self.callbacks: dict[str, Callback] = callbacks if callbacks is not None else {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def queue_length(self) -> int:
        """The number of messages in flight."""
        return len(self._tasks)

    def dispatch(
        self,
        channel: str,
        payload: bytes,
        *,
        request: RequestContext | None,
        reply: Callable[[Outcome], None] | None,
    ) -> None:
        """Start the handler of a channel, if there is one, and pass its outcome to `reply`.

        Args:
            channel: Name of the channel.
            payload: The parameters, as they were sent.
            request: The request that caused the message; it is the current one in the handler.
            reply: Called with the outcome, if somebody waits for it.
        """
        callback = self.callbacks.get(channel)
        if callback is None:
            return
        if len(self._tasks) >= _MAX_IN_FLIGHT:
            _metrics.count("refused")
            if reply is not None:
                reply(
                    Outcome(error=f"refused: {_MAX_IN_FLIGHT} messages are already in flight in this process")
                )
            return
        context = contextvars.copy_context()
        context.run(CURRENT.set, request)
        task = asyncio.get_running_loop().create_task(
            self._run(channel, callback, payload, reply), context=context
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(
        self, channel: str, callback: Callback, payload: bytes, reply: Callable[[Outcome], None] | None
    ) -> None:
        started = time.perf_counter()
        try:
            result = await contained(_call(callback, payload))
        except asyncio.CancelledError:
            if reply is not None:
                reply(Outcome(error="cancelled: the process is shutting down"))
            raise
        outcome = _failed(channel, result.error) if isinstance(result, Failure) else Outcome(result)
        _metrics.observe_handler(time.perf_counter() - started)
        if reply is not None:
            reply(outcome)

    async def aclose(self) -> None:
        """Cancel the running handlers and wait until they have ended."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_SECONDS)

    def abort(self) -> None:
        """Cancel the running handlers without waiting."""
        for task in self._tasks:
            if not task.get_loop().is_closed():
                task.cancel()
        self._tasks.clear()


async def _call(callback: Callback, payload: bytes) -> bytes:
    decode = getattr(callback, "decode_parameters", _codec.decode)
    encode = getattr(callback, "encode_result", _codec.encode)
    return _codec.check_size(encode(await callback(**(decode(payload) or {}))))


def _failed(channel: str, error: BaseException) -> Outcome:
    _LOGGER.error("The handler of the channel %r failed", channel, exc_info=error)
    _metrics.count("handler_failures")
    text = ": ".join(filter(None, (type(error).__name__, text_of(error))))
    return Outcome(error=text[:_MAX_ERROR_LENGTH])
