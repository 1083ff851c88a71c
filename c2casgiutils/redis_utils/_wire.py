"""Commands, replies and messages on one connection of redis-py.

With RESP3, one connection carries commands, their replies and the messages of subscriptions. Many commands
can be in flight: those sent in one iteration of the event loop are written together, and replies are matched
by their order. `docs/development.md` explains why this is not `pubsub()` beside `pipeline()`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import hiredis

from c2casgiutils._errors import C2cError

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

Command = tuple[str | bytes | int | float, ...]
Connect = Callable[[type[Any]], "Awaitable[AbstractConnection]"]
"""Creates a connection, not connected yet, with the given parser class."""

REPLY_SECONDS = 2.0
_MAX_PENDING = 20_000
_MAX_UNSENT_BYTES = 64 * 1024 * 1024


class LinkDownError(C2cError):
    """Redis is unreachable, or did not reply in time."""


class ReplyError(C2cError):
    """An error reply of the server, for example `NOPERM this user has no permissions ...`."""

    @property
    def code(self) -> str:
        """The first word, for example `NOPERM`, `MOVED` or `READONLY`."""
        return str(self).partition(" ")[0]


class Push(list[Any]):
    """Data sent by the server on its own: a message, or the confirmation of a subscription."""


@dataclass(slots=True)
class _Pending:
    """Commands that wait for their replies."""

    future: asyncio.Future[list[Any]]
    missing: int
    confirmation: bytes
    replies: list[Any] = field(default_factory=list)


class Wire:
    """One connection, opened by `open`; its owner runs `read`, `write` and `wait_closed` until one raises.

    Args:
        on_message: Called with channel and data of each message; must be quick and must not raise.
    """

    connection: "AbstractConnection"

    def __init__(self, on_message: Callable[[str, bytes], None]) -> None:
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._pending: deque[_Pending] = deque()
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._has_unsent = asyncio.Event()
        self._last_received = 0.0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, connect: Connect, on_message: Callable[[str, bytes], None]) -> AsyncIterator[Self]:
        """Connect and authenticate; disconnect at the end of the block."""
        from redis.exceptions import TimeoutError as RedisTimeoutError

        from c2casgiutils.redis_utils._parser import create_parser_class

        wire = cls(on_message)
        wire.connection = await connect(create_parser_class(wire._note_received))
        try:
            await wire.connection.connect()  # type: ignore[no-untyped-call]  # redis-py
            yield wire
        finally:
            with contextlib.suppress(RedisTimeoutError):  # Redis does not read what is left
                await wire.connection.disconnect()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.done()

    def send(self, commands: tuple[Command, ...], confirmation: bytes = b"") -> asyncio.Future[list[Any]]:
        """Send the commands; the future gets their replies, with errors as `ReplyError` values.

        Args:
            commands: The commands.
            confirmation: For commands of subscriptions, the kind of push that confirms them.

        Raises:
            LinkDownError: The connection is lost, or too many commands are in flight.
        """
        if self._closed.done():
            raise LinkDownError("Redis is unreachable (the connection was lost)")
        if len(self._pending) >= _MAX_PENDING or self._unsent_bytes > _MAX_UNSENT_BYTES:
            raise LinkDownError("too many commands are waiting for Redis")
        # hiredis itself: redis-py packs in Python on asyncio connections, at eight times the cost
        packed = b"".join(map(hiredis.pack_command, commands))  # type: ignore[arg-type]  # typed as a 1-tuple
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self._pending.append(_Pending(future, len(commands), confirmation))
        self._unsent.append(packed)
        self._unsent_bytes += len(packed)
        self._has_unsent.set()
        return future

    async def write(self) -> None:
        """Write sent commands until the connection ends.

        Raises:
            LinkDownError: The connection ended.
            RedisError: The same, reported by redis-py.
        """
        while await self._has_unsent.wait():
            self._has_unsent.clear()
            packed, self._unsent = self._unsent, []
            size = self._unsent_bytes
            # redis-py would reconnect, without the subscriptions and with replies out of order
            if not self.connection.is_connected:
                raise LinkDownError("the connection was lost")
            await self.connection.send_packed_command(packed, check_health=False)
            self._unsent_bytes -= size

    async def read(self) -> None:
        """Parse and dispatch replies and messages until the connection ends.

        Raises:
            LinkDownError: Redis ended a subscription.
            RedisError: The connection ended, or received data is not valid RESP.
        """
        while True:
            try:
                item = await self.connection.read_response(
                    disable_decoding=True, disconnect_on_error=False, push_request=True
                )
            except ReplyError as error:
                self._take_reply(error)
                continue
            if isinstance(item, Push):
                self._take_push(item)
            else:
                self._take_reply(item)

    def _note_received(self) -> None:
        self._last_received = self._loop.time()

    def _take_push(self, push: Push) -> None:
        kind = push[0]
        if kind in {b"message", b"smessage"}:
            self._on_message(push[1].decode(errors="replace"), push[2])
        elif self._pending and self._pending[0].confirmation == kind:
            self._take_reply(push)
        elif kind in {b"unsubscribe", b"sunsubscribe"}:
            raise LinkDownError("Redis ended a subscription")

    def _take_reply(self, reply: Any) -> None:
        if self._closed.done():
            return  # nobody waits for it, and `wait_closed` says why
        if not self._pending:
            raise LinkDownError("Redis sent a reply without a command")
        pending = self._pending[0]
        pending.replies.append(reply)
        pending.missing -= 1
        if pending.missing:
            return
        self._pending.popleft()
        if not pending.future.done():
            pending.future.set_result(pending.replies)

    async def reply(self, future: asyncio.Future[list[Any]], seconds: float) -> list[Any]:
        """Wait for the replies, at most for the given time, or two seconds while nothing is received.

        Raises:
            LinkDownError: The connection is lost, or there was no reply in time.
        """
        now = self._loop.time()
        deadline = _Deadline(self, future, sent=now, end=now + seconds)
        try:
            return await future
        finally:
            deadline.cancel()

    def quiet_seconds(self, since: float) -> float:
        """Return for how long nothing has been received, not counting the time before `since`."""
        return self._loop.time() - max(self._last_received, since)

    async def wait_closed(self) -> None:
        """Wait until `close` is called.

        Raises:
            LinkDownError: With the reason given to `close`.
        """
        await self._closed

    def close(self, reason: str) -> None:
        """Reject further commands, and fail those that wait for a reply."""
        if self._loop.is_closed():
            return
        futures: list[asyncio.Future[Any]] = [self._closed, *(pending.future for pending in self._pending)]
        for future in futures:
            if not future.done():
                future.set_exception(LinkDownError(reason))
                future.exception()  # marks the exception as retrieved
        self._pending.clear()
        self._unsent.clear()


class _Deadline:
    """The timeout of a reply."""

    __slots__ = ("_end", "_future", "_handle", "_sent", "_wire")

    def __init__(self, wire: Wire, future: asyncio.Future[list[Any]], *, sent: float, end: float) -> None:
        self._wire = wire
        self._future = future
        self._sent = sent
        self._end = end
        self._start(min(REPLY_SECONDS, end - sent))

    def _start(self, seconds: float) -> None:
        loop = self._future.get_loop()
        # If the event loop itself was blocked, read what arrived in the meantime first.
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
            self._wire.close("Redis did not reply")
