"""How often something happened within a minute: counted in Redis, else in this process."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from c2casgiutils.auth import _shared, _state

if TYPE_CHECKING:
    from redis.asyncio import Redis

_WINDOW_SECONDS = 60
_MAX_NAMES = 10_000
TOTAL = "total"
"""The count of all clients, which is never dropped to make room."""


class Count(NamedTuple):
    """How often, and in how many seconds it starts anew."""

    number: int
    seconds_left: int


class Window:
    """What was counted under one name since the first time."""

    __slots__ = ("ends_at", "number")

    def __init__(self, ends_at: float) -> None:
        self.number = 0
        self.ends_at = ends_at


async def increment(names: Collection[str]) -> dict[str, Count]:
    """Count once more under each name, and return the counts."""
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
            # not a number, which none of us wrote; what forbids writing is raised here
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
    """Read a count; what is not one counts as none."""
    if isinstance(value, Exception):
        if str(value).startswith("WRONGTYPE"):
            return 0
        raise value
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


async def _bounded(redis: "Redis", name: str, seconds: Any) -> int:
    """Return when a count ends; one without an end, which would lock out for ever, gets one."""
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
    """Drop what ended, else the oldest one, if there are too many."""
    if len(windows) < _MAX_NAMES:
        return
    now = time.monotonic()
    ended = [name for name, window in windows.items() if window.ends_at <= now]
    # the total stays: it is what stops so many addresses
    for name in ended or [next(name for name in windows if name != TOTAL)]:
        del windows[name]
