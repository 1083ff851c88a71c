"""The roster in Redis as read by this process.

- The hash `<prefix>instances` contains the entries (`_entry`), the field `token`, a random text that changes
  when a process joins, leaves, returns or changes its subscriptions, and the field `rebuilt`, the time when a
  process found its own entry or the whole hash missing (0 if there was no other process).
- The sorted set `<prefix>instances:beats` contains for each process the time when it is lost unless it beats
  again, so that each beat can ask which processes are about to be lost without reading all entries.
- The hash `<prefix>instances:samples` contains the samples.
"""

import asyncio
import itertools
import logging
import math
import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from c2casgiutils import config
from c2casgiutils.instances._connections import Channels, Connections
from c2casgiutils.instances._doubts import Doubts
from c2casgiutils.instances._entries import Entries
from c2casgiutils.instances._entry import (
    FORGOTTEN_SECONDS,
    LOST_BEATS,
    REBUILT_FIELD,
    STATIC,
    TOKEN_FIELD,
    Beat,
    Codec,
    Samples,
    Static,
    to_instance,
)
from c2casgiutils.instances._model import Instance
from c2casgiutils.instances._view import Member, View
from c2casgiutils.redis_utils import scoped
from c2casgiutils.redis_utils._link import Command, Link, LinkDownError, ReplyError

_LOGGER = logging.getLogger(__name__)

KEY_SECONDS = 24 * 3600
"""How long the keys stay without any heartbeat."""
_REBUILT_SECONDS = 1.0
_SOON_BEATS = 1.5

Currency = Literal["current", "stale"]


class Roster:
    """What this process knows about the roster.

    Args:
        own_id: The id of this process.
    """

    def __init__(self, own_id: str) -> None:
        self.key: str = scoped("instances")
        self.beats_key: str = scoped("instances:beats")
        self.samples_key: str = scoped("instances:samples")
        self.channels: Channels = Channels()
        self.codec: Codec = Codec(config.settings.redis.broadcast_secret)
        self.entries: Entries = Entries(own_id, self.codec)
        self.view: View = View(None, (), {}, 0)
        self.link: Link | None = None
        self._heartbeat = config.settings.instances.heartbeat.total_seconds()
        self.doubts: Doubts = Doubts(self._heartbeat)
        self._ids: Collection[str] = (own_id,)
        """The processes that `read` found last."""
        self._current_at = 0.0
        """When the roster was last current."""
        self.steady_since: float = math.inf
        """Since when this process beats without a pause."""
        self.is_readable: bool = True
        """Redis replied to the last attempt to read the roster."""
        self.is_missing: bool = False
        """The roster did not exist when this process last read it."""
        self._reading = asyncio.Lock()

    @property
    def currency(self) -> Currency:
        """`current` if the processes of the service are known for certain, otherwise `stale`."""
        return "stale" if self.doubts.is_any else "current"

    # Commands that are added to other pipelines

    @property
    def currency_command(self) -> Command:
        """The command whose reply `read_token` takes."""
        return ("HMGET", self.key, TOKEN_FIELD, REBUILT_FIELD)

    def read_token(self, reply: Any, now: float) -> str | None:
        """Return the current token, `None` if there is none, and update `currency`.

        Args:
            reply: The reply to `currency_command`.
            now: The time of Redis.
        """
        raw_token, raw_rebuilt = reply if isinstance(reply, list) else (None, None)
        is_new = 0 <= now - _number(raw_rebuilt) < _REBUILT_SECONDS
        self.doubts.partly.note(now, is_on=raw_token is None or is_new)
        self.is_readable = isinstance(reply, list)
        self.is_missing = isinstance(reply, list) and raw_token is None
        if self.doubts.is_whole:
            self._current_at = now
        return raw_token.decode(errors="replace") if raw_token else None

    def note_connections(self, connections: Connections, ids: Collection[str]) -> None:
        """Update `currency`: only processes of the roster, which have these ids, may be connected."""
        if connections.numbers and self.link is not None:
            self.doubts.others.note(self.link.now(), is_on=not connections.are_only(ids))

    def _read_entries(self, fields: Mapping[bytes, Any], now: float) -> Mapping[str, tuple[Beat, Static]]:
        """Return the entries by id, and update `currency`: all must be accepted."""
        found = self.entries.read(fields, now)
        self.doubts.skipped.note(now, is_on=self.entries.skipped > 0)
        return found

    def entry_command(
        self, id_: str, beat: dict[str, Any], static: dict[str, Any] | None, rebuilt: float | None
    ) -> Command:
        """Return the command that writes the entry of a process.

        Args:
            id_: The id of the process.
            beat: Its heartbeat.
            static: Its static part; others read the roster again if it is written.
            rebuilt: When it found its entry missing, if it did.
        """
        command: Command = ("HSET", self.key, id_, self.codec.write(id_, beat))
        if static is not None:
            field = f"{id_}{STATIC}"
            command += (field, self.codec.write(field, static), TOKEN_FIELD, new_token())
        return command if rebuilt is None else (*command, REBUILT_FIELD, rebuilt)

    def sample_commands(self, id_: str, samples: dict[str, Any]) -> list[Command]:
        """Return the commands that write the samples of a process."""
        text = self.codec.write(id_, samples)
        return [("HSET", self.samples_key, id_, text), ("EXPIRE", self.samples_key, KEY_SECONDS)]

    def static_command(self, id_: str) -> Command:
        """Return the command whose reply `has_static` takes."""
        return ("HGET", self.key, f"{id_}{STATIC}")

    def has_static(self, id_: str, static: dict[str, Any], reply: Any) -> bool:
        """Return whether the roster has the static part of a process, unless Redis does not tell."""
        return isinstance(reply, ReplyError) or reply == self.codec.write(f"{id_}{STATIC}", static)

    def soon_command(self, now: float) -> Command:
        """Return the command that asks for the ends before the next beat."""
        return ("ZRANGEBYSCORE", self.beats_key, "-inf", now + _SOON_BEATS * self._heartbeat, "WITHSCORES")

    def note_soon(self, reply: Any, now: float) -> dict[str, float]:
        """Handle the reply to `soon_command`: forget processes that have been lost for long.

        Returns:
            The ends of the processes that are lost for certain, by id.
        """
        soon = _scores(reply)
        self.view.note_ends(soon, now)
        if not self._is_settled(now):
            return {}
        lost = {id_: end for id_, end in soon.items() if end <= now}
        self.forget(id_ for id_, end in lost.items() if now - end >= FORGOTTEN_SECONDS)
        return lost

    def _is_settled(self, now: float) -> bool:
        """Return whether all processes that live had the time to beat since Redis was unreachable."""
        return self.doubts.is_whole and now - self.steady_since >= LOST_BEATS * self._heartbeat

    # Reading

    async def refresh(self, token: str | None) -> View:
        """Read the members, unless they are already known for this token.

        Concurrent callers share one reading.

        Args:
            token: The current token, as Redis just returned it.

        Raises:
            LinkDownError: Redis is unreachable.
        """
        async with self._reading:
            if self.link is not None and self.view.is_due(token, now := self.link.now()):
                fields, soon = await self.link.execute(("HGETALL", self.key), self.soon_command(now))
                fields = fields if isinstance(fields, dict) else {}
                found = self.read_token(_currency_fields(fields), now)
                members = (_member(id_, *entry) for id_, entry in self._read_entries(fields, now).items())
                self.view = View(found, members, _scores(soon), now, is_whole=not self.entries.skipped)
            return self.view

    async def read(self, *, samples: bool, seconds: float) -> dict[str, Instance]:
        """Return the processes by id, including those lost in the last 15 minutes.

        Args:
            samples: Include their samples.
            seconds: How long to wait for Redis.

        Raises:
            LinkDownError: Redis is unreachable.
        """
        link = self.link
        if link is None:
            return {}
        connections = self.channels.count(self._ids)  # before the entries: whoever leaves is not missed
        commands = [("HGETALL", self.key), *([("HGETALL", self.samples_key)] if samples else [])]
        self.is_readable = False
        counts, fields, *others = await link.execute(connections.command, *commands, seconds=seconds)
        now = link.now()
        fields = fields if isinstance(fields, dict) else {}
        entries = self._read_entries(fields, now)
        if not entries.keys() <= set(self._ids):
            connections = self.channels.count(entries)  # of those that are new, too
            (counts,) = await link.execute(connections.command, seconds=seconds)
        self.read_token(_currency_fields(fields), now)
        self._ids = tuple(entries)
        connections.note(counts)
        self.note_connections(connections, self._ids)
        if self._is_settled(now):
            self.forget(id_ for id_, (beat, _) in entries.items() if now - beat.end >= FORGOTTEN_SECONDS)
        rings = others[0] if samples and isinstance(others[0], dict) else {}
        return {
            id_: self._instance(id_, beat, static, self._samples(id_, rings, now) if samples else None, now)
            for id_, (beat, static) in entries.items()
            if now - beat.end < FORGOTTEN_SECONDS
        }

    def _samples(self, id_: str, rings: Mapping[bytes, Any], now: float) -> Samples:
        raw = rings.get(id_.encode())
        return (self.codec.read(id_, raw, Samples, now) if raw is not None else None) or Samples(ring=[])

    def _instance(
        self, id_: str, beat: Beat, static: Static, samples: Samples | None, now: float
    ) -> Instance:
        liveness = beat.liveness(now)
        if liveness == "lost" and not self.doubts.is_whole and beat.end > self._current_at:
            liveness = "late"  # its heartbeats may be refused
        return to_instance(id_, beat, static, samples, now=now, liveness=liveness)

    def forget(self, ids: Iterable[str]) -> None:
        """Remove processes from the roster without waiting; one that was only suspended returns by itself."""
        gone = list(ids)
        if not gone or self.link is None:
            return
        try:
            self.link.send(*self.remove_commands(gone))
        except LinkDownError:
            return

    def remove_commands(self, ids: Iterable[str]) -> list[Command]:
        """Return the commands that remove processes."""
        ids = tuple(ids)
        return [
            ("HDEL", self.key, *itertools.chain.from_iterable((id_, f"{id_}{STATIC}") for id_ in ids)),
            ("ZREM", self.beats_key, *ids),
            ("HDEL", self.samples_key, *ids),
            ("HSET", self.key, TOKEN_FIELD, new_token()),
        ]


def new_token() -> str:
    """Return a new random token."""
    return secrets.token_hex(8)


def _currency_fields(fields: Mapping[bytes, Any]) -> list[Any]:
    return [fields.get(name.encode()) for name in (TOKEN_FIELD, REBUILT_FIELD)]


def _member(id_: str, beat: Beat, static: Static) -> Member:
    return Member(id_, static.hostname, static.pid, static.channels, beat.end, beat.end - beat.beat)


def _scores(reply: Any) -> Mapping[str, float]:
    """Return the reply to a query with scores as a mapping."""
    if not isinstance(reply, list):
        return {}
    return {
        id_.decode(errors="replace"): float(end)
        for id_, end in reply
        if isinstance(end, float | int) and 0 <= end < math.inf
    }


def _number(raw: object) -> float:
    """Return a time stored in Redis, or one that is always in the past if it is malformed."""
    try:
        number = float(raw) if isinstance(raw, bytes) else -math.inf
    except ValueError:
        return -math.inf
    return number if math.isfinite(number) else -math.inf
