"""Counts of events within a minute, in Redis or else in this process."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from c2casgiutils.auth import _shared, _state

if TYPE_CHECKING:
    from redis.asyncio import Redis

_WINDOW_SECONDS = 60
_MAX_NAMES = 10_000
TOTAL = "total"
"""The name of the total of all clients, which is never dropped to make room."""


class Count(NamedTuple):
    """The number of events, and the seconds until it is reset."""

    number: int
    seconds_left: int


class Window:
    """The count of one name since its first event."""

    __slots__ = ("ends_at", "number")

    def __init__(self, ends_at: float) -> None:
        self.number = 0
        self.ends_at = ends_at


async def increment(names: Collection[str]) -> dict[str, Count]:
    """Increment the count of each name, and return the counts."""
    return await _shared.attempt(lambda redis: _increment_shared(redis, names)) or _increment_here(names)


async def look(names: Collection[str]) -> dict[str, Count]:
    """Return the counts."""
    return await _shared.attempt(lambda redis: _look_shared(redis, names)) or _look_here(names)


def _key(name: str) -> str:
    return _shared.key(f"wrong_{name}")


async def _increment_shared(redis: "Redis", names: Collection[str]) -> dict[str, Count]:
    async with redis.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.set(_key(name), 0, ex=_WINDOW_SECONDS, nx=True)
            pipeline.incr(_key(name))
            pipeline.ttl(_key(name))
        answers = await pipeline.execute(raise_on_error=False)
    counts = {}
    for name, number, seconds in zip(names, answers[1::3], answers[2::3], strict=True):
        if isinstance(number, Exception):
            # not a number, so not written by this package; if writing is forbidden, this raises
            await redis.set(_key(name), 1, ex=_WINDOW_SECONDS)
            counts[name] = Count(1, _WINDOW_SECONDS)
        else:
            counts[name] = Count(int(number), await _bounded(redis, name, seconds))
    return counts


async def _look_shared(redis: "Redis", names: Collection[str]) -> dict[str, Count]:
    async with redis.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.get(_key(name))
            pipeline.ttl(_key(name))
        answers = await pipeline.execute(raise_on_error=False)
    counts = {}
    for name, value, seconds in zip(names, answers[::2], answers[1::2], strict=True):
        number = _number(value)
        counts[name] = Count(number, await _bounded(redis, name, seconds) if number else 0)
    return counts


def _number(value: Any) -> int:
    """Parse a count; anything invalid is 0."""
    if isinstance(value, Exception):
        if str(value).startswith("WRONGTYPE"):
            return 0
        raise value
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


async def _bounded(redis: "Redis", name: str, seconds: Any) -> int:
    """Return the remaining time of a count; one without an end, which would block forever, gets one."""
    if isinstance(seconds, int) and seconds >= 0:
        return seconds
    await redis.expire(_key(name), _WINDOW_SECONDS)
    return _WINDOW_SECONDS


def _window(name: str) -> Window | None:
    windows = _state.current().wrong
    window = windows.get(name)
    if window is not None and window.ends_at <= time.monotonic():
        del windows[name]
        return None
    return window


def _look_here(names: Collection[str]) -> dict[str, Count]:
    now = time.monotonic()
    windows = {name: _window(name) for name in names}
    return {
        name: Count(window.number, round(window.ends_at - now)) if window else Count(0, 0)
        for name, window in windows.items()
    }


def _increment_here(names: Collection[str]) -> dict[str, Count]:
    for name in names:
        window = _window(name)
        if window is None:
            make_room(_state.current().wrong)
            window = _state.current().wrong[name] = Window(time.monotonic() + _WINDOW_SECONDS)
        window.number += 1
    return _look_here(names)


def make_room(windows: dict[str, Window]) -> None:
    """If there are too many counts, drop those that have ended, or else the oldest one."""
    if len(windows) < _MAX_NAMES:
        return
    now = time.monotonic()
    ended = [name for name, window in windows.items() if window.ends_at <= now]
    # the total is kept, as it limits attacks from many addresses
    for name in ended or [next(name for name in windows if name != TOTAL)]:
        del windows[name]
