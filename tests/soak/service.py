"""The service under test: Redis in one of three forms, and real processes in front of it."""

import asyncio
import contextlib
import shutil
import time
from pathlib import Path
from typing import Any, Self

import httpx

from tests.soak.record import FOREVER, Life, Loss, Record, Trouble
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn
from tests.support.proxy import Proxy
from tests.support.redis_groups import ClusterGroup, SentinelGroup

BEAT_SECONDS = 1
SECRET = "s3cret-of-the-soak-test"
_PREFIX = "soak_"
_REQUEST_SECONDS = 15
"""Longer than any process is stopped."""


class Node:
    """One process of the service, with a proxy of its own before Redis if Redis is a single server."""

    def __init__(self, server: Uvicorn, proxy: Proxy | None, client: httpx.AsyncClient) -> None:
        self.server = server
        self.proxy = proxy
        self.client = client
        self.life = Life(server.pid, time.monotonic())

    @property
    def pid(self) -> int:
        return self.life.pid


class Single:
    """One redis-server that writes everything to its disk before it acknowledges."""

    name = "single"

    def __init__(self) -> None:
        self.server = RedisServer("--appendonly", "yes", "--appendfsync", "always")
        self.group = self.server

    def settings(self, proxy: Proxy | None) -> dict[str, str]:
        assert proxy is not None
        return {"C2C__REDIS__URL": f"redis://127.0.0.1:{proxy.port}"}

    def forget(self) -> None:
        """Remove what the stopped server wrote to its disk."""
        shutil.rmtree(Path(self.server.directory) / "appendonlydir", ignore_errors=True)


class Sentinel:
    """A master, a replica and three sentinels."""

    name = "sentinel"

    def __init__(self) -> None:
        self.group = SentinelGroup()

    def settings(self, _: Proxy | None) -> dict[str, str]:
        return {"C2C__REDIS__SENTINELS": self.group.addresses, "C2C__REDIS__SERVICENAME": "service"}


class Cluster:
    """A Redis Cluster of three masters with a replica each."""

    name = "cluster"

    def __init__(self) -> None:
        self.group = ClusterGroup(replicas=True)

    def settings(self, _: Proxy | None) -> dict[str, str]:
        start = next(node for node in self.group.nodes if node not in self.pair())  # one that no fault ends
        return {"C2C__REDIS__URL": start.url, "C2C__REDIS__CLUSTER": "true"}

    def pair(self) -> tuple[RedisServer, RedisServer]:
        """Return the present master of the names of the service, and its replica."""
        with self.group.nodes[0].client() as client:
            slot = int(client.execute_command("CLUSTER", "KEYSLOT", f"{{{_PREFIX}}}"))
        return self.group.pair(slot)


class Service:
    """Everything that a run starts, and the record of what happened to it.

    Args:
        redis: Which form of Redis.
        record: Where lives and troubles are written down.
    """

    def __init__(self, redis: Single | Sentinel | Cluster, record: Record) -> None:
        self.redis = redis
        self.record = record
        self.nodes: list[Node] = []
        self._stack = contextlib.AsyncExitStack()
        self._started: list[Uvicorn] = []

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await asyncio.to_thread(self.redis.group.__enter__)
            stack.callback(self.redis.group.__exit__, None, None, None)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def tell(self, text: str) -> None:
        self.record.story.append((time.monotonic(), text))

    def logs(self) -> dict[int, str]:
        """Return what each process logged, by pid."""
        return {server.pid: server.output for server in self._started}

    async def start_node(self) -> Node:
        """Start a process and wait until it serves."""
        proxy = None
        if isinstance(self.redis, Single):
            proxy = await self._stack.enter_async_context(Proxy(self.redis.server.port))
        server = Uvicorn(
            "tests.soak.application:app",
            *("--log-level", "warning"),
            env={
                **self.redis.settings(proxy),
                "C2C__REDIS__BROADCAST_PREFIX": _PREFIX,
                "C2C__REDIS__BROADCAST_SECRET": SECRET,
                "C2C__INSTANCES__HEARTBEAT": str(BEAT_SECONDS),
                "C2C__AUTH__SECRET": SECRET,
            },
        )
        self._stack.callback(server.__exit__)
        self._started.append(server)
        await asyncio.to_thread(super(Uvicorn, server).start)
        client = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=server.url, headers={"X-API-Key": SECRET}, timeout=_REQUEST_SECONDS, trust_env=False
            )
        )
        await asyncio.to_thread(wait_for, lambda: _serves(server), seconds=60, what="a process")
        node = Node(server, proxy, client)
        self.nodes.append(node)
        self.record.lives.append(node.life)
        self.tell(f"process {node.pid} serves")
        return node

    async def end_node(self, node: Node, *, clean: bool) -> None:
        """End a process: by SIGTERM and its own shutdown, or at once."""
        self.nodes.remove(node)
        node.life.clean, node.life.ending = clean, time.monotonic()
        await asyncio.to_thread(node.server.terminate if clean else node.server.kill)
        node.life.ended = time.monotonic()
        self.tell(f"process {node.pid} ended, {'cleanly' if clean else 'killed'}")

    @contextlib.contextmanager
    def trouble(self, what: str, node: Node | None = None) -> Any:
        """Write down that a process, or all, are in trouble during the block."""
        trouble = Trouble(what, node.pid if node else None, time.monotonic())
        self.record.troubles.append(trouble)
        self.tell(f"{what}: {node.pid if node else 'all'}")
        try:
            yield
        finally:
            trouble.end = time.monotonic()
            self.tell(f"end of {what}")

    @contextlib.contextmanager
    def loss(self, what: str) -> Any:
        """Write down that Redis may forget in the block what it acknowledged before."""
        loss = Loss(what, time.monotonic(), FOREVER)
        self.record.losses.append(loss)
        try:
            yield
        finally:
            loss.end = time.monotonic()


def _serves(server: Uvicorn) -> bool:
    assert server.process is not None
    if server.process.poll() is not None:
        raise AssertionError(f"a process ended with {server.process.returncode}:\n{server.output}")
    try:
        httpx.get(server.url + "/", timeout=5, trust_env=False)
    except httpx.TransportError:
        return False
    return True
