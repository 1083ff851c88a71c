"""The broadcaster of the running event loop, from start-up to shutdown."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from c2casgiutils import config, instances, redis_utils
from c2casgiutils._process import PerLoop
from c2casgiutils.broadcast._handlers import Callback
from c2casgiutils.broadcast.interface import BaseBroadcaster
from c2casgiutils.broadcast.local import LocalBroadcaster
from c2casgiutils.broadcast.redis import Hook, RedisBroadcaster
from c2casgiutils.broadcast.types import BroadcastUnavailable

_LOGGER = logging.getLogger(__name__)
_FIGURE = "broadcast_queue"


class _State:
    """What this process registered, which outlives each broadcaster, and the broadcasters."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callback] = {}
        self.hooks: list[Hook] = []
        self.uses_redis = False
        self.broadcasters: PerLoop[BaseBroadcaster] = PerLoop(
            lambda: LocalBroadcaster(self.callbacks), on_drop=lambda broadcaster: broadcaster.abort()
        )


_STATE = _State()


async def startup(app: Any = None) -> None:
    """Start: connect to Redis when it is configured, move the subscriptions there, and enter the roster.

    Does nothing when that was done on this event loop. Redis being unreachable is no error: the start lasts
    at most one second and the connection follows.

    Args:
        app: The application; its `title` and `version` are told in the roster.

    Raises:
        ConfigurationError: The settings of Redis are wrong.
    """
    previous = _STATE.broadcasters.peek()
    if previous is not None and previous.is_started:
        await previous.init()
        return
    redis_utils.check_settings()
    if previous is not None:
        previous.abort()
    if _runs_elsewhere():
        _LOGGER.warning(
            "Started on another event loop of this process, too: each loop is an instance of its own in the "
            "cluster, with the same channels"
        )
    broadcaster = _STATE.broadcasters.set(_create(app))
    instances.register_figure(_FIGURE, _queue_length)
    instances.startup(broadcaster.link if isinstance(broadcaster, RedisBroadcaster) else None)
    await broadcaster.init()


def _create(app: Any) -> BaseBroadcaster:
    presence = instances.create_presence(app)
    _STATE.uses_redis = redis_utils.is_configured()
    if not _STATE.uses_redis:
        return LocalBroadcaster(dict(_STATE.callbacks))  # another event loop may have one too
    for danger in config.redis_dangers(config.settings.redis):
        _LOGGER.warning(danger)
    broadcaster = RedisBroadcaster(presence, _STATE.hooks)
    broadcaster.handlers.callbacks.update(_STATE.callbacks)
    return broadcaster


def _runs_elsewhere() -> bool:
    return any(broadcaster.is_started for broadcaster in _STATE.broadcasters.elsewhere())


def _queue_length() -> int:
    return _STATE.broadcasters.nearest().handlers.queue_length


async def shutdown() -> None:
    """Leave the roster, cancel the handlers that run, and close the connection; registrations are kept."""
    broadcaster = _STATE.broadcasters.pop()
    if broadcaster is None:
        return
    if not _runs_elsewhere():
        _STATE.uses_redis = False
        instances.unregister_figure(_FIGURE)
    await instances.shutdown()
    await broadcaster.aclose()


def cleanup() -> None:
    """Forget everything, subscriptions included; the next `startup` starts afresh from the settings of then.

    Synchronous, for tests and after a fork. `shutdown` is the orderly end.
    """
    for broadcaster in _STATE.broadcasters.clear().values():
        broadcaster.abort()
    _STATE.callbacks.clear()
    _STATE.hooks.clear()
    _STATE.uses_redis = False
    instances.unregister_figure(_FIGURE)
    instances.cleanup()


def current() -> BaseBroadcaster:
    """Return the broadcaster to use now.

    Raises:
        BroadcastUnavailable: The one with Redis belongs to another event loop or to the parent process.
    """
    broadcaster = _STATE.broadcasters.get()
    if _STATE.uses_redis and not (isinstance(broadcaster, RedisBroadcaster) and broadcaster.is_started):
        raise BroadcastUnavailable(
            "the broadcast was started on another event loop or in the parent process, or its listener was "
            "cancelled: call broadcast.startup() again"
        )
    return broadcaster


def redis_broadcaster() -> RedisBroadcaster | None:
    """Return the broadcaster to use now if it has Redis, for layers that store something there.

    Raises:
        BroadcastUnavailable: See `current`.
    """
    broadcaster = current()
    return broadcaster if isinstance(broadcaster, RedisBroadcaster) else None


def is_started() -> bool:
    """Return whether `startup` was called on the running event loop of this process, and nothing ended it."""
    broadcaster = _STATE.broadcasters.peek()
    return broadcaster is not None and broadcaster.is_started


def is_listening() -> bool | None:
    """Return whether every subscription is confirmed by Redis now; `None` when no Redis is used.

    `False` means that messages of the other processes do not reach this one.
    """
    broadcaster = _STATE.broadcasters.nearest()
    if isinstance(broadcaster, RedisBroadcaster):
        return broadcaster.is_listening
    return False if _STATE.uses_redis else None


def on_restore(hook: Callable[[], Awaitable[None]]) -> None:
    """Call the hook after each connection to Redis, the first one included, to read stored state again.

    A hook that is registered already is not registered twice. One that comes while the connection is up is
    called at once, in a task. Hooks are never called without Redis.

    Args:
        hook: A coroutine function; what it raises is logged.
    """
    if hook in _STATE.hooks:
        return
    _STATE.hooks.append(hook)
    broadcaster = _STATE.broadcasters.peek()
    if isinstance(broadcaster, RedisBroadcaster):
        broadcaster.restore_soon(hook)


async def subscribe(channel: str, callback: Callback) -> None:
    """Call the callback with the parameters (as keywords) of each message; one callback per channel.

    Args:
        channel: Name of the channel.
        callback: A coroutine function; what it returns is the answer of this process.

    Raises:
        BroadcastError: Redis refused.
    """
    await current().subscribe(channel, callback)
    _STATE.callbacks[channel] = callback


async def unsubscribe(channel: str) -> None:
    """Remove the callback of a channel; an unknown channel is no error."""
    _STATE.callbacks.pop(channel, None)
    await current().unsubscribe(channel)
