"""The connections of the processes to Redis, counted as subscribers of their channels."""

from collections.abc import Collection, Iterable
from typing import Any

from c2casgiutils import config
from c2casgiutils.redis_utils import scoped
from c2casgiutils.redis_utils._link import Command


class Channels:
    """The channels to which each process subscribes, whatever its handlers are."""

    def __init__(self) -> None:
        self.all: str = scoped("@roster")
        """All processes subscribe to this channel: on a message they announce themselves again."""
        self._inboxes = scoped("@inbox:")
        self._word = "SHARDNUMSUB" if config.settings.redis.cluster else "NUMSUB"

    def inbox_of(self, id_: str) -> str:
        """Return the channel on which a process receives answers; only that process subscribes to it."""
        return f"{self._inboxes}{id_}"

    def count(self, ids: Iterable[str], *others: str) -> "Connections":
        """Return the question how many connections some processes have.

        Args:
            ids: The ids of the processes.
            others: Further channels whose subscribers are counted.
        """
        ids = tuple(dict.fromkeys(ids))
        names = (self.all, *others, *map(self.inbox_of, ids))
        return Connections(("PUBSUB", self._word, *names), ids, 1 + len(others))


class Connections:
    """The number of connections of some processes, and of all together.

    Args:
        command: The command whose reply `note` takes.
        ids: The ids of the processes.
        start: The index of the first process in the reply.
    """

    __slots__ = ("_by_id", "_start", "command", "ids", "numbers")

    def __init__(self, command: Command, ids: tuple[str, ...], start: int) -> None:
        self.command: Command = command
        self.ids: tuple[str, ...] = ids
        self.numbers: list[int] = []
        """The numbers of subscribers in the order of the command; empty if Redis did not reply."""
        self._start = start
        self._by_id: dict[str, int] = {}

    def note(self, reply: Any) -> None:
        """Note the reply to `command`."""
        self.numbers = list(map(int, reply[1::2])) if isinstance(reply, list) else []
        self._by_id = dict(zip(self.ids, self.numbers[self._start :], strict=False))

    def has(self, id_: str) -> bool:
        """Return whether a process is connected; one that was not counted is considered so."""
        return self._by_id.get(id_, 1) > 0

    def are_only(self, ids: Collection[str]) -> bool:
        """Return whether all connections are of these processes, which were all counted.

        A process has as many connections to the common channel as to its inbox: one, or a second one
        until Redis notices that the first is broken.
        """
        if not self.numbers:
            return True
        return self.numbers[0] <= sum(self._by_id.get(id_, 1) for id_ in ids)
