"""The broadcaster of a single process, without Redis."""

import asyncio
import os
import socket
from collections.abc import Callable, Collection, Mapping
from typing import Any

from c2casgiutils import instances
from c2casgiutils.broadcast import _codec, _metrics
from c2casgiutils.broadcast._handlers import Callback, Outcome
from c2casgiutils.broadcast.interface import Answer, Answers, BaseBroadcaster, make_answer, missing
from c2casgiutils.broadcast.types import MissingAnswer
from c2casgiutils.request_tracking import RequestContext, current_request_id, current_traceparent, restore


class LocalBroadcaster(BaseBroadcaster):
    """Calls the handlers of this process; values are converted to JSON and back as with Redis.

    Args:
        callbacks: By channel; shared if given.
    """

    def __init__(self, callbacks: dict[str, Callback] | None = None) -> None:
        super().__init__(callbacks)
        self._is_started = False

    @property
    def is_started(self) -> bool:
        """See `BaseBroadcaster.is_started`; messages are also delivered before."""
        return self._is_started

    async def init(self) -> None:
        """See `BaseBroadcaster.init`."""
        self._is_started = True

    def get_subscribers(self) -> Mapping[str, Callback]:
        """Return the callbacks by channel."""
        return dict(self.handlers.callbacks)

    async def subscribe(self, channel: str, callback: Callback) -> None:
        """See `BaseBroadcaster.subscribe`."""
        self.handlers.callbacks[channel] = callback

    async def unsubscribe(self, channel: str) -> None:
        """See `BaseBroadcaster.unsubscribe`."""
        self.handlers.callbacks.pop(channel, None)

    async def send(self, channel: str, payload: bytes, *, timeout: float) -> None:  # noqa: ARG002  # nothing to wait for
        """See `BaseBroadcaster.send`."""
        if channel not in self.handlers.callbacks:
            return
        _metrics.count("sent")
        self.handlers.dispatch(channel, payload, request=_carried(), reply=None)
        await asyncio.sleep(0)  # a handler that never awaits has finished when this returns

    async def ask(
        self,
        channel: str,
        payload: bytes,
        *,
        timeout: float,
        to: Collection[str] | None = None,
        decode: Callable[[bytes], Any] = _codec.decode,
        with_blocked: bool = False,  # noqa: ARG002  # this process is not blocked
    ) -> Answers:
        """See `BaseBroadcaster.ask`."""
        own = instances.own_id()
        strangers = [missing(id_) for id_ in to or () if id_ != own]
        if channel not in self.handlers.callbacks or (to is not None and own not in to):
            return Answers(strangers)
        _metrics.count("sent")
        return Answers([await self._ask_own(channel, payload, timeout, decode), *strangers])

    async def _ask_own(
        self, channel: str, payload: bytes, timeout: float, decode: Callable[[bytes], Any]
    ) -> Answer:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def reply(outcome: Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        self.handlers.dispatch(channel, payload, request=_carried(), reply=reply)
        hostname, pid = socket.gethostname(), os.getpid()
        try:
            async with asyncio.timeout(timeout):
                outcome = await future
        except TimeoutError:
            _metrics.count("missing")
            return MissingAnswer(hostname, pid)
        return make_answer(hostname, pid, outcome, decode)

    async def aclose(self) -> None:
        """Cancel the running handlers."""
        await self.handlers.aclose()

    def abort(self) -> None:
        """Cancel the running handlers without waiting."""
        self.handlers.abort()


def _carried() -> RequestContext | None:
    """Return the part of the current request that a message through Redis contains, without its scope."""
    return restore(current_request_id(), current_traceparent())
