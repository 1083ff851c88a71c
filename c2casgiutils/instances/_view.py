"""Who is there, as last read from the roster; never changed, only replaced."""

from collections.abc import Iterable
from dataclasses import dataclass

TOKEN_FIELD = "token"  # noqa: S105  # a field's name
_MAX_CACHED_CHANNELS = 1000


@dataclass(frozen=True, slots=True)
class Member:
    """What the broadcast needs to know of a process."""

    id: str
    hostname: str
    pid: int
    channels: frozenset[str]


class View:
    """The processes that belong to a token.

    Args:
        token: Changes when somebody joins, leaves or changes its subscriptions.
        members: The processes.
    """

    def __init__(self, token: str | None, members: Iterable[Member]) -> None:
        self.token = token
        self.members = {member.id: member for member in members}
        self._subscribers: dict[str, list[Member]] = {}

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
    """Return the host name and the pid of an instance, of which only the id is known."""
    hostname, _, pid = instance_id.rpartition(":")[0].rpartition(":")
    return hostname or instance_id, int(pid) if pid.isdecimal() and pid.isascii() else None
