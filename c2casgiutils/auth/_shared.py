"""What the processes of a deployment share through Redis, each on its own without it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from c2casgiutils import redis_utils
from c2casgiutils._outages import waiting
from c2casgiutils.auth import _state

if TYPE_CHECKING:
    from redis.asyncio import Redis

_T = TypeVar("_T")

_TIMEOUT_SECONDS = 1.0
_REST_SECONDS = 1.0


def key(name: str) -> str:
    """Return the name of a key in Redis."""
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
    state = _state.current()
    if client is None or time.monotonic() < state.redis_rests_until:
        return None
    from redis.exceptions import RedisError

    try:
        with waiting(timeout_seconds) as seconds:
            async with asyncio.timeout(seconds):
                result = await operation(client)
    except UnicodeDecodeError:
        return None  # somebody else wrote there, Redis itself is well
    except (RedisError, OSError, TimeoutError) as error:
        if "WRONGTYPE" in str(error):
            return None
        # the process does not wait for it again and again
        state.redis_rests_until = time.monotonic() + _REST_SECONDS
        state.redis_outage.begin(type(error).__name__)
        return None
    state.redis_outage.end()
    return result


def as_bytes(redis: "Redis", *command: Any) -> Any:
    """Run a command, or put it into a pipeline, whose answer may be what others wrote, and not text."""
    from redis.client import NEVER_DECODE

    return redis.execute_command(*command, **{NEVER_DECODE: True})  # type: ignore[no-untyped-call]  # of redis-py


def _client() -> "Redis | None":
    try:
        return redis_utils.get()[0]
    except ValueError:
        # half a Sentinel configuration, which the start reports
        return None
