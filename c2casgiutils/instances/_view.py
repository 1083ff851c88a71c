"""The members of the service as last read from the roster, and when each of them is considered lost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_MAX_CACHED_CHANNELS = 1000
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Member:
    """What the broadcast needs to know about a process.

    Attributes:
        channels: The channels to which it subscribes.
        end: When it would be lost, according to its entry at the time of reading.
        silence: Seconds between its last heartbeat and that time.
    """

    id: str
    hostname: str | None
    pid: int | None
    channels: frozenset[str] = frozenset()
    end: float = 0.0
    silence: float = 0.0


class View:
    """The members of the roster for one token.

    Heartbeats change the entries all the time, so members and liveness are tracked separately: the members
    are read again when the token changes, and each beat returns the ends that are near.

    Args:
        token: Changes when a process joins, leaves, returns or changes its subscriptions.
        members: The members.
        soon: The ends before the next beat, by id.
        now: The time of Redis.
        is_whole: No entry was left out; it may be repaired without a change of the token.
    """

    def __init__(
        self,
        token: str | None,
        members: Iterable[Member],
        soon: Mapping[str, float],
        now: float,
        *,
        is_whole: bool = True,
    ) -> None:
        self.token = token
        self.is_whole = is_whole
        self._read_at = now
        self.members: dict[str, Member] = {member.id: member for member in members}
        self._dead = {m.id: m.end for m in self.members.values() if m.end <= now and m.id not in soon}
        self._ends: dict[str, float] = {}
        self._subscribers: dict[str, list[Member]] = {}
        self.note_ends(soon, now)

    def is_due(self, token: str | None, now: float) -> bool:
        """Return whether the members must be read again; if some were left out, once a second.

        Args:
            token: The current token.
            now: The time of Redis.
        """
        return token != self.token or (not self.is_whole and not 0 <= now - self._read_at < _AGAIN_SECONDS)

    def note_ends(self, soon: Mapping[str, float], now: float) -> None:
        """Update the ends that come before the next beat.

        Any other process is assumed to beat in time; one that is late and returns changes the token.
        """
        late = {
            id_: end
            for id_, end in soon.items()
            if (member := self.members.get(id_)) is not None and end - now <= member.silence / 2
        }
        self._ends = {**self._dead, **late}

    def lost(self, now: float) -> dict[str, float]:
        """Return the end of each member that is lost now, by id."""
        if not self._ends:
            return {}
        return {id_: end for id_, end in self._ends.items() if end <= now}

    def subscribers(self, channel: str) -> list[Member]:
        """Return the processes that subscribe to a channel."""
        found = self._subscribers.get(channel)
        if found is None:
            if len(self._subscribers) >= _MAX_CACHED_CHANNELS:
                self._subscribers.clear()
            found = [member for member in self.members.values() if channel in member.channels]
            self._subscribers[channel] = found
        return found


def read_id(instance_id: str) -> tuple[str, int | None]:
    """Return the host name and the pid of an instance of which only the id is known."""
    hostname, _, pid = instance_id.rpartition(":")[0].rpartition(":")
    return hostname or instance_id, int(pid) if pid.isdecimal() and pid.isascii() else None
