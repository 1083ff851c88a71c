"""The follows of this process, from start to end, and what views ask of them."""

import contextlib
import dataclasses
import datetime
import time
from collections.abc import AsyncGenerator
from typing import Any

from c2casgiutils import broadcast, config, instances, switches
from c2casgiutils.follow._follows import Follows
from c2casgiutils.follow._lines import (
    Cursor,
    LinesUnavailableError,
    LocalLines,
    RedisLines,
    write_cursor,
)
from c2casgiutils.follow._model import create_token, digest_of
from c2casgiutils.switches import SwitchReport

_POLL_SECONDS = 0.25
_QUIET_SECONDS = 10.0
"""A comment is sent after this time without a line, so that proxies keep the connection open."""


@dataclasses.dataclass(frozen=True)
class Started:
    """A follow that was started.

    Attributes:
        id: Under which its lines are read.
        token: What the requests to follow carry.
        expires: When it ends.
        report: Which processes follow.
    """

    id: str
    token: str
    expires: datetime.datetime
    report: SwitchReport


@dataclasses.dataclass(frozen=True)
class StreamEvent:
    """A part of the stream of a follow: a line, the end, or neither, as a sign of life.

    Attributes:
        cursor: The place after the line.
        line: The line.
        end: Why nothing more comes: `ended` or `draining`.
    """

    cursor: str = ""
    line: dict[str, Any] | None = None
    end: str = ""


def startup() -> None:
    """Apply follows in this process; call it after `broadcast.startup` and before `switches.startup`."""
    previous = _current()
    if previous is not None:
        previous.stop()
    broadcaster = broadcast.redis_broadcaster()
    secret = config.settings.redis.broadcast_secret
    lines = LocalLines() if broadcaster is None else RedisLines(broadcaster.link, secret)
    switches.register(Follows(lines, tuple(config.secrets_of(config.settings))))


async def shutdown() -> None:
    """Stop following, and end the streams."""
    follows = _current()
    if follows is not None:
        await follows.aclose()


def _current() -> Follows | None:
    known = switches.kind(Follows.name)
    return known if isinstance(known, Follows) else None


def _follows() -> Follows:
    known = _current()
    if known is None:
        raise RuntimeError("c2casgiutils is not started")
    return known


async def start(id_: str, *, ttl: float, level: int, logger: str, by: str, seconds: float) -> Started:
    """Follow the requests that carry a new token, in all processes.

    Args:
        id_: See `create_id`.
        ttl: Seconds until it ends by itself.
        level: The lowest level of the lines.
        logger: The logger whose lines are wanted, with its children; empty for all.
        by: Who asks for it.
        seconds: How long it may last.

    Raises:
        TooManyFollowsError: 20 follows are active.
        SwitchesUnavailableError: Redis is unreachable or refuses; says whether the follow is stored.
    """
    token = create_token()
    value = {"digest": digest_of(token.encode()), "level": max(level, 1), "logger": logger}
    done = await switches.put(Follows.name, id_, value, ttl=ttl, by=by, seconds=seconds)
    setting = done.setting
    if setting is None or setting.expires_at is None:
        raise RuntimeError("a follow has an end")
    return Started(id_, token, setting.expires_at, done.report)


async def is_active(id_: str, *, seconds: float) -> bool:
    """Return whether a follow is active, also one that this process does not know yet.

    Raises:
        SwitchesUnavailableError: Redis is unreachable, and this process does not know it.
    """
    if id_ in _follows():
        return True
    await switches.refresh(seconds=seconds)
    return id_ in _follows()


async def end(id_: str, *, by: str, seconds: float) -> SwitchReport:
    """End a follow in all processes, and forget its lines.

    Raises:
        SwitchesUnavailableError: Redis is unreachable or refuses; says whether the end is stored.
    """
    done = await switches.remove(Follows.name, id_, by=by, seconds=seconds)
    with contextlib.suppress(LinesUnavailableError):  # they expire
        await _follows().lines.delete(id_)
    return done.report


async def read(id_: str, after: Cursor, *, last: int | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines of a follow after a place, the oldest first, each with the place after it.

    Args:
        id_: Of the follow, also of one that ended by itself a moment ago.
        after: The place.
        last: Return the last ones only, at most so many; all by default.

    Raises:
        LinesUnavailableError: Redis is unreachable.
    """
    found = await _follows().lines.read(id_, after, last=last)
    return [(write_cursor(cursor), line) for cursor, line in found]


async def stream(id_: str, after: Cursor) -> AsyncGenerator[StreamEvent]:
    """Return the lines of a follow as they come, until it ends or this process drains.

    While Redis is unreachable no lines come; those that were kept follow afterwards.

    Args:
        id_: Of the follow.
        after: The place after which to begin.
    """
    follows = _follows()
    quiet_since = 0.0
    with follows.reading:
        while True:
            why = _end(follows, id_)  # before reading, so that no line is missed
            if why:
                await follows.flush()
            found: list[tuple[Cursor, dict[str, Any]]] = []
            with contextlib.suppress(LinesUnavailableError):
                found = await follows.lines.read(id_, after)
            for cursor, line in found:
                after = cursor
                yield StreamEvent(write_cursor(cursor), line)
            if why:
                yield StreamEvent(end=why)
                return
            now = time.monotonic()
            if not found and now - quiet_since > _QUIET_SECONDS:
                yield StreamEvent()
                quiet_since = now
            elif found:
                quiet_since = now
            await follows.wait(_POLL_SECONDS)


def _end(follows: Follows, id_: str) -> str:
    """Return why the stream of a follow ends now, empty when it does not."""
    if follows.is_interrupted or instances.state() in {"draining", "stopping"}:
        return "draining"
    return "" if id_ in follows else "ended"
