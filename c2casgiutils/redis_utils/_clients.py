"""Creation, caching and closing of the clients."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from c2casgiutils import config
from c2casgiutils._process import PerLoop, running_loop
from c2casgiutils.config.redis import missing_of_sentinels, parse_addresses, parse_sentinels
from c2casgiutils.redis_utils import _names, _options

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster
    from redis.asyncio.connection import AbstractConnection
    from redis.asyncio.sentinel import Sentinel

_LINK_OPTIONS: dict[str, Any] = {
    "protocol": 3,
    "db": 0,  # channels have no database, so processes that share channels must share the keys
    "decode_responses": False,
    "health_check_interval": 0,
    "retry_on_timeout": False,
    "socket_timeout": None,  # a silent connection is not an error; the link has its own timeouts
}


@dataclass(frozen=True, slots=True)
class _Clients:
    """The clients of one event loop."""

    master: "Redis"
    slave: "Redis"
    sentinel: "Sentinel | None"

    def all(self) -> "list[Redis]":
        sentinels: list[Redis] = list(self.sentinel.sentinels) if self.sentinel is not None else []
        return [self.master, *([self.slave] if self.slave is not self.master else []), *sentinels]


@dataclass(slots=True)
class _State:
    """The state of one event loop: its clients, and the tasks that close former ones."""

    clients: _Clients | None = None
    closing: set[asyncio.Task[None]] = field(default_factory=set)


_CLIENTS = PerLoop(_State)


def is_configured() -> bool:
    """Return whether Redis is configured."""
    return bool(config.settings.redis.url or config.settings.redis.sentinels)


def get() -> "tuple[Redis | None, Redis | None, Sentinel | None]":
    """Return the clients of the running event loop: for writing, for reading, and the Sentinel client.

    They connect on first use and decode replies to `str`. Without Sentinel the first two are the same; with
    `C2C__REDIS__CLUSTER=True` both are one `redis.asyncio.RedisCluster`.

    Returns:
        `(master, slave, sentinel)`, all `None` if no Redis is configured.

    Raises:
        ValueError: The settings are invalid: Sentinel without service name, an unknown option or scheme.
    """
    if not is_configured():
        return None, None, None
    state = _CLIENTS.get()
    if state.clients is None:
        state.clients = _create_checked()
    clients = state.clients
    return clients.master, clients.slave, clients.sentinel


def check_settings() -> None:
    """End the start if no client can be created from the settings; needs neither Redis nor an event loop.

    Raises:
        ConfigurationError: redis-py does not accept an option, or there are sentinels without a service name.
    """
    if not is_configured():
        return
    try:
        _create_checked()
    except ValueError as error:
        config.end_start([str(error)])


def cleanup() -> None:
    """Forget the clients; the next `get` creates new ones from the current settings.

    Synchronous, for tests and after a fork. The connections of the running event loop are closed in the
    background; use `aclose` to wait for that.
    """
    loop = running_loop()
    state = _CLIENTS.clear().get(loop)
    if loop is None or state is None:
        return
    if state.clients is not None:
        task = loop.create_task(_close(state.clients))
        state.closing.add(task)
        task.add_done_callback(state.closing.discard)
        state.clients = None
    _CLIENTS.set(state)


async def aclose() -> None:
    """Close every connection of the running event loop's clients."""
    state = _CLIENTS.pop()
    if state is None:
        return
    if state.closing:
        await asyncio.wait(state.closing)
    if state.clients is not None:
        await _close(state.clients)


async def _close(clients: _Clients) -> None:
    for client in clients.all():
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            async with asyncio.timeout(2):
                await client.aclose()
                if pool := getattr(client, "connection_pool", None):
                    await pool.disconnect()


def _create_checked() -> _Clients:
    """Create the clients; an option that redis-py rejects raises now, not at each connection."""
    for problem in missing_of_sentinels(config.settings.redis):
        raise ValueError(problem)
    settings = config.settings.redis
    sentinel = _create_sentinel() if settings.sentinels else None
    with _options.checked("OPTIONS", settings.options):
        if sentinel is not None:
            clients = _create_behind(sentinel)
        else:
            clients = _create_cluster() if settings.cluster else _create_single()
        _try_out(clients.all())
    return clients


def _try_out(clients: "Iterable[Redis]") -> None:
    """Create and discard a connection of each client, which validates the options."""
    for client in clients:
        if pool := getattr(client, "connection_pool", None):
            pool.make_connection()


def _client_class() -> "type[Redis]":
    """Return the class of the clients, which costs nothing while they are not measured."""
    if config.settings.redis.metrics:
        from c2casgiutils.redis_utils._measured import MeasuredRedis

        return MeasuredRedis
    from redis.asyncio import Redis

    return Redis


def _cluster_class() -> "type[RedisCluster]":
    if config.settings.redis.metrics:
        from c2casgiutils.redis_utils._measured import MeasuredCluster

        return MeasuredCluster
    from redis.asyncio import RedisCluster

    return RedisCluster


def _create_single() -> _Clients:
    from redis.asyncio import BlockingConnectionPool

    options = {**_options.of_redis(), "decode_responses": True}
    if options.pop("ssl", False):
        from redis.asyncio import SSLConnection

        options["connection_class"] = SSLConnection
    pool = BlockingConnectionPool.from_url(str(config.settings.redis.url), **_options.of_pool(), **options)
    client = _client_class().from_pool(pool)
    return _Clients(client, client, None)


def _create_cluster() -> _Clients:
    from redis.asyncio.cluster import ClusterNode
    from redis.asyncio.connection import parse_url

    options = {**_options.of_redis(), "decode_responses": True}
    options.pop("db")
    first, *others = parse_addresses(str(config.settings.redis.url))
    nodes: list[Any] = [{"port": 6379, **parse_url(url)} for url in others]
    options["startup_nodes"] = [ClusterNode(node["host"], node["port"]) for node in nodes]
    client: Any = _cluster_class().from_url(first, **options)
    return _Clients(client, client, None)


def _create_sentinel() -> "Sentinel":
    from c2casgiutils.redis_utils._sentinel import Sentinels

    settings = config.settings.redis
    of_redis = {**_options.of_redis(), "decode_responses": True}
    given = settings.sentinel_options
    blamed = ("SENTINEL_OPTIONS", given) if given else ("OPTIONS", settings.options)
    with _options.checked(*blamed):
        sentinel = Sentinels(
            parse_sentinels(settings.sentinels or ""),
            {**_options.DEFAULTS, **given} if given else _options.for_sentinels(of_redis),
            has_credentials_of_redis=not given,
            **of_redis,
        )
        _try_out(sentinel.sentinels)
    return sentinel


def _create_behind(sentinel: "Sentinel") -> _Clients:
    from c2casgiutils.redis_utils._sentinel import BlockingSentinelPool

    service = str(config.settings.redis.servicename)
    pool: Any = BlockingSentinelPool
    options = {"redis_class": _client_class(), "connection_pool_class": pool, **_options.of_pool()}
    master = sentinel.master_for(service, **options)
    slave = sentinel.slave_for(service, **options)
    return _Clients(master, slave, sentinel)


async def create_link_connection(parser_class: type[Any]) -> "AbstractConnection":
    """Return a dedicated connection for publish and subscribe, not connected yet, outside of the pool.

    It uses RESP3 (https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md) without
    decoding. With Sentinel it connects to the master, with Cluster to the node that holds the keys of this
    service.

    Args:
        parser_class: The parser class for redis-py.
    """
    master, _, _ = get()
    if master is None:
        raise ValueError("C2C__REDIS__URL and C2C__REDIS__SENTINELS are not set")
    options = {**_LINK_OPTIONS, "parser_class": parser_class}
    if config.settings.redis.cluster and not config.settings.redis.sentinels:
        return await _cluster_connection(master, options)
    pool = master.connection_pool
    return pool.connection_class(**{**pool.connection_kwargs, "retry": None, **options})


async def is_master_connection(connection: "AbstractConnection") -> bool:
    """Ask the sentinels whether a connection still goes to the master; `True` if none of them answers.

    A master that was replaced by hand continues to accept commands for up to ten seconds.
    """
    from redis.exceptions import RedisError

    master, _, _ = get()
    pool: Any = master.connection_pool if master is not None else None
    try:
        async with asyncio.timeout(1):
            host, port = await pool.get_master_address()
    except (RedisError, OSError, TimeoutError):
        return True
    return (host, port) == (getattr(connection, "host", host), getattr(connection, "port", port))


async def _cluster_connection(cluster: Any, options: dict[str, Any]) -> "AbstractConnection":
    await cluster.initialize()
    await cluster.nodes_manager.initialize()  # the slots may have moved
    node = cluster.get_node_from_key(_names.scoped(""))
    return node.connection_class(**{**node.connection_kwargs, "retry": None, **options})  # type: ignore[no-any-return]  # a class of redis-py
