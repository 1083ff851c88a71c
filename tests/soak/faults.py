"""The library of faults. Each one breaks something, waits, and mends it again.

A fault gets the service and the source of random numbers of the run, so that a seed tells which faults come
in which order, and how long they last.
"""

import asyncio
import contextlib
import random
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import redis

from tests.soak.record import NO_MEMORY
from tests.soak.service import Cluster, Node, Sentinel, Service, Single
from tests.support.net import wait_for
from tests.support.processes import RedisServer
from tests.support.proxy import Proxy
from tests.support.redis_groups import ClusterGroup

Fault = Callable[[Service, random.Random], Coroutine[Any, Any, None]]

_MOST_PROCESSES = 5
_FAILOVERS = 8
_FILLERS = 4000
"""Keys that Redis loads slowly, half a millisecond each."""


async def _pause(rng: random.Random, least: float = 0.5, most: float = 5) -> None:
    await asyncio.sleep(rng.uniform(least, most))


# Processes


async def kill(service: Service, rng: random.Random) -> None:
    """Kill a process, and start another one later."""
    await service.end_node(rng.choice(service.nodes), clean=False)
    await _pause(rng)
    await service.start_node()


async def terminate(service: Service, rng: random.Random) -> None:
    """End a process cleanly, and start another one later."""
    await service.end_node(rng.choice(service.nodes), clean=True)
    await _pause(rng)
    await service.start_node()


async def add(service: Service, rng: random.Random) -> None:
    """Start one more process, or kill one when there are many."""
    if len(service.nodes) < _MOST_PROCESSES:
        await service.start_node()
    else:
        await service.end_node(rng.choice(service.nodes), clean=False)


async def stop(service: Service, rng: random.Random) -> None:
    """Stop a process and let it go on."""
    node = rng.choice(service.nodes)
    with service.trouble("stopped", node):
        node.server.signal(signal.SIGSTOP)
        try:
            await _pause(rng, 1, 7)
        finally:
            node.server.signal(signal.SIGCONT)


async def stop_while_another_starts(service: Service, rng: random.Random) -> None:
    """Stop a process long enough that it is forgotten, and kill and start another one meanwhile."""
    node, other = rng.sample(service.nodes, 2)
    with service.trouble("stopped", node):
        node.server.signal(signal.SIGSTOP)
        try:
            await service.end_node(other, clean=False)
            await service.start_node()
            await _pause(rng, 2, 4)
        finally:
            node.server.signal(signal.SIGCONT)


# The network


def _some(service: Service, rng: random.Random) -> list[Node]:
    """Return one process, or all of them."""
    return list(service.nodes) if rng.random() < 0.3 else [rng.choice(service.nodes)]


def _proxy(node: Node) -> Proxy:
    assert node.proxy is not None
    return node.proxy


async def black_hole(service: Service, rng: random.Random) -> None:
    """Let nothing pass between Redis and one process or all; what was on its way arrives late."""
    nodes = _some(service, rng)
    with contextlib.ExitStack() as stack:
        for node in nodes:
            stack.enter_context(service.trouble("black hole", node))
            _proxy(node).hold()
            stack.callback(_proxy(node).release)
        await _pause(rng, 1, 7)


async def cut(service: Service, rng: random.Random) -> None:
    """Cut the connections of one process or all, a few times."""
    nodes = _some(service, rng)
    with contextlib.ExitStack() as stack:
        for node in nodes:
            stack.enter_context(service.trouble("cut", node))
        for _ in range(rng.randint(1, 4)):
            for node in nodes:
                _proxy(node).cut()
            await _pause(rng, 0.05, 1)


async def latency(service: Service, rng: random.Random) -> None:
    """Delay the answers of Redis to one process or all."""
    nodes = _some(service, rng)
    seconds = rng.choice([0.05, 0.2, 0.5])
    with contextlib.ExitStack() as stack:
        for node in nodes:
            stack.enter_context(service.trouble(f"latency of {seconds} s", node))
            _proxy(node).delay = seconds
            stack.callback(setattr, _proxy(node), "delay", 0)
        await _pause(rng, 1, 5)


# One redis-server


def _server(service: Service) -> RedisServer:
    assert isinstance(service.redis, Single)
    return service.redis.server


async def restart(service: Service, rng: random.Random) -> None:
    """Kill Redis and start it again with its data."""
    server = _server(service)
    with service.trouble("restart with data"):
        await asyncio.to_thread(server.kill)
        await _pause(rng)
        await asyncio.to_thread(server.start)


async def restart_empty(service: Service, rng: random.Random) -> None:
    """Kill Redis and start it again without its data."""
    server = _server(service)
    assert isinstance(service.redis, Single)
    with service.trouble("restart empty"), service.loss("restart empty"):
        await asyncio.to_thread(server.kill)
        service.redis.forget()
        await _pause(rng)
        await asyncio.to_thread(server.start)


async def flush(service: Service, rng: random.Random) -> None:
    """Remove all keys, a few times."""
    for _ in range(rng.randint(1, 3)):
        with service.loss("FLUSHALL"):
            service.tell("FLUSHALL")
            await asyncio.to_thread(_call, _server(service), "FLUSHALL")
        await _pause(rng, 0.1, 2)


async def loading(service: Service, rng: random.Random) -> None:
    """Restart Redis with so much data that it answers LOADING for a while, and a process meanwhile."""
    server = _server(service)
    command = list(server.command)
    with service.trouble("loading"):
        await asyncio.to_thread(_fill, server)
        await asyncio.to_thread(server.kill)
        server.command = [*command, "--key-load-delay", "500"]
        try:
            start = asyncio.create_task(asyncio.to_thread(server.start))
            await service.end_node(rng.choice(service.nodes), clean=False)
            await service.start_node()
            await start
        finally:
            server.command = command
        await asyncio.to_thread(_call, server, "CONFIG", "SET", "key-load-delay", "0")
        await asyncio.to_thread(_unfill, server)


def _fill(server: RedisServer) -> None:
    with server.client() as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(_FILLERS):
            pipeline.set(f"filler:{number}", "x")
        pipeline.execute()


def _unfill(server: RedisServer) -> None:
    with server.client() as client:
        client.delete(*(f"filler:{number}" for number in range(_FILLERS)))


async def no_memory(service: Service, rng: random.Random) -> None:
    """Let Redis refuse all writes."""
    server = _server(service)
    with service.trouble(NO_MEMORY):
        await asyncio.to_thread(_call, server, "CONFIG", "SET", "maxmemory", "1")
        try:
            await _pause(rng, 1, 6)
        finally:
            await asyncio.to_thread(_call, server, "CONFIG", "SET", "maxmemory", "0")


def _call(server: RedisServer, *command: str) -> Any:
    with server.client() as client:
        return client.execute_command(*command)


# Failovers


async def sentinel_failover(service: Service, rng: random.Random) -> None:
    """Let the sentinels promote the replica, while the old master lives or after its death."""
    assert isinstance(service.redis, Sentinel)
    group = service.redis.group
    old = group.sentinels[0].master_port
    server = group.master if group.master.port == old else group.replica
    kills = rng.random() < 0.5
    with service.trouble("failover"), service.loss("failover"):
        if kills:
            await asyncio.to_thread(server.kill)
        else:
            await asyncio.to_thread(group.sentinels[0].ask, "SENTINEL", "FAILOVER", "service")
        await asyncio.to_thread(
            wait_for,
            lambda: all(sentinel.master_port != old for sentinel in group.sentinels),
            seconds=40,
            what="a failover",
        )
        if kills:
            await asyncio.to_thread(server.start)
        await asyncio.to_thread(wait_for, group.is_whole, seconds=40, what="a replica in step")


async def cluster_failover(service: Service, rng: random.Random) -> None:
    """Promote the replica of the node that has the names of the service, agreed or after a death."""
    assert isinstance(service.redis, Cluster)
    group = service.redis.group
    master, replica = await asyncio.to_thread(service.redis.pair)
    kills = rng.random() < 0.5
    with service.trouble("failover"), service.loss("failover"):
        if kills:
            await asyncio.to_thread(master.kill)
        await asyncio.to_thread(_promote, group, replica, *(["TAKEOVER"] if kills else []))
        if kills:
            await asyncio.to_thread(master.start)
        await asyncio.to_thread(wait_for, group.is_whole, seconds=40, what="a replica in step")


def _promote(group: ClusterGroup, replica: RedisServer, *how: str) -> None:
    """Ask for a failover until it happens: Redis gives up one that takes longer than 5 s."""
    for _ in range(_FAILOVERS):
        with contextlib.suppress(redis.ResponseError):  # it is the master by now
            _call(replica, "CLUSTER", "FAILOVER", *how)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: group.is_master(replica), seconds=8, what="a failover")
            return
    raise AssertionError("a failover did not happen")


PROCESS_FAULTS: list[Fault] = [kill, terminate, add, stop, stop_while_another_starts]
"""What can happen to processes."""
REDIS_FAULTS: dict[str, list[Fault]] = {
    Single.name: [black_hole, cut, latency, restart, restart_empty, flush, loading, no_memory],
    Sentinel.name: [sentinel_failover],
    Cluster.name: [cluster_failover],
}
"""What can happen to each form of Redis."""
