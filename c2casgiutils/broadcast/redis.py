"""The broadcaster for several processes, each with one connection to Redis."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from c2casgiutils import config, redis_utils
from c2casgiutils.broadcast import _codec, _metrics
from c2casgiutils.broadcast._audience import Audience
from c2casgiutils.broadcast._calls import Call
from c2casgiutils.broadcast._deputy import Deputy, deputy_channel
from c2casgiutils.broadcast._envelope import Envelopes
from c2casgiutils.broadcast._handlers import Callback
from c2casgiutils.broadcast._incoming import Incoming
from c2casgiutils.broadcast._outgoing import Outgoing
from c2casgiutils.broadcast.interface import Answers, BaseBroadcaster, encode
from c2casgiutils.broadcast.types import BroadcastError, BroadcastUnavailable
from c2casgiutils.instances import Presence
from c2casgiutils.redis_utils import _link as link_

_LOGGER = logging.getLogger(__name__)

_STARTUP_SECONDS = 0.9
_RECONNECT_GRACE_SECONDS = 0.1
_FORGET_SECONDS = 10.0
_MAX_TRIES = 2
_CHECK_SECONDS = 5.0
_CHECK_ROLE_SECONDS = 1.0

Hook = Callable[[], Awaitable[None]]


class RedisBroadcaster(BaseBroadcaster):
    """Sends messages to the handlers of all processes that use the same prefix on the same Redis.

    Args:
        presence: This process in the roster.
        hooks: Called after each connection, to read stored state again.
    """

    def __init__(self, presence: Presence | None = None, hooks: Sequence[Hook] = ()) -> None:
        super().__init__()
        settings = config.settings.redis
        self.presence: Presence = presence or Presence()
        self._hooks = hooks
        self._publish_word = "SPUBLISH" if settings.cluster else "PUBLISH"
        self._prefix = redis_utils.scoped("")
        self._envelopes = Envelopes(settings.broadcast_secret)
        self._incoming = Incoming(
            self.presence,
            self._prefix,
            self._envelopes,
            self.handlers,
            now=self._now,
            publish=self._publish_answer,
        )
        self._ready = asyncio.Event()
        self._restoring: set[asyncio.Task[None]] = set()
        has_roles = bool(settings.sentinels or settings.cluster)
        self.link: link_.Link = link_.Link(
            redis_utils.create_link_connection,
            on_message=self._incoming.take,
            on_up=self._on_up,
            on_down=lambda: _metrics.set_connected(False),
            sharded=settings.cluster,
            is_right=redis_utils.is_master_connection if settings.sentinels else None,
            check_seconds=_CHECK_ROLE_SECONDS if has_roles else _CHECK_SECONDS,
        )
        self._outgoing = Outgoing(self.presence.id, self.link)

    def _now(self) -> float | None:
        return self.link.now() if self.link.has_clock else None

    @property
    def is_started(self) -> bool:
        """See `BaseBroadcaster.is_started`; a listener that was cancelled must be started again."""
        return self.link.is_running

    @property
    def is_listening(self) -> bool:
        """Return whether Redis has confirmed every subscription."""
        return self.link.is_up

    async def init(self) -> None:
        """Connect, subscribe and enter the roster; if Redis is unreachable, this continues in the background.

        Raises:
            ValueError: The Redis settings are invalid.
        """
        if not self.link.is_running:
            _metrics.set_connected(False)
            own = (self._incoming.inbox, self.presence.roster.channels.all)
            await self.link.subscribe(*own, *map(self._channel, self.handlers.callbacks))
            self.presence.channels.update(self.handlers.callbacks)
            self.link.start()
        try:
            async with asyncio.timeout(_STARTUP_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            _LOGGER.debug("Redis is unreachable; starting without it")

    async def subscribe(self, channel: str, callback: Callback) -> None:
        """See `BaseBroadcaster.subscribe`; returns once Redis has confirmed the subscription.

        Raises:
            BroadcastError: Redis refused the subscription, for example because of missing permissions.
        """
        self.handlers.callbacks[channel] = callback
        try:
            await self.link.subscribe(self._channel(channel))
        except link_.ReplyError as error:
            self.handlers.callbacks.pop(channel, None)
            raise BroadcastError(f"Redis refused the subscription to {channel!r}: {error}") from None
        except link_.LinkDownError as error:
            _LOGGER.debug("The subscription to %r is delayed until Redis is reachable: %s", channel, error)
        if channel not in self.presence.channels:
            self.presence.channels.add(channel)
            await self.presence.announce()

    async def unsubscribe(self, channel: str) -> None:
        """See `BaseBroadcaster.unsubscribe`."""
        if self.handlers.callbacks.pop(channel, None) is None:
            return
        self.presence.channels.discard(channel)
        await self.presence.announce()
        try:
            await self.link.unsubscribe(self._channel(channel))
        except (link_.ReplyError, link_.LinkDownError) as error:
            _LOGGER.debug("Could not unsubscribe from %r: %s", channel, error)

    async def send(self, channel: str, payload: bytes, *, timeout: float) -> None:
        """See `BaseBroadcaster.send`."""
        end = time.monotonic() + timeout
        header = self._outgoing.header(max(timeout, _FORGET_SECONDS))
        name = self._channel(channel)
        await self._publish({name: self._envelopes.seal(name, header, payload)}, end)

    def deputy(self, channel: str) -> Deputy:
        """Return what answers the questions on a channel in another thread, see `ask`."""
        name = deputy_channel(self._channel(channel))
        answered = self._incoming.questions.answered
        return Deputy(name, self.presence, self._envelopes, now=self._now, answered=answered)

    def seal(self, channel: str, params: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return a message as published by `send`, for a Lua script that publishes it.

        Args:
            channel: Name of the channel.
            params: Keyword parameters of the handlers.

        Returns:
            The name of the channel in Redis, and the message.

        Raises:
            BroadcastError: The parameters cannot be sent or are too large.
        """
        name = self._channel(channel)
        return name, self._envelopes.seal(
            name, self._outgoing.header(_FORGET_SECONDS), encode(channel, params)
        )

    async def ask(
        self,
        channel: str,
        payload: bytes,
        *,
        timeout: float,
        to: Collection[str] | None = None,
        decode: Callable[[bytes], Any] = _codec.decode,
        with_blocked: bool = False,
    ) -> Answers:
        """See `BaseBroadcaster.ask`."""
        end = time.monotonic() + timeout
        name = self._channel(channel)
        header = self._outgoing.header(timeout, reply_to=self._incoming.inbox, to=to)
        messages = {name: self._envelopes.seal(name, header, payload)}
        if with_blocked:
            name = deputy_channel(name)
            messages[name] = self._envelopes.seal(name, header, payload)
        call = self._incoming.calls[header.id] = Call()
        try:
            audience = Audience(self.presence, channel, to, with_blocked=with_blocked)
            await self._ask(call, audience, messages, end)
            await call.wait(end - time.monotonic())
            if call.is_waiting:
                await audience.mark_left(call, self.link)
        finally:
            del self._incoming.calls[header.id]
        return Answers(call.result(decode), audience.lost, audience.currency)

    async def _ask(self, call: Call, audience: Audience, messages: Mapping[str, bytes], end: float) -> None:
        """Publish the messages, and find out in the same round trip which processes will answer."""
        *_, currency, counts = await self._publish(messages, end, audience.commands)
        token = audience.needs_reading(currency)
        if self.presence.roster.is_missing:
            self.presence.beat_soon()
        if token is not None:
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    (counts,) = await self.link.execute(await audience.read_again(token))
            except (link_.LinkDownError, TimeoutError) as error:
                _LOGGER.debug("Could not read the roster and count the connections: %s", error)
                counts = None
        audience.set_expected(call, counts)

    async def _publish(
        self, messages: Mapping[str, bytes], end: float, more: Sequence[link_.Command] = ()
    ) -> list[Any]:
        """Publish messages by channel, and retry once if the connection is lost; receivers drop duplicates.

        Returns:
            The numbers of receivers, and the replies to the other commands.

        Raises:
            BroadcastUnavailable: Redis is unreachable or refuses the message.
        """
        channel = next(iter(messages))
        commands = [*((self._publish_word, *message) for message in messages.items()), *more]
        problem = ""
        for _ in range(_MAX_TRIES):
            if not self.link.is_running:
                problem = "the listener was stopped; call startup() again"
                break
            left = end - time.monotonic()
            if left <= 0:
                problem = problem or "no time left"
                break
            if not await self.link.wait_up(min(_RECONNECT_GRACE_SECONDS, left)):
                problem = self.link.describe_outage()
                break
            try:
                replies = await self.link.execute(*commands, seconds=end - time.monotonic())
            except link_.LinkDownError as error:
                problem = str(error)
                continue
            if not isinstance(replies[0], link_.ReplyError):
                _metrics.count("sent")
                return replies
            problem = f"Redis refused: {replies[0]}"
            if replies[0].code not in link_.WRONG_SERVER:
                break
            self.link.reset(problem)
        raise BroadcastUnavailable(f"the message to {channel!r} was not sent: {problem}")

    def _publish_answer(self, channel: str, message: bytes) -> None:
        try:
            self.link.send((self._publish_word, channel, message))
        except link_.LinkDownError as error:
            _LOGGER.debug("Could not send an answer: %s", error)

    def _channel(self, name: str) -> str:
        return self._prefix + name

    async def _on_up(self) -> None:
        _metrics.set_connected(True)
        _metrics.count("reconnects", 1 if self._ready.is_set() else 0)
        await self.presence.announce()
        await asyncio.gather(*map(self._restore, self._hooks))
        self._ready.set()

    async def _restore(self, hook: Hook) -> None:
        try:
            await hook()
        except Exception:
            _LOGGER.exception("Could not read the stored state again")

    def restore_soon(self, hook: Hook) -> None:
        """Call a hook that was registered late; if the connection is down, `_on_up` will call it."""
        if self.link.is_up:
            task = asyncio.get_running_loop().create_task(self._restore(hook))
            self._restoring.add(task)
            task.add_done_callback(self._restoring.discard)

    # Shutdown

    async def aclose(self) -> None:
        """Stop hooks, handlers and the listener, and close the connection."""
        for task in self._restoring:
            task.cancel()
        if self._restoring:
            await asyncio.wait(self._restoring)
        await self.handlers.aclose()
        await self.link.aclose()
        _metrics.set_connected(False)

    def abort(self) -> None:
        """Stop everything at once, without waiting."""
        self.handlers.abort()
        self.link.abort()
