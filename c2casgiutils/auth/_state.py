"""The caches, counters and connections of the authentication on one event loop, in one object.

`startup` creates it and `shutdown` closes it; an application that calls neither gets it with the first
request.
"""

import asyncio
import collections
import logging
import weakref
from typing import TYPE_CHECKING, Any

from c2casgiutils._outages import Outage
from c2casgiutils._process import PerLoop
from c2casgiutils.auth.github._memory import Flights, Memory

if TYPE_CHECKING:
    import httpx

    from c2casgiutils.auth._audit import Entry
    from c2casgiutils.auth._audit_lists import AuditEvent
    from c2casgiutils.auth._counts import Window
    from c2casgiutils.auth._model import UserInfo
    from c2casgiutils.auth.github._client import Rest
    from c2casgiutils.auth.github._permissions import Rights

_LOGGER = logging.getLogger(__name__)

_MAX_UNSAVED = 1000


class State:
    """Caches, counters and connections.

    Attributes:
        redis_rests_until: Redis is not used before this time (monotonic clock), because it did not reply.
        redis_outage: Logs when Redis becomes unreachable and when it is back.
        wrong: Number of wrong credentials by address, if Redis does not count them.
        throttled: By address or network, the time (monotonic clock) until which it has to wait.
        came_in: Addresses that sent a correct secret.
        turns: Locks by address, while they are held or awaited.
        ended: Ended sessions: by token identifier, when the token expires, in seconds since the epoch.
        unsaved: The ended sessions that are not in Redis yet.
        saving_ended: The task that stores them.
        finished: Finished sign-ins; kept separately, since anyone can start sign-ins, which must not displace
            ended sessions.
        unsaved_audit: The records that are not in Redis yet.
        saving_audit: The task that stores them.
        audit: The last records of this process, by kind.
        github: The state of the GitHub client.
    """

    def __init__(self) -> None:
        self.redis_rests_until = 0.0
        self.redis_outage = Outage(
            _LOGGER,
            "Redis does not reply, wrong credentials are counted in this process only: %s",
            "Redis replies again after %.1f s, wrong credentials are counted in all processes",
        )
        self.wrong: dict[str, Window] = {}
        self.throttled: dict[str, float] = {}
        self.came_in: Memory[bool] = Memory()
        self.turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self.ended: dict[str, int] = {}
        self.unsaved: dict[str, int] = {}
        self.saving_ended: asyncio.Task[None] | None = None
        self.finished: dict[str, int] = {}
        self.unsaved_audit: collections.deque[Entry] = collections.deque(maxlen=_MAX_UNSAVED)
        self.saving_audit: asyncio.Task[None] | None = None
        self.audit: collections.defaultdict[str, list[AuditEvent]] = collections.defaultdict(list)
        self.github = GitHubState()

    async def aclose(self) -> None:
        """Cancel what is in progress, and close the connections."""
        for saving in filter(None, (self.saving_audit, self.saving_ended)):
            saving.cancel()
            await asyncio.wait([saving])
        await self.github.aclose()


class GitHubState:
    """Caches about GitHub, and the connections to it.

    Attributes:
        rights: Permissions of users, by fingerprint of the token and repository.
        names: New names of renamed repositories, by the configured name.
        users: Users by fingerprint of their token.
        refreshed: The new tokens, by fingerprint of the refresh token.
        flights: Requests to GitHub that several callers wait for.
        rejected: Fingerprints of tokens that GitHub does not accept.
        rests: Until when GitHub is not asked, for a user or for everybody.
        outage: Logs when GitHub becomes unusable and when it is back.
        client: The HTTP client, created on first use.
    """

    def __init__(self) -> None:
        self.rights: Memory[Rights] = Memory()
        self.names: Memory[str] = Memory()
        self.users: Memory[UserInfo] = Memory()
        self.refreshed: Memory[dict[str, Any]] = Memory()
        self.flights = Flights()
        self.rejected: Memory[bool] = Memory()
        self.rests: dict[str, Rest] = {}
        self.outage = Outage(_LOGGER, "GitHub is unusable: %s", "GitHub is usable again after %.1f s")
        self.client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Cancel requests in progress, and close the connections."""
        await self.flights.aclose()
        client, self.client = self.client, None
        if client is not None:
            await client.aclose()


STATES = PerLoop(State)


def current() -> State:
    """Return the state of the running event loop."""
    return STATES.get()
