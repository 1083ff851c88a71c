"""The processes that are expected to answer a call, as known when the call is made."""

import asyncio
import datetime
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from c2casgiutils.broadcast._calls import Call
from c2casgiutils.broadcast.types import LostProcess, MissingAnswer
from c2casgiutils.instances import Member, Presence, View, read_id
from c2casgiutils.redis_utils import scoped
from c2casgiutils.redis_utils._link import Command, Link, LinkDownError

_LOGGER = logging.getLogger(__name__)

_LEFT_SECONDS = 0.25
_CHANNEL = 1
"""Index of the channel of the call in the numbers of the connections."""


class Audience:
    """The processes that are asked by a call: all subscribers of its channel, or those it is addressed to.

    Args:
        presence: This process in the roster, and what it knows about the others.
        channel: The channel of the call.
        to: The ids of the instances that are asked; all subscribers by default.
        with_blocked: Those that are lost, but connected, are asked too.
    """

    __slots__ = (
        "_asked",
        "_channel",
        "_connections",
        "_ends",
        "_is_due",
        "_lost",
        "_missing",
        "_now",
        "_roster",
        "_to",
        "_view",
        "_with_blocked",
        "currency",
        "lost",
    )

    def __init__(
        self, presence: Presence, channel: str, to: Collection[str] | None, *, with_blocked: bool = False
    ) -> None:
        self._roster = presence.roster
        self._channel = channel
        self._to = None if to is None else list(dict.fromkeys(to))
        self._now = presence.now()
        self._with_blocked = with_blocked
        self._is_due = True
        self._asked: Sequence[Member] = ()
        self._lost: Sequence[Member] = ()
        self._ends: Mapping[str, float] = {}
        self.lost: list[LostProcess] = []
        self.currency: Literal["current", "stale"] = self._roster.currency
        self._missing: list[MissingAnswer] = []
        self._look(self._roster.view)

    @property
    def commands(self) -> tuple[Command, Command]:
        """The commands to send to Redis in the same pipeline as the message."""
        return self._roster.currency_command, self._connections.command

    def needs_reading(self, currency: Any) -> str | None:
        """Return the current token if the roster must be read again.

        Args:
            currency: The reply to the first command.
        """
        token = self._roster.read_token(currency, self._now)
        self._is_due = self._view.is_due(token, self._now)
        return token if self._is_due else None

    async def read_again(self, token: str) -> Command:
        """Read the roster, and return the second command again for the members it has now.

        Raises:
            LinkDownError: Redis is unreachable.
        """
        self._look(await self._roster.refresh(token))
        self._is_due = False
        return self._connections.command

    def set_expected(self, call: Call, counts: Any) -> None:
        """Set which processes the call waits for, and which ones are missing from the start.

        Args:
            call: The call.
            counts: The reply to the second command; `None` if there was none: others may be connected.
        """
        connections = self._connections
        connections.note(counts)
        self._roster.note_connections(connections, self._view.members)
        is_known = self._view.is_whole and not self._is_due and counts is not None
        self.currency = self._roster.currency if is_known else "stale"
        blocked = [m for m in self._lost if self._with_blocked and connections.has(m.id)]
        lost = [member for member in self._lost if member not in blocked]
        self.lost = [_lost_process(member, self._ends[member.id]) for member in lost]
        if self._to is None and self.currency == "stale" and connections.numbers:
            call.expect_count(connections.numbers[_CHANNEL])
            return
        connected: list[Member] = blocked
        absent: list[Member] = [] if self._to is None else lost
        for member in self._asked:
            (connected if connections.has(member.id) else absent).append(member)
        call.expect(connected, [*map(self._unreachable, absent), *self._missing])

    async def mark_left(self, call: Call, link: Link) -> None:
        """Mark the processes that have left the roster, so that they do not count as timed out."""
        try:
            async with asyncio.timeout(_LEFT_SECONDS):
                (currency,) = await link.execute(self._roster.currency_command)
                token = self._roster.read_token(currency, link.now())
                if token is not None:
                    call.leave((await self._roster.refresh(token)).members)
        except (LinkDownError, TimeoutError) as error:
            _LOGGER.debug("Could not find out which processes left: %s", error)

    def _look(self, view: View) -> None:
        self._view = view
        self._connections = self._roster.channels.count(
            (*view.members, *(self._to or ())), scoped(self._channel)
        )
        ends = view.lost(self._now)
        members = view.subscribers(self._channel)
        self._missing = []
        if self._to is not None:
            members = self._addressed(view, members)
        self._ends = ends
        self._asked = [member for member in members if member.id not in ends] if ends else members
        self._lost = [member for member in members if member.id in ends] if ends else ()

    def _addressed(self, view: View, subscribers: Sequence[Member]) -> list[Member]:
        """Return the members that can answer; those known not to subscribe are missing immediately."""
        able = {member.id: member for member in subscribers}
        found = []
        for id_ in self._to or ():
            known = view.members.get(id_)
            if known is not None and id_ not in able:
                self._missing.append(self._unreachable(known))
            else:
                found.append(able.get(id_) or Member(id_, *read_id(id_)))
        return found

    def _unreachable(self, member: Member) -> MissingAnswer:
        is_known = member.id in self._view.members
        return MissingAnswer(member.hostname, member.pid, reason="unreachable" if is_known else "left")


def _lost_process(member: Member, end: float) -> LostProcess:
    since = datetime.datetime.fromtimestamp(end - member.silence, tz=datetime.UTC)
    return LostProcess(hostname=member.hostname, pid=member.pid, since=since)
