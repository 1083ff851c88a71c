"""The Sentinel client, and a blocking connection pool for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio.client import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from c2casgiutils._tasks import Failure, caught
from c2casgiutils.redis_utils._names import describe

_NEXT_SECONDS = 0.1

_T = TypeVar("_T")


class _CredentialsOfRedis(CredentialProvider):
    """Credentials for a sentinel that are dropped if it refuses them: many need none, although Redis does."""

    def __init__(self, username: str | None, password: str) -> None:
        self.are_sent = True
        self._values = (username, password) if username else (password,)

    async def get_credentials_async(self) -> Any:
        """Return the credentials, or none after a refusal."""
        return self._values if self.are_sent else ()


class Sentinels(Sentinel):
    """A `Sentinel` that does not wait for a slow sentinel before it asks the next, and uses the first answer.

    redis-py asks them one after the other, waiting for all timeouts and retries of each.

    Args:
        addresses: Their hosts and ports.
        options: Keyword arguments of the connections to the sentinels.
        has_credentials_of_redis: The options contain the credentials of Redis; a sentinel that refuses them
            is asked again without.
        options_of_redis: Keyword arguments of the connections to Redis.
    """

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        options: dict[str, Any],
        *,
        has_credentials_of_redis: bool,
        **options_of_redis: Any,
    ) -> None:
        options = {"retry": Retry(NoBackoff(), 0), **options}
        providers = []
        if has_credentials_of_redis and options.get("password"):
            username, password = options.pop("username", None), options.pop("password")
            providers = [_CredentialsOfRedis(username, password) for _ in addresses]
        super().__init__(addresses, sentinel_kwargs=options, **options_of_redis)  # type: ignore[no-untyped-call]  # redis-py
        for sentinel, provider in zip(self.sentinels, providers, strict=False):
            sentinel.connection_pool.connection_kwargs["credential_provider"] = provider
        self._preferred: Redis | None = None

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the host and port of the master.

        Raises:
            MasterNotFoundError: No sentinel knows a master.
        """

        async def find(sentinel: Redis) -> tuple[str, int] | None:
            masters: Any = await sentinel.sentinel_masters()
            state = masters.get(service_name)
            if not state or not self.check_master_state(state, service_name):
                return None
            return state["ip"], state["port"]

        address, problems = await self._ask(find)
        if address is None:
            raise MasterNotFoundError(f"No master found for {service_name!r}: {', '.join(problems)}")
        return address

    async def discover_slaves(self, service_name: str) -> list[tuple[str, int]]:
        """Return the hosts and ports of the replicas that are up."""

        async def find(sentinel: Redis) -> list[tuple[str, int]] | None:
            replicas: Any = self.filter_slaves(await sentinel.sentinel_slaves(service_name))
            return list(replicas) or None

        found, _ = await self._ask(find)
        return found or []

    async def _ask(self, find: Callable[[Redis], Awaitable[_T | None]]) -> tuple[_T | None, list[str]]:
        """Return the first valid answer, and the problems of the sentinels that failed before."""
        problems: list[str] = []
        waiting = sorted(self.sentinels, key=lambda sentinel: sentinel is not self._preferred)
        asked: dict[asyncio.Task[_T | Failure | None], Redis] = {}
        try:
            while waiting or asked:
                if waiting:
                    sentinel = waiting.pop(0)
                    asked[asyncio.create_task(caught(self._ask_one(sentinel, find)))] = sentinel
                ended, _ = await asyncio.wait(
                    asked, timeout=_NEXT_SECONDS if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    sentinel, result = asked.pop(task), task.result()
                    if result is not None and not isinstance(result, Failure):
                        self._preferred = sentinel
                        return result, problems
                    if isinstance(result, Failure) and not isinstance(result.error, RedisError | OSError):
                        raise result.error
                    problems.append(_problem_of(sentinel, result))
        finally:
            for task in asked:
                task.cancel()
            if asked:
                await asyncio.wait(asked)
        return None, problems

    async def _ask_one(self, sentinel: Redis, find: Callable[[Redis], Awaitable[_T | None]]) -> _T | None:
        credentials = sentinel.connection_pool.connection_kwargs.get("credential_provider")
        were_sent = credentials.are_sent if isinstance(credentials, _CredentialsOfRedis) else False
        try:
            return await find(sentinel)
        except AuthenticationError:
            if not isinstance(credentials, _CredentialsOfRedis):
                raise
            credentials.are_sent = not were_sent
            return await find(sentinel)


def _problem_of(sentinel: Redis, result: object) -> str:
    address = sentinel.connection_pool.connection_kwargs
    problem = describe(result.error) if isinstance(result, Failure) else "does not know it"
    return f"{address['host']}:{address['port']} {problem}"


class BlockingSentinelPool(SentinelConnectionPool):
    """A `SentinelConnectionPool` whose callers wait for a free connection instead of raising an error."""

    def __init__(self, service_name: str, sentinel_manager: Any, **options: Any) -> None:
        self._wait_seconds = options.pop("timeout", 2)
        self._free = asyncio.Semaphore(options.get("max_connections", 10))
        super().__init__(service_name, sentinel_manager, **options)  # type: ignore[no-untyped-call]  # redis-py

    async def get_connection(self, *_arguments: Any, **_options: Any) -> AbstractConnection:
        """Return a connected connection, waiting until one is free."""
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
        """Return a connection to the pool."""
        try:
            await super().release(connection)
        finally:
            self._free.release()
