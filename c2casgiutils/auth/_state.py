"""What the authentication remembers and holds open on one event loop, in one object.

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

    from c2casgiutils.auth._audit_lists import AuditEvent
    from c2casgiutils.auth._counts import Window
    from c2casgiutils.auth._model import UserInfo
    from c2casgiutils.auth.github._client import Rest
    from c2casgiutils.auth.github._permissions import Rights

_LOGGER = logging.getLogger(__name__)


class State:
    """Caches, counts and connections.

    Attributes:
        redis_rests_until: Redis is not asked before, by the monotonic clock: it did not answer.
        redis_outage: Logs when Redis begins and ceases to be unreachable.
        wrong: Wrong credentials by address, when Redis does not count them.
        throttled: Until when an address or network has to wait, by the monotonic clock.
        came_in: Addresses that sent a right secret.
        turns: Locks by address, as long as somebody holds or awaits them.
        ended: Ended sessions, by token identifier: when the token expires, in seconds since the epoch.
        unsaved: Those of them that are not in Redis yet.
        finished: Finished sign-ins; apart, since anybody can begin sign-ins, which must not push ended
            sessions out.
        audit: The last records of this process, by kind.
        github: What is known of GitHub.
    """

    def __init__(self) -> None:
        self.redis_rests_until = 0.0
        self.redis_outage = Outage(
            _LOGGER,
            "Redis does not answer, sign-ins are watched in this process only: %s",
            "Redis answers again after %.1f s, sign-ins are watched in all processes",
        )
        self.wrong: dict[str, Window] = {}
        self.throttled: dict[str, float] = {}
        self.came_in: Memory[bool] = Memory()
        self.turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self.ended: dict[str, int] = {}
        self.unsaved: dict[str, int] = {}
        self.finished: dict[str, int] = {}
        self.audit: collections.defaultdict[str, list[AuditEvent]] = collections.defaultdict(list)
        self.github = GitHubState()


class GitHubState:
    """What is known of GitHub, and the connections to it.

    Attributes:
        rights: Permissions of users, by fingerprint of the token and repository.
        names: New names of renamed repositories, by the configured name.
        users: Users by fingerprint of their token.
        refreshed: The next tokens, by fingerprint of the refresh token.
        flights: Questions that several requests wait for.
        rejected: Tokens that GitHub does not know, by fingerprint.
        rests: When GitHub is asked again; by user, or for everybody.
        outage: Logs when GitHub begins and ceases to be unusable.
        client: The HTTP client, once it is needed.
    """

    def __init__(self) -> None:
        self.rights: Memory[Rights] = Memory()
        self.names: Memory[str] = Memory()
        self.users: Memory[UserInfo] = Memory()
        self.refreshed: Memory[dict[str, Any]] = Memory()
        self.flights = Flights()
        self.rejected: Memory[bool] = Memory()
        self.rests: dict[str, Rest] = {}
        self.outage = Outage(
            _LOGGER, "GitHub gives no usable answer: %s", "GitHub answers again after %.1f s"
        )
        self.client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """End what is being asked, and close the connections."""
        await self.flights.aclose()
        client, self.client = self.client, None
        if client is not None:
            await client.aclose()


STATES = PerLoop(State)


def current() -> State:
    """Return the state of the running event loop."""
    return STATES.get()
