"""The lists of the last events of the audit log: in Redis, or else in each process.

A flood must not displace the events of others, nor other events of the same caller: when a list is full, the
oldest event is dropped of the caller with the most events, of their most frequent action on its most frequent
target.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, BaseModel

from c2casgiutils import events as events_
from c2casgiutils import redis_utils
from c2casgiutils.auth import _shared
from c2casgiutils.auth._model import AuthMethod

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOGGER = logging.getLogger(__name__)

Kind = Literal["changes", "refusals"]
"""Refusals have a list of their own: anyone can cause them, and they must not displace changes."""

MAX_EVENTS = events_.MAX_EVENTS
"""Maximum number of events of each kind."""


class AuditEvent(BaseModel):
    """One event.

    Attributes:
        at: When, in UTC.
        who: The login of the user, `alice (unverified)` for a name given with the secret, or the method.
        method: How they signed in.
        action: What they did.
        target: On what.
        before: The value before.
        after: The value after.
        result: How it ended, `started` while it is not known.
        request_id: The id of the request, when it has one.
        client: The address of the caller.
        instance: The id of the process that recorded it.
    """

    at: AwareDatetime
    who: str
    method: str
    action: str
    target: str | None = None
    before: Any = None
    after: Any = None
    result: str = "ok"
    request_id: str | None = None
    client: str | None = None
    instance: str | None = None


def surplus(events: Sequence[AuditEvent | None]) -> list[int]:
    """Return the positions of the events to drop, or none if there are not too many.

    Args:
        events: Oldest first; `None` for an invalid one.
    """
    return events_.surplus([_path(event) for event in events])


def _path(event: AuditEvent | None) -> tuple[str | None, str | None, str | None]:
    if event is None:
        return (None, None, None)
    # a holder of the shared secret can take any number of names
    who = event.method if event.method == AuthMethod.SECRET else event.who
    return (who, event.action, event.target)


def keep(events: list[AuditEvent], event: AuditEvent, replaced: AuditEvent | None) -> None:
    """Add an event to the list of this process, replacing an earlier one."""
    events[:] = [*(kept for kept in events if kept is not replaced), event]
    for position in sorted(surplus(events), reverse=True):
        del events[position]


async def store(redis: "Redis", kind: Kind, event: AuditEvent, replaced: str | None) -> str:
    """Add an event to the list in Redis, replacing the one with an id, and return the id of the new one."""
    stream = _stream(kind)
    async with redis.pipeline(transaction=False) as pipeline:
        fields: dict[Any, Any] = {"event": event.model_dump_json()}
        pipeline.xadd(stream, fields, maxlen=2 * MAX_EVENTS, approximate=False)
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
        _LOGGER.warning("The audit log in Redis contains %s invalid entries", events.count(None))
    accepted = [event for event in events if event is not None]
    # those that were stored late stand among those of that time
    return sorted(accepted, key=lambda event: event.at, reverse=True)


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
