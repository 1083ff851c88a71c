"""Data that the processes share through Redis; without it, each process has its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from c2casgiutils import redis_utils
from c2casgiutils._outages import waiting
from c2casgiutils.auth import _state
from c2casgiutils.redis_utils._failures import is_failure

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
    """Run an operation in Redis.

    Args:
        operation: The operation; its result must not be `None`.
        timeout_seconds: Maximum duration.

    Returns:
        The result, `None` if Redis is not configured or does not reply.
    """
    client = _client()
    state = _state.current()
    if client is None or time.monotonic() < state.redis_rests_until:
        return None
    try:
        with waiting(timeout_seconds) as seconds:
            async with asyncio.timeout(seconds):
                result = await operation(client)
    except UnicodeDecodeError:
        return None  # written by another program; Redis itself works
    except Exception as error:
        if not is_failure(error):
            raise
        if "WRONGTYPE" in str(error):
            return None
        # avoids waiting for every request
        state.redis_rests_until = time.monotonic() + _REST_SECONDS
        state.redis_outage.begin(type(error).__name__)
        return None
    state.redis_outage.end()
    return result


def as_bytes(redis: "Redis", *command: Any) -> Any:
    """Run a command, or add it to a pipeline, without decoding the reply, which may not be text."""
    return redis.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]  # of redis-py


def _client() -> "Redis | None":
    try:
        return redis_utils.get()[0]
    except ValueError:
        # incomplete Sentinel settings, which are reported at the start
        return None
