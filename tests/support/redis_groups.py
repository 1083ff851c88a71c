"""Several redis-servers that belong together: Sentinel and Cluster, on free ports of the loopback."""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

import redis

from tests.support.net import free_port, wait_for
from tests.support.processes import Process, RedisServer, binary


class SentinelProcess(Process):
    """A redis-sentinel with a configuration file of its own."""

    def __init__(self, master_port: int, *lines: str, down_after: int = 1000) -> None:
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="c2casgiutils-sentinel-"))
        file = self.directory / "sentinel.conf"
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.directory}\n"
            f"sentinel monitor service 127.0.0.1 {master_port} 2\n"
            f"sentinel down-after-milliseconds service {down_after}\n"
            "sentinel failover-timeout service 3000\n" + "".join(f"{line}\n" for line in lines),
            encoding="ascii",
        )
        super().__init__([binary("redis-sentinel", "redis-sentinel"), str(file)])

    def ask(self, *arguments: str) -> Any:
        with redis.Redis(port=self.port, decode_responses=True, socket_timeout=5) as client:
            return client.execute_command(*arguments)

    @property
    def master_port(self) -> int:
        return int(self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "service")[1])

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        shutil.rmtree(self.directory, ignore_errors=True)


class SentinelGroup:
    """A master, a replica and three sentinels."""

    def __init__(self) -> None:
        self.master = RedisServer()
        self.replica = RedisServer("--replicaof", "127.0.0.1", str(self.master.port))
        self.sentinels = [SentinelProcess(self.master.port) for _ in range(3)]
        self._stack = contextlib.ExitStack()

    @property
    def addresses(self) -> str:
        return ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)

    def _ready(self) -> bool:
        for sentinel in self.sentinels:
            try:
                master = sentinel.ask("SENTINEL", "MASTERS")[0]
            except (redis.exceptions.RedisError, IndexError):
                return False
            values = master if isinstance(master, dict) else dict(zip(master[::2], master[1::2], strict=True))
            if (int(values["num-slaves"]), int(values["num-other-sentinels"])) != (1, 2):
                return False
        return True

    def is_whole(self) -> bool:
        """Return whether the current master has a synchronised replica."""
        port = self.sentinels[0].master_port
        try:
            return _has_replica(self.master if self.master.port == port else self.replica)
        except redis.exceptions.RedisError:
            return False

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for server in (self.master, self.replica, *self.sentinels):
                stack.enter_context(server)
            wait_for(self._ready, seconds=30, what="the sentinels")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


_MASTERS = 3


class ClusterGroup:
    """Three masters of a Redis Cluster, with or without a replica each."""

    def __init__(self, *, replicas: bool = False) -> None:
        self.nodes = [
            RedisServer(
                *("--cluster-enabled", "yes", "--cluster-node-timeout", "1000"),
                *("--cluster-port", str(free_port()), "--cluster-require-full-coverage", "no"),
            )
            for _ in range(2 * _MASTERS if replicas else _MASTERS)
        ]
        self._stack = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return self.nodes[0].url

    def owner(self, slot: int) -> RedisServer:
        """The master of a slot, as it was at the start."""
        return self.nodes[self._index(slot)]

    def pair(self, slot: int) -> tuple[RedisServer, RedisServer]:
        """The present master of a slot, and its replica."""
        pair = self.owner(slot), self.nodes[self._index(slot) + _MASTERS]
        return pair if self.is_master(pair[0]) else pair[::-1]

    @staticmethod
    def _index(slot: int) -> int:
        return min(slot // 5462, _MASTERS - 1)

    @staticmethod
    def is_master(node: RedisServer) -> bool:
        with node.client() as client:
            return bool(client.info("replication")["role"] == "master")

    def is_whole(self) -> bool:
        """Return whether each master is known to all nodes and has a synchronised replica."""
        try:
            masters = [node for node in self.nodes if self.is_master(node)]
            return self._ready() and len(masters) == _MASTERS and all(map(_has_replica, masters))
        except redis.exceptions.RedisError:
            return False

    def _ready(self) -> bool:
        for node in self.nodes:
            with node.client() as client:
                info = client.execute_command("CLUSTER", "INFO")
                text = info if isinstance(info, str) else str(info)
                if "ok" not in text.split("cluster_slots")[0] or len(
                    client.execute_command("CLUSTER", "NODES")
                ) < len(self.nodes):
                    return False
        return True

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            self._meet()
            wait_for(self._ready, seconds=30, what="the cluster")
            if len(self.nodes) > _MASTERS:
                self._replicate()
                wait_for(self.is_whole, seconds=30, what="the replicas")
            self._stack = stack.pop_all()
        return self

    def _meet(self) -> None:
        for index, node in enumerate(self.nodes):
            with node.client() as client:
                if index < _MASTERS:
                    first = index * 5462
                    client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, min(first + 5461, 16383))
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        with self.nodes[0].client() as client:
            for node in self.nodes[1:]:
                bus = node.command[node.command.index("--cluster-port") + 1]
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)

    def _replicate(self) -> None:
        for master, replica in zip(self.nodes[:_MASTERS], self.nodes[_MASTERS:], strict=True):
            with master.client() as client:
                master_id = client.execute_command("CLUSTER", "MYID")
            with replica.client() as client:
                client.execute_command("CLUSTER", "REPLICATE", master_id)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _has_replica(server: RedisServer) -> bool:
    with server.client() as client:
        replication = client.info("replication")
        first = replication.get("slave0", {})
        return bool(replication["role"] == "master" and first.get("state") == "online")
