"""The lists of the last events of the audit: in Redis, and without it in each process.

Nobody can push out the events of others, nor one change by repeating another one: in a full list the caller
with the most events loses the oldest one of their most frequent action, on its most frequent target.
"""

import collections
import datetime
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from c2casgiutils import redis_utils
from c2casgiutils.auth import _shared

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOGGER = logging.getLogger(__name__)

Kind = Literal["changes", "refusals"]
"""Refusals are kept apart: strangers cause them, and shall push no change out of the record."""

MAX_EVENTS = 1000
"""How many events of each kind are kept at most."""
_LEFT = 900
"""So many are left when there are more: to choose them needs a look at all, so it is not done each time."""


class _Groups(collections.defaultdict[Any, Any]):
    """The positions of events by caller, action and target, each a level of its own."""


class AuditEvent(BaseModel):
    """One event.

    Attributes:
        at: When, in UTC.
        who: The login of the user, `secret` for the shared secret, `anonymous`.
        method: How they signed in.
        action: What they did.
        target: On what.
        before: The value before.
        after: The value after.
        result: How it ended, `started` while it is not known.
        request_id: The id of the request, when it has one.
        client: The address of the caller.
    """

    at: datetime.datetime
    who: str
    method: str
    action: str
    target: str | None = None
    before: Any = None
    after: Any = None
    result: str = "ok"
    request_id: str | None = None
    client: str | None = None


def surplus(events: Sequence[AuditEvent | None]) -> list[int]:
    """Return the positions of the events to drop, none while there is room.

    Args:
        events: Oldest first; `None` for what is not one of ours.
    """
    if len(events) <= MAX_EVENTS:
        return []
    groups: Any = _Groups(lambda: _Groups(lambda: _Groups(collections.deque)))
    for position, event in enumerate(events):
        who, action, target = (event.who, event.action, event.target) if event else (None, None, None)
        groups[who][action][target].append(position)
    return [_oldest_of_largest(groups) for _ in range(len(events) - _LEFT)]


def _oldest_of_largest(group: Any) -> int:
    while isinstance(group, _Groups):
        group = max(group.values(), key=_size)
    position: int = group.popleft()
    return position


def _size(group: Any) -> int:
    return sum(map(_size, group.values())) if isinstance(group, _Groups) else len(group)


def keep(events: list[AuditEvent], event: AuditEvent, replaced: AuditEvent | None) -> None:
    """Add an event to the list of this process, in place of another one."""
    events[:] = [*(kept for kept in events if kept is not replaced), event]
    for position in sorted(surplus(events), reverse=True):
        del events[position]


async def store(redis: "Redis", kind: Kind, event: AuditEvent, replaced: str | None) -> str:
    """Add an event to the list in Redis, in place of the one with an id, and return its own id."""
    stream = _stream(kind)
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.xadd(stream, {"event": event.model_dump_json()})
        if replaced is not None:
            pipeline.xdel(stream, replaced)
        pipeline.xlen(stream)
        added, *_, length = await pipeline.execute()
    if length > MAX_EVENTS:
        entries = (await _entries(redis, kind, length))[::-1]
        dropped = surplus([_decode(fields) for _, fields in entries])
        if dropped:  # another process may have been faster
            await redis.xdel(stream, *(entries[position][0] for position in dropped))
    return str(added)


async def read(redis: "Redis", kind: Kind, count: int) -> list[AuditEvent]:
    """Return the last events in Redis, newest first."""
    events = [_decode(fields) for _, fields in await _entries(redis, kind, count)]
    if None in events:
        _LOGGER.warning("The record in Redis has entries that are not ours: %s", events.count(None))
    return [event for event in events if event is not None]


async def _entries(redis: "Redis", kind: Kind, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return the last entries, newest first."""
    answer: list[tuple[bytes, dict[bytes, bytes]]] = await _shared.as_bytes(
        redis, "XREVRANGE", _stream(kind), "+", "-", "COUNT", count
    )
    return answer


def _decode(fields: dict[bytes, bytes]) -> AuditEvent | None:
    try:
        return AuditEvent.model_validate_json(fields[b"event"])
    except (KeyError, ValueError):
        return None


def _stream(kind: Kind) -> str:
    return redis_utils.scoped("audit" if kind == "changes" else f"audit_{kind}")
