"""The events of a process, and their common list in Redis.

The list is a sorted set of signed events by time. Each process adds its own, with its heartbeats. As equal
members are one, an event may be added again: after an unknown result, after Redis lost its data, and by each
process that sees the same loss.
"""

import datetime
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from c2casgiutils import config
from c2casgiutils._outages import Outage
from c2casgiutils.events._model import Event, Kind, short
from c2casgiutils.events._surplus import MAX_EVENTS, surplus
from c2casgiutils.redis_utils import Signer, scoped
from c2casgiutils.redis_utils._link import Command, Link, LinkDownError, ReplyError

_LOGGER = logging.getLogger(__name__)

KEPT_SECONDS = 7 * 24 * 3600
"""How long events are kept in Redis."""
_MAX_SAVED = 250
"""Maximum number of events that are added with one heartbeat."""
_FUTURE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """The events that were found, newest first; `is_complete` unless some may be missing."""

    events: list[Event]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Saving:
    """Commands to add to a heartbeat, each with what handles its reply."""

    steps: Sequence[tuple[Command, Callable[[Any], object]]]

    @property
    def commands(self) -> list[Command]:
        """The commands."""
        return [command for command, _ in self.steps]

    def note(self, replies: Sequence[Any]) -> None:
        """Handle the replies to the commands."""
        for (_, handle), reply in zip(self.steps, replies, strict=True):
            handle(reply)


class Log:
    """The events of one process.

    Args:
        instance: The id of the process.
        now: Returns the time of Redis, in seconds since 1970.
    """

    def __init__(self, instance: str, now: Callable[[], float]) -> None:
        self.link: Link | None = None
        """Tells whether the time of Redis is known yet."""
        self._instance = instance
        self._now = now
        self._key = scoped("events")
        self._signer = Signer("c2casgiutils events", config.settings.redis.broadcast_secret)
        self._own: dict[bytes, Event] = {}
        """What this process recorded, by its encoded form, oldest first."""
        self._unsaved: dict[bytes, None] = {}
        self._undated: dict[bytes, float] = {}
        """When those were recorded that have the time of this machine, by the monotonic clock."""
        self._lost: Mapping[str, float] = {}
        self._is_full = False
        self._surplus: list[bytes] = []
        self._refusal = Outage(
            _LOGGER, "Redis refuses the events: %s", "Redis accepts the events again after %.1f s"
        )

    def record(
        self,
        kind: Kind,
        what: str | None = None,
        *,
        before: str | None = None,
        after: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Record that something happened now in this process.

        Args:
            kind: What happened.
            what: To what; by default to this process.
            before: The state before.
            after: The state after.
            reason: Why.
        """
        event = Event(
            at=_moment(self._now()),
            kind=kind,
            what=short(what) or self._instance,
            before=short(before),
            after=short(after),
            reason=short(reason),
            instance=self._instance,
        )
        if not self._has_clock:
            self._undated[self._encode(event)] = time.monotonic()
        self._add(event)

    def record_losses(self, ends: Mapping[str, float]) -> None:
        """Record which processes are lost; of each process that sees it the event is the same.

        Args:
            ends: By the id of each process, when it was lost, by the clock of Redis.
        """
        known, self._lost = self._lost, dict(ends)
        for id_, end in ends.items():
            if known.get(id_) != end:
                reason = "no heartbeat, no clean shutdown"
                self._add(
                    Event(at=_moment(end), kind="loss", what=id_, after="lost", reason=reason, instance=id_)
                )

    def _add(self, event: Event) -> None:
        member = self._encode(event)
        self._own[member] = event
        self._unsaved[member] = None
        if len(self._own) <= MAX_EVENTS:
            return
        members = list(self._own)
        for position in surplus([_path(kept) for kept in self._own.values()]):
            self._own.pop(members[position])
            self._unsaved.pop(members[position], None)
            self._undated.pop(members[position], None)

    @property
    def _has_clock(self) -> bool:
        return self.link is not None and self.link.has_clock

    # Saving

    def _date(self) -> None:
        """Give the events of the start the time of Redis: others reject those from the future."""
        undated, self._undated = self._undated, {}
        if not undated or not self._has_clock:
            return
        skew = self._now() - time.monotonic()
        own, self._own, self._unsaved = self._own, {}, {}
        for member, event in own.items():
            at = undated.get(member)
            self._add(event if at is None else event.model_copy(update={"at": _moment(at + skew)}))

    def save_again(self) -> None:
        """Add all events of this process once more, as Redis may have lost them."""
        self._unsaved = dict.fromkeys(self._own)

    def save(self) -> Saving:
        """Return the commands that add to Redis what is not there yet; usually there are none."""
        self._date()
        steps: list[tuple[Command, Callable[[Any], object]]] = []
        if members := list(itertools.islice(self._unsaved, _MAX_SAVED)):
            scored: list[float | bytes] = []
            for member in members:
                scored += (self._own[member].at.timestamp(), member)
            end = self._now() - KEPT_SECONDS
            steps = [
                (
                    ("ZADD", self._key, *scored),
                    lambda reply: self._note_saved(members, reply),
                ),
                (("EXPIRE", self._key, KEPT_SECONDS), _ignore),
                (("ZREMRANGEBYSCORE", self._key, "-inf", end), _ignore),
                (("ZREMRANGEBYRANK", self._key, 0, -2 * MAX_EVENTS - 1), _ignore),
                (("ZCARD", self._key), self._note_length),
            ]
        if self._surplus:
            dropped, self._surplus = self._surplus, []
            steps.append((("ZREM", self._key, *dropped), _ignore))
        elif self._is_full:
            self._is_full = False
            steps.append((("ZRANGE", self._key, 0, -1), self._note_surplus))
        return Saving(steps)

    def _note_saved(self, members: list[bytes], reply: Any) -> None:
        if isinstance(reply, ReplyError):
            self._refusal.begin(reply)
            return
        self._refusal.end()
        for member in members:
            self._unsaved.pop(member, None)

    def _note_length(self, reply: Any) -> None:
        self._is_full = isinstance(reply, int) and reply > MAX_EVENTS

    def _note_surplus(self, reply: Any) -> None:
        members = reply if isinstance(reply, list) else []
        events = [self._decode(member) for member in members]
        paths = [("", "", "") if event is None else _path(event) for event in events]
        self._surplus = [members[position] for position in surplus(paths)]

    # Reading

    async def read(self, link: Link | None, *, since: float, seconds: float) -> Found:
        """Return the events since a moment; those of this process alone while Redis is unreachable.

        Args:
            link: The connection to Redis, if Redis is used.
            since: The moment, in seconds since 1970.
            seconds: How long to wait for Redis.
        """
        own = {member: event for member, event in self._own.items() if event.at.timestamp() >= since}
        if link is None:
            return Found(_sorted(own), is_complete=True)
        query: Command = ("ZREVRANGEBYSCORE", self._key, "+inf", since, "LIMIT", 0, 2 * MAX_EVENTS)
        try:
            (reply,) = await link.execute(query, seconds=seconds)
        except LinkDownError as error:
            _LOGGER.debug("Could not read the events: %s", error)
            return Found(_sorted(own), is_complete=False)
        if not isinstance(reply, list):
            return Found(_sorted(own), is_complete=False)
        stored = {member: self._decode(member) for member in reply}
        unsaved = {member: event for member, event in own.items() if member in self._unsaved}
        accepted = {member: event for member, event in stored.items() if event is not None}
        is_complete = len(accepted) == len(stored) and not self._refusal.is_on
        return Found(_sorted({**accepted, **unsaved}), is_complete=is_complete)

    def _encode(self, event: Event) -> bytes:
        return self._signer.sign(self._key, event.model_dump_json(exclude_defaults=True).encode())

    def _decode(self, member: object) -> Event | None:
        """Return an event, `None` if it is not accepted."""
        if not isinstance(member, bytes):
            return None
        try:
            event = Event.model_validate_json(self._signer.verify(self._key, member))
            is_future = event.at.timestamp() > self._now() + _FUTURE_SECONDS
        except (ValueError, OverflowError):  # those of pydantic and of the signature are a `ValueError`
            return None
        return None if is_future else event


def _path(event: Event) -> tuple[str, str, str]:
    return event.kind, event.what, event.instance or ""


def _sorted(events: Mapping[bytes, Event]) -> list[Event]:
    return sorted(events.values(), key=lambda event: event.at, reverse=True)


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)


def _ignore(_: Any) -> None:
    """Ignore the reply to a command that may fail: the next heartbeat repeats it."""
