"""Operators who set log levels in the processes of a service, over HTTP."""

import contextlib
import dataclasses
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.support.net import SOON_SECONDS, eventually, wait_for
from tests.support.processes import RedisServer, Uvicorn
from tests.support.roster import is_settled

PREFIX = "test_"
STORE = f"{PREFIX}switches"
HEARTBEAT = 1.0
WITHIN = 2 * HEARTBEAT + 10
"""Seconds to wait for what is promised within one heartbeat: doubled, and time for a busy machine."""
_SECRET = "a-secret-of-the-operators"


def settings_of(redis_port: int) -> dict[str, str]:
    """The settings of each process of the service."""
    return {
        "C2C__REDIS__URL": f"redis://127.0.0.1:{redis_port}",
        "C2C__REDIS__BROADCAST_PREFIX": PREFIX,
        "C2C__INSTANCES__HEARTBEAT": str(HEARTBEAT),
        "C2C__AUTH__SECRET": _SECRET,
        "C2C__HTTP": "True",
        "C2C__PROMETHEUS__PORT": "0",
    }


def serve(
    redis_port: int, *, app: str = "tests.support.health_app:app", workers: int = 1, **settings: str
) -> Uvicorn:
    """A server of the service, not started yet."""
    own = settings_of(redis_port)
    return Uvicorn(app, workers=workers, env={**own, **settings})


class Operator:
    """Speaks to one process: its connection stays open.

    Args:
        url: The server.
    """

    def __init__(self, url: str) -> None:
        headers = {"X-API-Key": _SECRET}
        # another connection might be to another process
        limits = httpx.Limits(keepalive_expiry=None)
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=limits)
        self.pid = 0

    async def meet(self) -> int:
        """Ask which process it is."""
        self.pid = int((await self._client.get("/")).json())
        return self.pid

    async def post(self, name: str, level: str) -> httpx.Response:
        """Set a level."""
        return await self._client.post("/c2c/logging/level", json={"name": name, "level": level})

    async def set(self, name: str, level: str) -> dict[str, Any]:
        """Set a level, and return the report of the cluster."""
        answer = await self.post(name, level)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()["cluster"]
        return report

    async def put(self, name: str, level: str, **more: Any) -> httpx.Response:
        """Set a level, for a while for example."""
        return await self._client.put(f"/c2c/logging/loggers/{name}", json={"level": level, **more})

    async def delete(self, name: str, **params: str) -> httpx.Response:
        """Give a logger the level of the configuration again."""
        return await self._client.delete(f"/c2c/logging/loggers/{name}", params=params)

    async def override(self, name: str, *, instance: str = "self") -> dict[str, Any] | None:
        """Read what was set at run time, in the process or in another one that it asks."""
        params = {"q": name, "changed": "true", "instance": instance}
        answer = await self._client.get("/c2c/logging/loggers", params=params)
        assert answer.status_code == 200, answer.text
        found = [logger for logger in answer.json()["loggers"] if logger["name"] == name]
        return found[0]["override"] if found else None

    async def id(self) -> str:
        """The id of the process."""
        answer = await self.get("instances")
        return str(next(one["id"] for one in answer.json()["instances"] if one["pid"] == self.pid))

    async def level(self, name: str) -> str:
        """Read a level in the process."""
        answer = await self._client.get("/c2c/logging/level", params={"name": name})
        return str(answer.json()["level"])

    async def has(self, name: str, level: str) -> bool:
        """Return whether the process has a level."""
        return await self.level(name) == level

    async def get(self, path: str) -> httpx.Response:
        """Ask any view."""
        return await self._client.get(f"/c2c/{path}")

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask anything of the process."""
        return await self._client.request(method, path, **options)

    async def overrides(self) -> dict[str, str]:
        """List what was set at run time."""
        answer = await self.get("logging/overrides")
        assert answer.status_code == 200, answer.text
        return {item["name"]: item["level"] for item in answer.json()["overrides"]}

    async def aclose(self) -> None:
        """Hang up."""
        await self._client.aclose()


@contextlib.asynccontextmanager
async def operators(*servers: Uvicorn) -> AsyncIterator[list[Operator]]:
    """Give an operator for each process of the servers."""
    found: dict[int, Operator] = {}
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            known = len(found)
            while len(found) < known + server.workers:
                operator = Operator(server.url)
                stack.push_async_callback(operator.aclose)
                found.setdefault(await operator.meet(), operator)
        yield list(found.values())


async def settle(found: list[Operator]) -> None:
    """Wait until each of the processes knows all of them."""
    pids = [operator.pid for operator in found]

    async def all_do() -> bool:
        return all([is_settled(await operator.get("instances?samples=false"), pids) for operator in found])

    await eventually(all_do, what=f"a current list of the processes {pids}")


def stored(server: RedisServer) -> dict[str, str]:
    """The fields of the store."""
    with server.client() as client:
        fields: Any = client.hgetall(STORE)
        return dict(fields)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process meanwhile."""
    os.kill(pid, 19)  # SIGSTOP
    try:
        yield
    finally:
        os.kill(pid, 18)  # SIGCONT


@dataclasses.dataclass(frozen=True)
class Blocked:
    """A process that is blocked.

    Attributes:
        id: What it writes when that begins, its id in `tests.support.views_app`.
        since: When that was, by its own clock.
    """

    id: str
    since: float


@contextlib.contextmanager
def blocked(url: str, *, way: str = "block") -> Iterator[Blocked]:
    """Block a process meanwhile.

    Args:
        url: Where `tests.support.views_app` runs, or `tests.support.debug_app`.
        way: The route that does it.
    """
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "blocked"
        request = {"params": {"path": str(file)}, "timeout": 10 * SOON_SECONDS}
        thread = threading.Thread(target=httpx.post, args=(f"{url}/{way}",), kwargs=request)
        thread.start()
        try:
            wait_for(lambda: file.exists() and file.read_text() != "", what="a blocked process")
            yield Blocked(file.read_text(), file.stat().st_mtime)
        finally:
            file.unlink(missing_ok=True)
            thread.join()
