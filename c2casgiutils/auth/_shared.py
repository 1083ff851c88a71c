"""What the processes of a deployment share through Redis, each on its own without it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from c2casgiutils import redis_utils
from c2casgiutils._outages import Outage

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOGGER = logging.getLogger(__name__)
_T = TypeVar("_T")

_TIMEOUT_SECONDS = 1.0
_REST_SECONDS = 1.0


class _Link:
    """Return whether Redis answered lately: a process does not wait for it again and again."""

    rests_until = 0.0
    outage = Outage(
        _LOGGER,
        "Redis does not answer, sign-ins are watched in this process only: %s",
        "Redis answers again after %.1f s, sign-ins are watched in all processes",
    )

    def failed(self, error: BaseException) -> None:
        self.rests_until = time.monotonic() + _REST_SECONDS
        self.outage.begin(type(error).__name__)


_link = _Link()


def key(name: str) -> str:
    """The name of a key in Redis."""
    return redis_utils.scoped(f"auth_{name}")


async def attempt(
    operation: Callable[["Redis"], Awaitable[_T]], *, timeout_seconds: float = _TIMEOUT_SECONDS
) -> _T | None:
    """Do something in Redis.

    Args:
        operation: What to do; its result is not none.
        timeout_seconds: How long it may last.

    Returns:
        The result, none when Redis is not configured or does not answer.
    """
    client = _client()
    if client is None or time.monotonic() < _link.rests_until:
        return None
    from redis.exceptions import RedisError  # noqa: PLC0415  # heavy

    try:
        async with asyncio.timeout(timeout_seconds):
            result = await operation(client)
    except (RedisError, OSError, TimeoutError) as error:
        _link.failed(error)
        return None
    _link.outage.end()
    return result


def _client() -> "Redis | None":
    try:
        return redis_utils.get()[0]
    except ValueError:
        # half a Sentinel configuration, which the start reports
        return None


def forget() -> None:
    """Start afresh, for a new start in the same process."""
    _link.rests_until = 0.0
