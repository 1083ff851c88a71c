"""The pool of a Sentinel client, with a bound and waiting in line."""

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError


class BlockingSentinelPool(SentinelConnectionPool):
    """A `SentinelConnectionPool` whose callers wait for a free connection instead of getting an error."""

    def __init__(self, service_name: str, sentinel_manager: Any, **options: Any) -> None:
        self._wait_seconds = options.pop("timeout", 2)
        self._free = asyncio.Semaphore(options.get("max_connections", 10))
        super().__init__(service_name, sentinel_manager, **options)  # type: ignore[no-untyped-call]  # redis-py

    async def get_connection(self, *_arguments: Any, **_options: Any) -> AbstractConnection:
        """Return a connected connection, once one is free."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise RedisConnectionError("No connection available.") from None
        try:
            connection: AbstractConnection = await super().get_connection()  # type: ignore[no-untyped-call]  # redis-py
        except BaseException:
            self._free.release()
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Give a connection back."""
        try:
            await super().release(connection)
        finally:
            self._free.release()
