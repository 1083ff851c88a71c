"""A process whose diagnostics are asked for, and a client that asks."""

import contextlib
from collections.abc import Iterator
from typing import Any, Self

import httpx

from tests.support.processes import RedisServer, Uvicorn

KEY = {"X-API-Key": "a-secret-of-the-operators"}
PREFIX = "test_"
SETTINGS = {
    "C2C__REDIS__BROADCAST_PREFIX": PREFIX,
    "C2C__REDIS__BROADCAST_SECRET": "the secret of the messages",
    "C2C__INSTANCES__HEARTBEAT": "1",
    "C2C__AUTH__SECRET": KEY["X-API-Key"],
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
}


class Diagnosed:
    """A process with the application `tests.support.debug_app`, and a client of its mount."""

    def __init__(self, redis: RedisServer, *, loop: str = "asyncio", **settings: str) -> None:
        variables = {f"C2C__{name}": value for name, value in settings.items()}
        env = {**SETTINGS, "C2C__REDIS__URL": redis.url, **variables}
        self.server = Uvicorn("tests.support.debug_app:app", "--loop", loop, env=env)
        self.client = httpx.Client(base_url=f"{self.server.url}/c2c/", headers=KEY, timeout=60)
        self.pid = 0
        self.id = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        with self.server, self.client:
            self.pid = httpx.get(self.server.url).json()
            found = self.get("instances")["instances"]
            self.id = next(one["id"] for one in found if one["pid"] == self.pid)
            yield self

    def get(self, path: str, **params: str) -> Any:
        answer = self.client.get(path, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def knows(self, number: int) -> bool:
        """Whether so many processes answer, and none is missing."""
        cluster = self.get("debug/loop", instance="all")["cluster"]
        return bool(cluster["answered"] == number and cluster["complete"])
