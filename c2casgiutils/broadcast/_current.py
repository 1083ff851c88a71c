"""The broadcaster of the running event loop, from start-up to shutdown."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from c2casgiutils import config, instances, redis_utils
from c2casgiutils._process import PerLoop
from c2casgiutils.broadcast._handlers import Callback
from c2casgiutils.broadcast.interface import BaseBroadcaster
from c2casgiutils.broadcast.local import LocalBroadcaster
from c2casgiutils.broadcast.redis import Hook, RedisBroadcaster
from c2casgiutils.broadcast.types import BroadcastError, BroadcastUnavailable

_LOGGER = logging.getLogger(__name__)
_FIGURE = "broadcast_queue"


class _State:
    """The broadcaster of each event loop, and the subscriptions and hooks, which are kept across restarts."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callback] = {}
        self.hooks: list[Hook] = []
        self.uses_redis = False
        self.broadcasters: PerLoop[BaseBroadcaster] = PerLoop(
            lambda: LocalBroadcaster(self.callbacks), on_drop=lambda broadcaster: broadcaster.abort()
        )


_STATE = _State()


async def startup(app: Any = None) -> None:
    """Start the broadcast: connect to Redis if configured, restore all subscriptions, and enter the roster.

    Does nothing if it is already started on this event loop. If Redis is unreachable, this returns after one
    second and the connection is made in the background.

    Args:
        app: The application; its `title` and `version` are shown in the roster.

    Raises:
        ConfigurationError: The Redis settings are invalid.
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
            "Started on another event loop of this process, too: each loop is a separate instance in the "
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
        return LocalBroadcaster(dict(_STATE.callbacks))  # a copy: other event loops have their own
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
    """Leave the roster, cancel running handlers, and close the connection; subscriptions are kept."""
    broadcaster = _STATE.broadcasters.pop()
    if broadcaster is None:
        return
    if not _runs_elsewhere():
        _STATE.uses_redis = False
        instances.unregister_figure(_FIGURE)
    await instances.shutdown()
    await broadcaster.aclose()


def cleanup() -> None:
    """Forget everything, subscriptions included; the next `startup` reads the settings again.

    Synchronous, for tests and after a fork. Use `shutdown` for an orderly end.
    """
    for broadcaster in _STATE.broadcasters.clear().values():
        broadcaster.abort()
    _STATE.callbacks.clear()
    _STATE.hooks.clear()
    _STATE.uses_redis = False
    instances.unregister_figure(_FIGURE)
    instances.cleanup()


def current() -> BaseBroadcaster:
    """Return the current broadcaster.

    Raises:
        BroadcastUnavailable: The Redis broadcaster belongs to another event loop or to the parent process.
    """
    broadcaster = _STATE.broadcasters.get()
    if _STATE.uses_redis and not (isinstance(broadcaster, RedisBroadcaster) and broadcaster.is_started):
        raise BroadcastUnavailable(
            "the broadcast was started on another event loop or in the parent process, or its listener was "
            "cancelled: call broadcast.startup() again"
        )
    return broadcaster


def redis_broadcaster() -> RedisBroadcaster | None:
    """Return the current broadcaster if it uses Redis, for layers that store data there.

    Raises:
        BroadcastUnavailable: See `current`.
    """
    broadcaster = current()
    return broadcaster if isinstance(broadcaster, RedisBroadcaster) else None


def is_started() -> bool:
    """Return whether the broadcast is started on the running event loop, or on any if called in a thread."""
    return _STATE.broadcasters.nearest().is_started


def now() -> float:
    """Return the time of Redis, without Redis that of this process, in seconds since 1970."""
    broadcaster = _STATE.broadcasters.nearest()
    return broadcaster.link.now() if isinstance(broadcaster, RedisBroadcaster) else time.time()


def is_listening() -> bool | None:
    """Return whether Redis has confirmed every subscription; `None` if Redis is not used.

    `False` means that this process does not receive the messages of the others.
    """
    broadcaster = _STATE.broadcasters.nearest()
    if isinstance(broadcaster, RedisBroadcaster):
        return broadcaster.is_listening
    return False if _STATE.uses_redis else None


def on_restore(hook: Callable[[], Awaitable[None]]) -> None:
    """Register a hook that is called after each connection to Redis, the first one included.

    Use it to read stored state again. A hook that is already registered is not added twice. If the connection
    is up, the hook is called at once, in a task. Without Redis, hooks are never called.

    Args:
        hook: A coroutine function; exceptions are logged.
    """
    if hook in _STATE.hooks:
        return
    _STATE.hooks.append(hook)
    broadcaster = _STATE.broadcasters.peek()
    if isinstance(broadcaster, RedisBroadcaster):
        broadcaster.restore_soon(hook)


async def subscribe(channel: str, callback: Callback) -> None:
    """Subscribe to a channel; a channel has one callback.

    Args:
        channel: Name of the channel.
        callback: A coroutine function, called with the parameters of each message as keywords; its return
            value is the answer of this process.

    Raises:
        BroadcastError: Redis refused the subscription.
    """
    await current().subscribe(channel, callback)
    _STATE.callbacks[channel] = callback


def subscribe_at_startup(channel: str, callback: Callback) -> None:
    """Subscribe to a channel before the broadcast starts; see `subscribe`.

    Raises:
        BroadcastError: It has started already.
    """
    if is_started():
        raise BroadcastError(f"the broadcast has started: await subscribe or decorate for {channel!r}")
    _STATE.callbacks[channel] = callback


async def unsubscribe(channel: str) -> None:
    """Remove the callback of a channel; an unknown channel is ignored."""
    _STATE.callbacks.pop(channel, None)
    await current().unsubscribe(channel)
