"""Commands, replies and messages on one established connection.

RESP3 lets one connection carry commands, their replies and the messages of subscriptions. Commands are
written at once and matched to the replies in their order, so any number of them may be under way.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from c2casgiutils._errors import C2cError
from c2casgiutils.redis_utils._resp import Command, Decoder, ProtocolError, Push, pack

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

REPLY_SECONDS = 2.0
_MAX_PENDING = 20_000
_MAX_UNSENT_BYTES = 64 * 1024 * 1024
_READ_BYTES = 1 << 18


class LinkDownError(C2cError):
    """Redis is away, or did not reply in time."""


@dataclass(slots=True)
class _Pending:
    """Commands whose replies are awaited."""

    future: asyncio.Future[list[Any]]
    missing: int
    confirmation: bytes = b""
    replies: list[Any] = field(default_factory=list)


class Wire:
    """One established connection, from its beginning to its end.

    Args:
        connection: Connected; from now on only used here.
        on_message: Called with channel and data of each message; must be quick and must not raise.

    Raises:
        LinkDownError: The connection was closed meanwhile.
    """

    def __init__(self, connection: "AbstractConnection", on_message: Callable[[str, bytes], None]) -> None:
        # redis-py has no public way to its streams
        reader, writer = connection._reader, connection._writer  # noqa: SLF001  # see above
        if reader is None or writer is None:
            raise LinkDownError("closed while connecting")
        self.connection = connection
        self.last_received = 0.0
        self._reader: asyncio.StreamReader = reader
        self._writer: asyncio.StreamWriter = writer
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._pending: deque[_Pending] = deque()
        self._unsent: list[bytes] = []
        self._corked = False

    def send(self, commands: tuple[Command, ...], confirmation: bytes = b"") -> asyncio.Future[list[Any]]:
        """Write the commands now; the future gets their replies, errors included as `ReplyError` values.

        Args:
            commands: The commands.
            confirmation: The kind of push that confirms them, for commands of subscriptions.

        Raises:
            LinkDownError: The connection is closing, or too much is under way.
        """
        if self._writer.is_closing():
            raise LinkDownError("the connection is closing")
        unsent = self._writer.transport.get_write_buffer_size()
        if len(self._pending) >= _MAX_PENDING or unsent > _MAX_UNSENT_BYTES:
            raise LinkDownError("too many commands are waiting for Redis")
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self._pending.append(_Pending(future, len(commands), confirmation))
        data = pack(commands)
        if self._corked:
            self._unsent.append(data)
        else:
            self._corked = True
            self._loop.call_soon(self.flush)
            self._writer.write(data)
        return future

    def flush(self) -> None:
        """Write what was sent in the same turn of the event loop as one piece."""
        self._corked = False
        if self._unsent and not self._writer.is_closing():
            self._writer.write(b"".join(self._unsent))
        self._unsent.clear()

    async def reply(self, future: asyncio.Future[list[Any]], seconds: float) -> list[Any]:
        """Wait for the replies, at most so long, and at most two seconds while nothing at all arrives.

        Raises:
            LinkDownError: The connection broke, or there was no reply in time.
        """
        now = self._loop.time()
        handle = _Deadline(self, future, sent=now, end=now + seconds)
        try:
            return await future
        finally:
            handle.cancel()

    def quiet_seconds(self, since: float) -> float:
        """So long nothing has arrived, counted from a time of the loop at the earliest."""
        return self._loop.time() - max(self.last_received, since)

    async def read(self) -> None:
        """Only parse and dispatch, until the connection ends.

        Raises:
            LinkDownError: It ended.
            ProtocolError: What arrived is not the Redis protocol.
        """
        decoder = Decoder()
        while data := await self._reader.read(_READ_BYTES):
            self.last_received = self._loop.time()
            for item in decoder.feed(data):
                if isinstance(item, Push):
                    self._take_push(item)
                else:
                    self._take_reply(item)
        raise LinkDownError("Redis closed the connection")

    def _take_push(self, push: Push) -> None:
        kind = push[0]
        if kind in {b"message", b"smessage"}:
            self._on_message(push[1].decode(errors="replace"), push[2])
        elif self._pending and self._pending[0].confirmation == kind:
            self._take_reply(push)
        elif kind in {b"unsubscribe", b"sunsubscribe"}:
            raise LinkDownError("Redis took a subscription away")

    def _take_reply(self, reply: Any) -> None:
        if not self._pending:
            raise ProtocolError("a reply without a command")
        pending = self._pending[0]
        pending.replies.append(reply)
        pending.missing -= 1
        if pending.missing:
            return
        self._pending.popleft()
        if not pending.future.done():
            pending.future.set_result(pending.replies)

    def close(self, reason: str) -> None:
        """Close the connection, fail what waits for a reply."""
        self._unsent.clear()
        while self._pending:
            future = self._pending.popleft().future
            if not future.done() and not self._loop.is_closed():
                future.set_exception(LinkDownError(reason))
                future.exception()  # nobody need wait for it
        if not self._loop.is_closed():
            self._writer.transport.abort()
            self.connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001  # no await


class _Deadline:
    """Ends the waiting for a reply."""

    __slots__ = ("_end", "_future", "_handle", "_sent", "_wire")

    def __init__(self, wire: Wire, future: asyncio.Future[list[Any]], *, sent: float, end: float) -> None:
        self._wire = wire
        self._future = future
        self._sent = sent
        self._end = end
        self._start(min(REPLY_SECONDS, end - sent))

    def _start(self, seconds: float) -> None:
        loop = self._future.get_loop()
        # When the loop itself stood still, what arrived meanwhile is read first.
        self._handle = loop.call_later(seconds, loop.call_soon, self._expire)

    def cancel(self) -> None:
        self._handle.cancel()

    def _expire(self) -> None:
        if self._future.done():
            return
        now = self._future.get_loop().time()
        quiet = self._wire.quiet_seconds(self._sent)
        if quiet < REPLY_SECONDS and now < self._end:
            self._start(min(REPLY_SECONDS - quiet, self._end - now))
            return
        self._future.set_exception(LinkDownError(f"Redis did not reply within {now - self._sent:.3g} s"))
        if quiet >= REPLY_SECONDS:
            self._wire.close("no reply")
