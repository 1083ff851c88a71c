"""One connection to Redis for publish, subscribe and commands, which reconnects automatically."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from c2casgiutils._outages import Outage
from c2casgiutils._periodic import PeriodicTask
from c2casgiutils._tasks import run_until_first_end
from c2casgiutils.redis_utils._names import describe
from c2casgiutils.redis_utils._wire import REPLY_SECONDS, Command, Connect, LinkDownError, ReplyError, Wire

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

__all__ = ["REPLY_SECONDS", "WRONG_SERVER", "WRONG_TYPE", "Command", "Link", "LinkDownError", "ReplyError"]

_LOGGER = logging.getLogger(__name__)

WRONG_SERVER = frozenset({"MOVED", "ASK", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY", "TRYAGAIN"})
"""Codes of errors after which the link must connect to another server."""
WRONG_TYPE = "WRONGTYPE"
"""Code of the error for a key with a value of another type than the command needs."""

_CONNECT_SECONDS = 5.0
_CHECK_SECONDS = 3.0
_MIN_BACKOFF_SECONDS = 0.05
_MAX_BACKOFF_SECONDS = 1.0
_STABLE_SECONDS = 5.0


class Link:
    """One connection that is reconnected whenever it is lost.

    Args:
        connect: Creates a connection, not connected yet, with the given parser class.
        on_message: Called with channel and data of each message; must be quick and must not raise.
        on_up: Called (in a task) each time all subscriptions are confirmed.
        on_down: Called each time the connection is lost.
        sharded: Use sharded publish and subscribe (Redis Cluster).
        is_right: Returns whether the connection still goes to the right server; called at each check.
        check_seconds: How often a silent connection is checked.
    """

    def __init__(
        self,
        connect: Connect,
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
        self._periodic = PeriodicTask("connection to Redis", check_seconds)
        self._channels: set[str] = set()
        self._wire: Wire | None = None
        self._task: asyncio.Task[None] | None = None
        self._established = asyncio.Event()
        self._closed = False
        self._clock_offset: float | None = None
        self._outage = Outage(
            _LOGGER,
            "Redis is unreachable (%s); reconnecting until it is back",
            "Redis is back after %.1f s, all subscriptions are restored",
        )
        self.last_error: str = ""

    @property
    def is_up(self) -> bool:
        """Return whether Redis is connected and every subscription confirmed."""
        return self._established.is_set() and self.is_running

    @property
    def is_running(self) -> bool:
        """Return whether the listener is running; a cancelled one is not."""
        return self._task is not None and not self._task.done()

    @property
    def connection(self) -> "AbstractConnection | None":
        """The connection while the link is up; other threads may read its address."""
        wire = self._wire
        return wire.connection if wire is not None and self.is_up else None

    @property
    def outage(self) -> tuple[str, float | None] | None:
        """Why Redis is unreachable, and for how many seconds once an attempt failed; `None` if it is not."""
        return None if self.is_up else (self.last_error or "not connected yet", self._outage.seconds)

    def describe_outage(self) -> str:
        """Return why there is no connection, in words for users."""
        return f"Redis is unreachable ({self.last_error or 'not connected yet'})"

    def now(self) -> float:
        """Return the time of Redis in seconds since 1970, or of this machine until Redis was reached."""
        return time.time() if self._clock_offset is None else time.monotonic() + self._clock_offset

    @property
    def has_clock(self) -> bool:
        """Return whether `now` is the time of Redis; `False` without the permission to read it."""
        return self._clock_offset is not None

    def start(self) -> None:
        """Start the listener on the running event loop."""
        self._closed = False
        self._periodic.start()
        self._task = asyncio.create_task(self._run(), name="c2casgiutils-redis-link")

    async def wait_up(self, seconds: float) -> bool:
        """Wait until the link is up, for at most the given time, and return whether it is."""
        if not self.is_up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._established.wait()
        return self.is_up

    async def aclose(self) -> None:
        """Stop the listener, and close the connection after pending writes."""
        await asyncio.sleep(0)  # lets commands sent in this iteration of the loop be written
        self.abort()
        if self._task is not None and self._task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([self._task])

    def abort(self) -> None:
        """Close at once, without waiting for the listener to end."""
        self._closed = True
        self._periodic.stop()
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()
        self.reset("closed")

    # Commands

    def send(self, *commands: Command, confirmation: bytes = b"") -> asyncio.Future[list[Any]]:
        """Send the commands; the future gets their replies, with errors as `ReplyError` values.

        Raises:
            LinkDownError: There is no connection, or too many commands are in flight.
        """
        return self._connected().send(commands, confirmation)

    async def execute(self, *commands: Command, seconds: float = REPLY_SECONDS) -> list[Any]:
        """Send commands and wait for their replies, for at most the given time.

        Raises:
            LinkDownError: Redis is unreachable or did not reply in time.
        """
        wire = self._connected()
        try:
            return await wire.reply(wire.send(commands), seconds)
        except LinkDownError as error:
            if wire.is_closed and wire is self._wire:
                self.reset(str(error))  # who tries again waits for the next connection
            raise

    def _connected(self) -> Wire:
        if self._wire is None or self._task is None or self._task.done():
            raise LinkDownError(self.describe_outage())
        if self._task.get_loop() is not asyncio.get_running_loop():
            raise LinkDownError("the connection belongs to another event loop")
        return self._wire

    async def subscribe(self, *channels: str) -> None:
        """Subscribe, now and after each reconnection; returns once Redis has confirmed.

        While Redis is unreachable or redirects to another server, the channels are only noted.

        Raises:
            ReplyError: Redis refused, for example because of missing permissions.
        """
        new = [channel for channel in channels if channel not in self._channels]
        self._channels.update(new)
        if not new or self._wire is None:
            return
        try:
            await self._confirm("SUBSCRIBE", new)
        except ReplyError as error:
            if error.code in WRONG_SERVER:
                self.reset(str(error))
                return
            self._channels.difference_update(new)
            raise

    async def unsubscribe(self, *channels: str) -> None:
        """Unsubscribe, now and after each reconnection."""
        known = [channel for channel in channels if channel in self._channels]
        self._channels.difference_update(known)
        if known and self._wire is not None:
            await self._confirm("UNSUBSCRIBE", known)

    async def _confirm(self, word: str, channels: list[str]) -> None:
        kind = f"{self._letter}{word}"
        wire = self._connected()
        future = wire.send(tuple((kind, channel) for channel in channels), kind.lower().encode())
        for reply in await wire.reply(future, REPLY_SECONDS):
            if isinstance(reply, ReplyError):
                raise reply

    # Listener

    async def _run(self) -> None:
        delay = 0.0
        while True:
            started = time.monotonic()
            try:
                await self._serve_once()
            except Exception as error:  # noqa: BLE001  # boundary of the listener: it reconnects after any error
                if not self._closed:
                    self._note_down(error)
            finally:
                self.reset("closed" if self._closed else self.describe_outage())
            if self._closed:  # a task group that fails while it is cancelled may swallow the cancellation
                return
            delay = self._next_delay(delay, served=time.monotonic() - started)
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311  # jitter

    @staticmethod
    def _next_delay(delay: float, *, served: float) -> float:
        """Return the delay before the next attempt: none at first, then doubling up to a maximum."""
        if served >= _STABLE_SECONDS:
            return 0.0
        return min(max(delay * 2, _MIN_BACKOFF_SECONDS), _MAX_BACKOFF_SECONDS)

    async def _serve_once(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    wire = await stack.enter_async_context(Wire.open(self._connect, self._on_message))
            except TimeoutError:
                raise LinkDownError(f"no connection within {_CONNECT_SECONDS:g} s") from None
            self._wire = wire
            await run_until_first_end(wire.read(), wire.write(), wire.wait_closed(), self._tend())

    async def _tend(self) -> None:
        """Restore all subscriptions, report that the link is up, and check it from time to time."""
        with self._periodic.run():
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
                with self._periodic.run():
                    await self._check()

    async def _call_on_up(self) -> None:
        try:
            await self._on_up()
        except Exception:
            _LOGGER.exception("The callback after a connection to Redis failed")

    async def _check(self) -> None:
        """Ask for time and role: shows that the server is alive and the right one, and sets the clock."""
        commands: list[Command] = [("TIME",), ("HELLO",), ("PING",)]
        sent = time.monotonic()
        replies = await self.execute(*commands, seconds=_CHECK_SECONDS)
        received = time.monotonic()
        if not isinstance(replies[0], ReplyError) and (self._clock_offset is None or received - sent < 1):
            seconds, microseconds = replies[0]
            self._clock_offset = int(seconds) + int(microseconds) / 1e6 - (sent + received) / 2
        if isinstance(replies[1], dict) and replies[1].get(b"role") == b"replica":
            raise LinkDownError("the server is a replica now")
        if isinstance(replies[2], ReplyError) and replies[2].code in WRONG_SERVER:
            raise LinkDownError(str(replies[2]))  # a server that is loading its data still serves subscribers
        wire = self._wire
        if self._is_right is not None and wire is not None and not await self._is_right(wire.connection):
            raise LinkDownError("another server is the master now")

    def _note_up(self) -> None:
        self._established.set()
        self._outage.end()

    def _note_down(self, error: BaseException) -> None:
        self.last_error = describe(error)
        self._outage.begin(self.last_error)

    def reset(self, reason: str) -> None:
        """Close the connection, and fail the commands that wait for a reply; a new one is opened at once."""
        if self._established.is_set():
            self._established.clear()
            self._on_down()
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close(reason)
