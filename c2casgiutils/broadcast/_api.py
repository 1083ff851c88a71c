"""The functions with which applications send messages."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, overload

from c2casgiutils._numbers import check_seconds
from c2casgiutils.broadcast._current import current, subscribe, subscribe_at_startup
from c2casgiutils.broadcast._decorated import Handler, create_caller, default_channel
from c2casgiutils.broadcast.interface import Answer
from c2casgiutils.broadcast.types import BroadcastResponse, MissingAnswer

P = ParamSpec("P")
R = TypeVar("R")


async def broadcast(
    channel: str,
    params: Mapping[str, Any] | None = None,
    expect_answers: bool = False,
    timeout: float = 10,
) -> list[BroadcastResponse[Any] | MissingAnswer] | None:
    """Send a message to the handlers of the channel in all processes; see `BaseBroadcaster.broadcast`."""
    return await current().broadcast(channel, params, expect_answers, timeout)


@overload
async def decorate(
    func: Callable[P, Awaitable[R]],
    channel: str | None = None,
    *,
    expect_answers: Literal[True],
    timeout: float = 10,
) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[R] | MissingAnswer]]]: ...
@overload
async def decorate(
    func: Callable[P, R],
    channel: str | None = None,
    *,
    expect_answers: Literal[True],
    timeout: float = 10,
) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[R] | MissingAnswer]]]: ...
@overload
async def decorate(
    func: Callable[P, Any],
    channel: str | None = None,
    expect_answers: Literal[False] = False,
    timeout: float = 10,
) -> Callable[P, Coroutine[Any, Any, None]]: ...
@overload
async def decorate(
    func: Callable[P, Any],
    channel: str | None = None,
    expect_answers: bool = False,
    timeout: float = 10,
) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[Any] | MissingAnswer] | None]]: ...
async def decorate(
    func: Callable[..., Any],
    channel: str | None = None,
    expect_answers: bool = False,
    timeout: float = 10,
) -> Callable[..., Any]:
    """Subscribe a function to a channel, and return a function that calls it in every process.

    Parameters and results are serialised by their annotations: models, dataclasses, typed dictionaries,
    enumerations, dates, unions, and nested lists and dictionaries of them arrive with their types. A value
    that does not match its annotation is converted if possible; otherwise it arrives as plain JSON, with one
    warning for each function.

    Args:
        func: A coroutine function, or a plain one (run in a thread); its parameters are passed by keyword.
        channel: Name of the channel; `c2c_decorated_<module>.<name>` by default.
        expect_answers: Wait for the answers and return them.
        timeout: Maximum time to wait, in seconds.

    Returns:
        A coroutine function that takes keyword arguments only (`TypeError` otherwise).

    Raises:
        TypeError: The function has a parameter that cannot be passed by keyword.
        BroadcastError: Redis refused the subscription.
        ValueError: The timeout is not a number of seconds.
    """
    check_seconds(timeout, "timeout")
    channel = channel or default_channel(func)
    handler = Handler(func)
    await subscribe(channel, handler)
    return create_caller(func, handler, channel, _request, expect_answers=expect_answers, timeout=timeout)


class _Decorator(Protocol):
    """Replaces a function by one that calls it in every process; the answers have the type of its result."""

    @overload
    def __call__(
        self, func: Callable[P, Awaitable[R]], /
    ) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[R] | MissingAnswer]]]: ...
    @overload
    def __call__(
        self, func: Callable[P, R], /
    ) -> Callable[P, Coroutine[Any, Any, list[BroadcastResponse[R] | MissingAnswer]]]: ...


class _SilentDecorator(Protocol):
    """Replaces a function by one that calls it in every process, and waits for no answers."""

    def __call__(self, func: Callable[P, Any], /) -> Callable[P, Coroutine[Any, Any, None]]: ...


@overload
def decorator(
    channel: str | None = None, *, expect_answers: Literal[True], timeout: float = 10
) -> _Decorator: ...
@overload
def decorator(
    channel: str | None = None, expect_answers: Literal[False] = False, timeout: float = 10
) -> _SilentDecorator: ...
def decorator(channel: str | None = None, expect_answers: bool = False, timeout: float = 10) -> Any:
    """Do what `decorate` does when a module is imported: `startup` subscribes.

    Args:
        channel: Name of the channel; `c2c_decorated_<module>.<name>` by default.
        expect_answers: Wait for the answers and return them.
        timeout: Maximum time to wait, in seconds.

    Returns:
        A decorator of coroutine functions and of plain ones.

    Raises:
        BroadcastError: The broadcast has started already: await `decorate` instead.
        TypeError: The function has a parameter that cannot be passed by keyword.
        ValueError: The timeout is not a number of seconds.
    """
    check_seconds(timeout, "timeout")

    def wrap(func: Callable[..., Any]) -> Callable[..., Any]:
        name = channel or default_channel(func)
        handler = Handler(func)
        subscribe_at_startup(name, handler)
        return create_caller(func, handler, name, _request, expect_answers=expect_answers, timeout=timeout)

    return wrap


async def _request(*args: Any, **kwargs: Any) -> list[Answer] | None:
    return await current().request(*args, **kwargs)
