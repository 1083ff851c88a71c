"""A start that waits for Redis, while the library goes on without it after a second."""

from fastapi import FastAPI

from c2casgiutils import broadcast
from c2casgiutils.broadcast.redis import RedisBroadcaster
from tests.support.net import eventually


async def start(app: FastAPI | None = None) -> None:
    """Start the broadcast with a Redis that is there."""
    await broadcast.startup(app)
    await connected()


async def connected(broadcaster: RedisBroadcaster | None = None) -> None:
    """Wait until this process is in the roster and has read what is stored, however busy the machine is.

    Args:
        broadcaster: Another one than that of the event loop.
    """
    found = broadcaster or broadcast.redis_broadcaster()
    assert found is not None

    async def is_connected() -> bool:
        return found.is_listening and found._ready.is_set() and not found._restoring

    await eventually(is_connected, what="the connection to Redis after the start")
