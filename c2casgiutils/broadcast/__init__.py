"""Send a message to all processes of the application, and collect their answers.

Without Redis, or before `startup`, the messages stay in this process. The broadcaster belongs to the event
loop and the process that called `startup`; on another loop or after a fork `startup` must be called again.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar, overload

from c2casgiutils import config, instances, redis_utils
from c2casgiutils.broadcast import interface, local, redis, types, utils
from c2casgiutils.broadcast._decorated import Handler, create_caller, default_channel
from c2casgiutils.broadcast._handlers import Callback
from c2casgiutils.broadcast.interface import BaseBroadcaster
from c2casgiutils.broadcast.local import LocalBroadcaster
from c2casgiutils.broadcast.redis import Hook, RedisBroadcaster
from c2casgiutils.broadcast.types import (
    BroadcastError,
    BroadcastResponse,
    BroadcastUnavailable,
    ClusterReport,
    FailedAnswer,
    MissingAnswer,
)

__all__ = [
    "BaseBroadcaster",
    "BroadcastError",
    "BroadcastResponse",
    "BroadcastUnavailable",
    "ClusterReport",
    "FailedAnswer",
    "MissingAnswer",
    "broadcast",
    "cleanup",
    "decorate",
    "interface",
    "is_listening",
    "is_started",
    "local",
    "on_restore",
    "redis",
    "shutdown",
    "startup",
    "subscribe",
    "types",
    "unsubscribe",
    "utils",
]

_LOGGER = logging.getLogger(__name__)
_DEFAULT_PREFIX = "broadcast_api_"
_FIGURE = "broadcast_queue"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Slot:
    """The broadcaster of this process; a local one that nobody started belongs to no event loop."""

    broadcaster: BaseBroadcaster
    loop: asyncio.AbstractEventLoop | None
    pid: int

    @property
    def is_alive(self) -> bool:
        """Return whether it works on the running event loop of this process."""
        if self.pid != os.getpid() or self.loop is not asyncio.get_running_loop():
            return False
        return not isinstance(self.broadcaster, RedisBroadcaster) or self.broadcaster.link.is_running


_slot: _Slot | None = None
_hooks: list[Hook] = []
_inherited: list[_Slot] = []
"""Slots of the parent process: kept, because closing them would disturb the parent's connection."""


async def startup(app: Any = None) -> None:
    """Start: connect to Redis when it is configured, move the subscriptions there, and enter the roster.

    Does nothing when that was done on this event loop. Redis being away is no error: the start lasts at most
    one second and the connection follows.

    Args:
        app: The application; its `title` and `version` are told in the roster.

    Raises:
        ValueError: The settings of Redis are wrong.
    """
    global _slot  # noqa: PLW0603  # state of the process
    if _slot is not None and _slot.is_alive:
        await _slot.broadcaster.init()
        return
    redis_utils.get()  # wrong settings end the start here
    callbacks = dict(_slot.broadcaster.handlers.callbacks) if _slot is not None else {}
    _discard()
    presence = instances.create_presence(app)
    broadcaster: BaseBroadcaster
    if redis_utils.is_configured():
        _warn_of_default_prefix()
        broadcaster = RedisBroadcaster(presence, _hooks)
    else:
        broadcaster = LocalBroadcaster()
    broadcaster.handlers.callbacks.update(callbacks)
    _slot = _Slot(broadcaster, asyncio.get_running_loop(), os.getpid())
    instances.register_figure(_FIGURE, lambda: broadcaster.handlers.queue_length)
    instances.startup(app, broadcaster.link if isinstance(broadcaster, RedisBroadcaster) else None)
    await broadcaster.init()


async def shutdown() -> None:
    """Leave the roster, cancel the handlers that run, and close the connection; registrations are kept."""
    global _slot  # noqa: PLW0603  # state of the process
    slot = _slot
    if slot is None or slot.pid != os.getpid() or slot.loop is not asyncio.get_running_loop():
        return
    keep = LocalBroadcaster()
    keep.handlers.callbacks.update(slot.broadcaster.handlers.callbacks)
    _slot = _Slot(keep, None, os.getpid())
    instances.unregister_figure(_FIGURE)
    await instances.shutdown()
    await slot.broadcaster.aclose()


def cleanup() -> None:
    """Forget everything, subscriptions included; the next `startup` starts afresh from the settings of then.

    Synchronous, for tests and after a fork. `shutdown` is the orderly end.
    """
    global _slot  # noqa: PLW0603  # state of the process
    _discard()
    _slot = None
    _hooks.clear()


def _discard() -> None:
    if _slot is None:
        return
    if _slot.pid != os.getpid():
        _inherited.append(_slot)
        return
    _slot.broadcaster.abort()
    instances.unregister_figure(_FIGURE)
    instances.forget()


def _current() -> BaseBroadcaster:
    """The broadcaster to use now.

    Raises:
        BroadcastUnavailable: It belongs to another event loop or to the parent process.
    """
    global _slot  # noqa: PLW0603  # state of the process
    if _slot is None:
        _slot = _Slot(LocalBroadcaster(), None, os.getpid())
    if isinstance(_slot.broadcaster, RedisBroadcaster) and not _slot.is_alive:
        raise BroadcastUnavailable(
            "the broadcast was started on another event loop or in the parent process, or its listener was "
            "cancelled: call broadcast.startup() again"
        )
    return _slot.broadcaster


def _warn_of_default_prefix() -> None:
    if config.settings.redis.broadcast_prefix == _DEFAULT_PREFIX:
        _LOGGER.warning(
            "C2C__REDIS__BROADCAST_PREFIX has its default value %r: services on one Redis that share it "
            "hear each other, also with different database numbers; set it to a name of this service",
            _DEFAULT_PREFIX,
        )


def is_started() -> bool:
    """Return whether `startup` was called on the running event loop of this process, and nothing ended it."""
    return _slot is not None and _slot.is_alive


def is_listening() -> bool | None:
    """Return whether every subscription is confirmed by Redis now; `None` when no Redis is used.

    `False` means that this process is deaf: messages of the others do not reach it.
    """
    if _slot is None or not isinstance(_slot.broadcaster, RedisBroadcaster):
        return None
    return _slot.pid == os.getpid() and _slot.broadcaster.is_listening


def on_restore(hook: Callable[[], Awaitable[None]]) -> None:
    """Call the hook after each connection to Redis, the first one included, to read stored state again.

    A hook that is registered already is not registered twice. One that comes while the connection is up is
    called at once, in a task. Hooks are never called without Redis.

    Args:
        hook: A coroutine function; what it raises is logged.
    """
    if hook in _hooks:
        return
    _hooks.append(hook)
    if _slot is not None and isinstance(_slot.broadcaster, RedisBroadcaster) and _slot.pid == os.getpid():
        _slot.broadcaster.restore_soon(hook)


async def subscribe(channel: str, callback: Callback) -> None:
    """Call the callback with the parameters (as keywords) of each message; one callback per channel.

    Args:
        channel: Name of the channel.
        callback: A coroutine function; what it returns is the answer of this process.

    Raises:
        BroadcastError: Redis refused.
    """
    await _current().subscribe(channel, callback)


async def unsubscribe(channel: str) -> None:
    """Remove the callback of a channel; an unknown channel is no error."""
    await _current().unsubscribe(channel)


async def broadcast(
    channel: str,
    params: Mapping[str, Any] | None = None,
    expect_answers: bool = False,
    timeout: float = 10,  # noqa: ASYNC109  # a public parameter
) -> list[BroadcastResponse[Any] | MissingAnswer] | None:
    """Send a message to the handlers of the channel in all processes; see `BaseBroadcaster.broadcast`."""
    return await _current().broadcast(channel, params, expect_answers, timeout)


@overload
async def decorate(
    func: Callable[P, Awaitable[R]],
    channel: str | None = None,
    *,
    expect_answers: Literal[True],
    timeout: float = 10,  # noqa: ASYNC109  # a public parameter
) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[R] | MissingAnswer]]]: ...
@overload
async def decorate(
    func: Callable[P, R],
    channel: str | None = None,
    *,
    expect_answers: Literal[True],
    timeout: float = 10,  # noqa: ASYNC109  # a public parameter
) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[R] | MissingAnswer]]]: ...
@overload
async def decorate(
    func: Callable[P, Any],
    channel: str | None = None,
    expect_answers: Literal[False] = False,
    timeout: float = 10,  # noqa: ASYNC109  # a public parameter
) -> Callable[P, Coroutine[Any, Any, None]]: ...
@overload
async def decorate(
    func: Callable[P, Any],
    channel: str | None = None,
    expect_answers: bool = False,
    timeout: float = 10,  # noqa: ASYNC109  # a public parameter
) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[Any] | MissingAnswer] | None]]: ...
async def decorate(
    func: Callable[..., Any],
    channel: str | None = None,
    expect_answers: bool = False,
    timeout: float = 10,  # noqa: ASYNC109  # a public parameter
) -> Callable[..., Any]:
    """Subscribe a function, and make the one that calls it in every process.

    Parameters and result cross the wire by their annotations: models, dataclasses, typed dictionaries,
    enumerations, dates, unions and nested lists and dictionaries of them arrive as what they are.

    Args:
        func: A coroutine function, or a plain one (it runs in a thread); its parameters are given by keyword.
        channel: Name of the channel, `c2c_decorated_<module>.<name>` when absent.
        expect_answers: Wait for the answers and return them.
        timeout: Seconds to wait at most.

    Returns:
        A coroutine function that takes keyword arguments only (`TypeError` otherwise).

    Raises:
        TypeError: The function cannot be called by keyword, or an annotation cannot be resolved.
        BroadcastError: Redis refused the subscription.
    """
    channel = channel or default_channel(func)
    handler = Handler(func)
    await subscribe(channel, handler)

    async def request(*args: Any, **kwargs: Any) -> list[interface.Answer] | None:
        return await _current().request(*args, **kwargs)

    return create_caller(func, handler, channel, request, expect_answers=expect_answers, timeout=timeout)
