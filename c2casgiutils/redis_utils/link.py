"""One connection to Redis that publishes, listens and asks, and comes back by itself.

RESP3 lets one connection carry commands, their replies and the messages of subscriptions. Commands are
written at once and matched to the replies in their order, so any number of them may be under way.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from c2casgiutils.redis_utils._names import describe
from c2casgiutils.redis_utils._resp import Command, Decoder, ProtocolError, Push, ReplyError, pack

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

__all__ = ["Command", "Link", "LinkDownError", "ReplyError"]

_LOGGER = logging.getLogger(__name__)

REPLY_SECONDS = 2.0
_CONNECT_SECONDS = 5.0
_BACKOFF_FIRST = 0.05
_BACKOFF_CAP = 1.0
_STABLE_SECONDS = 5.0
_MAX_PENDING = 20_000
_MAX_UNSENT_BYTES = 64 * 1024 * 1024
_READ_BYTES = 1 << 18


class LinkDownError(Exception):
    """Redis is away, or did not reply in time."""


@dataclass(slots=True)
class _Pending:
    """Commands whose replies are awaited."""

    future: asyncio.Future[list[Any]]
    missing: int
    confirmation: bytes = b""
    replies: list[Any] = field(default_factory=list)


class Link:
    """One connection, connected again whenever it is lost.

    Args:
        connect: Makes a connection that is not connected yet.
        on_message: Called with channel and data of each message; must be quick and must not raise.
        on_up: Called (in a task of its own) each time all subscriptions are confirmed.
        on_down: Called each time the connection is lost.
        sharded: Use sharded publish and subscribe (Redis Cluster).
        is_right: Tells at each check whether the connection still goes to the right server.
        check_seconds: How often a silent connection is tried out.
    """

    def __init__(
        self,
        connect: "Callable[[], Awaitable[AbstractConnection]]",
        *,
        on_message: Callable[[str, bytes], None],
        on_up: Callable[[], Awaitable[None]],
        on_down: Callable[[], object] = lambda: None,
        sharded: bool = False,
        is_right: "Callable[[AbstractConnection], Awaitable[bool]] | None" = None,
        check_seconds: float = 5,
    ) -> None:
        self._connect = connect
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._letter = "S" if sharded else ""
        self._is_right = is_right
        self._check_seconds = check_seconds
        self._channels: set[str] = set()
        self._pending: deque[_Pending] = deque()
        self._unsent: list[bytes] = []
        self._corked = False
        self._connection: AbstractConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._established = asyncio.Event()
        self._closed = False
        self._last_received = 0.0
        self._clock_offset: float | None = None
        self._outage_since: float | None = None
        self.reconnects = 0
        self.last_error = ""

    @property
    def is_up(self) -> bool:
        """Tell whether Redis is connected and every subscription confirmed."""
        return self._established.is_set() and self.is_running

    @property
    def is_running(self) -> bool:
        """Tell whether the listener lives; a cancelled one does not."""
        return self._task is not None and not self._task.done()

    def now(self) -> float:
        """The time of Redis as seconds since 1970; the own clock as long as Redis was never reached."""
        return time.time() if self._clock_offset is None else time.monotonic() + self._clock_offset

    @property
    def has_clock(self) -> bool:
        """Tell whether `now` is the time of Redis; not so without the right to ask for it."""
        return self._clock_offset is not None

    def start(self) -> None:
        """Start the listener on the running event loop."""
        self._closed = False
        self._task = asyncio.create_task(self._run(), name="c2casgiutils-redis-link")

    async def wait_up(self, seconds: float) -> bool:
        """Wait until the link is up, at most so long, and tell whether it is."""
        if not self.is_up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._established.wait()
        return self.is_up

    async def aclose(self) -> None:
        """Stop the listener and close the connection, after what was sent."""
        self._flush()
        self.abort()
        if self._task is not None and self._task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([self._task])

    def reset(self, reason: str) -> None:
        """Close the connection; a new one follows at once."""
        self._drop(reason)

    def abort(self) -> None:
        """Close at once, without waiting for the listener's end."""
        self._closed = True
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()
        self._drop("closed")

    # Commands

    def send(self, *commands: Command, confirmation: bytes = b"") -> asyncio.Future[list[Any]]:
        """Write the commands now; the future gets their replies, errors included as `ReplyError` values.

        Raises:
            LinkDownError: There is no connection, or too much is under way.
        """
        connection = self._connection
        if connection is None or not self.is_running:
            raise LinkDownError(self.last_error or "not connected")
        writer = connection._writer  # noqa: SLF001  # redis-py has no public way to its streams
        if writer is None or writer.is_closing():
            raise LinkDownError("the connection is closing")
        if len(self._pending) >= _MAX_PENDING or writer.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            raise LinkDownError("too many commands are waiting for Redis")
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._pending.append(_Pending(future, len(commands), confirmation))
        data = pack(commands)
        if self._corked:
            self._unsent.append(data)
            return future
        self._corked = True
        asyncio.get_running_loop().call_soon(self._flush)
        writer.write(data)
        return future

    def _flush(self) -> None:
        """Write what was sent in the same turn of the event loop as one piece."""
        self._corked = False
        if not self._unsent:
            return
        data = b"".join(self._unsent)
        self._unsent.clear()
        if self._connection is not None and self._connection._writer is not None:  # noqa: SLF001  # see send
            self._connection._writer.write(data)  # noqa: SLF001  # see send

    async def execute(self, *commands: Command, seconds: float = REPLY_SECONDS) -> list[Any]:
        """Send commands and wait for their replies, at most so long.

        Raises:
            LinkDownError: Redis is away or did not reply in time.
        """
        return await self._reply(self.send(*commands), seconds)

    async def _reply(self, future: asyncio.Future[list[Any]], seconds: float) -> list[Any]:
        loop = asyncio.get_running_loop()
        # When the loop itself stood still, what arrived meanwhile is read first.
        handle = loop.call_later(seconds, loop.call_soon, self._expire, future, seconds)
        try:
            return await future
        finally:
            handle.cancel()

    def _expire(self, future: asyncio.Future[list[Any]], seconds: float) -> None:
        if future.done():
            return
        future.set_exception(LinkDownError(f"Redis did not reply within {seconds:.3g} s"))
        if time.monotonic() - self._last_received >= REPLY_SECONDS <= seconds:
            self._drop("no reply")

    async def subscribe(self, *channels: str) -> None:
        """Subscribe, now and after each reconnection; returns when Redis has confirmed.

        While Redis is away it only notes the channels.

        Raises:
            ReplyError: Redis refused, for example because of access rights.
        """
        new = [channel for channel in channels if channel not in self._channels]
        self._channels.update(new)
        if not new or self._connection is None:
            return
        try:
            await self._confirm("SUBSCRIBE", new)
        except ReplyError:
            self._channels.difference_update(new)
            raise

    async def unsubscribe(self, *channels: str) -> None:
        """Unsubscribe, now and for good."""
        known = [channel for channel in channels if channel in self._channels]
        self._channels.difference_update(known)
        if known and self._connection is not None:
            await self._confirm("UNSUBSCRIBE", known)

    async def _confirm(self, word: str, channels: list[str]) -> None:
        kind = f"{self._letter}{word}"
        future = self.send(*((kind, channel) for channel in channels), confirmation=kind.lower().encode())
        for reply in await self._reply(future, REPLY_SECONDS):
            if isinstance(reply, ReplyError):
                raise reply

    # Listener

    async def _run(self) -> None:
        delay = 0.0
        while not self._closed:
            started = time.monotonic()
            try:
                await self._serve_once()
            except Exception as error:  # noqa: BLE001  # boundary of the listener: whatever it was, it tries again
                if not self._closed:
                    self._note_down(error)
            finally:
                self._drop(self.last_error or "closed")
            if self._closed:  # a task group that fails while it is cancelled may swallow the cancellation
                return
            delay = self._next_delay(delay, served=time.monotonic() - started)
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311  # jitter

    @staticmethod
    def _next_delay(delay: float, *, served: float) -> float:
        """The first try after a loss comes at once, then the waits double up to the cap."""
        if served >= _STABLE_SECONDS:
            return 0.0
        return min(max(delay * 2, _BACKOFF_FIRST), _BACKOFF_CAP)

    async def _serve_once(self) -> None:
        async with asyncio.timeout(_CONNECT_SECONDS):
            connection = await self._connect()
            try:
                await connection.connect()  # type: ignore[no-untyped-call]  # redis-py
            except BaseException:
                connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001  # no public way without await
                raise
        self._connection = connection
        reader = connection._reader  # noqa: SLF001  # see send
        if reader is None:
            raise LinkDownError("closed while connecting")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(reader))
            group.create_task(self._tend())

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Only parse and dispatch."""
        decoder = Decoder()
        while data := await reader.read(_READ_BYTES):
            self._last_received = time.monotonic()
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

    async def _tend(self) -> None:
        """Subscribe to everything, tell that the link is up, then watch it."""
        await self._check()
        while missing := list(self._channels):
            await self._confirm("SUBSCRIBE", missing)
            if self._channels <= set(missing):
                break
        self._note_up()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._call_on_up())
            while True:
                await asyncio.sleep(self._check_seconds * random.uniform(0.9, 1))  # noqa: S311  # jitter
                await self._check()

    async def _call_on_up(self) -> None:
        try:
            await self._on_up()
        except Exception:
            _LOGGER.exception("What has to be done after each connection to Redis failed")

    async def _check(self) -> None:
        """Ask for time and role: shows that the link lives and is the right one; sets the clock."""
        commands: list[Command] = [("TIME",), ("HELLO",)]
        sent = time.monotonic()
        replies = await self.execute(*commands, seconds=_CONNECT_SECONDS - REPLY_SECONDS)
        received = time.monotonic()
        if not isinstance(replies[0], ReplyError) and (self._clock_offset is None or received - sent < 1):
            seconds, microseconds = replies[0]
            self._clock_offset = int(seconds) + int(microseconds) / 1e6 - (sent + received) / 2
        if isinstance(replies[1], dict) and replies[1].get(b"role") == b"replica":
            raise LinkDownError("the server is a replica now")
        if self._is_right is not None and self._connection and not await self._is_right(self._connection):
            raise LinkDownError("another server is the master now")

    def _note_up(self) -> None:
        self._established.set()
        if self._outage_since is not None:
            _LOGGER.warning(
                "Redis is back after %.1f s, all subscriptions are restored",
                time.monotonic() - self._outage_since,
            )
            self.reconnects += 1
            self._outage_since = None

    def _note_down(self, error: BaseException) -> None:
        self.last_error = describe(error)
        if self._outage_since is None:
            self._outage_since = time.monotonic()
            _LOGGER.warning("Redis is away (%s); trying again until it is back", self.last_error)

    def _drop(self, reason: str) -> None:
        """Close the connection, fail what waits for a reply."""
        if self._established.is_set():
            self._established.clear()
            self._on_down()
        connection, self._connection = self._connection, None
        self._unsent.clear()
        while self._pending:
            future = self._pending.popleft().future
            if not future.done() and not future.get_loop().is_closed():
                future.set_exception(LinkDownError(reason))
                future.exception()
        if connection is None:
            return
        writer = connection._writer  # noqa: SLF001  # see send
        if writer is not None and self._task is not None and not self._task.get_loop().is_closed():
            writer.transport.abort()
            connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001  # no public way without await
