"""Costly diagnostics of one process that another one is asked for."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn

KEY = {"X-API-Key": "a-secret-of-the-operators"}
SETTINGS = {
    "C2C__REDIS__BROADCAST_PREFIX": "test_",
    "C2C__INSTANCES__HEARTBEAT": "1",
    "C2C__AUTH__SECRET": KEY["X-API-Key"],
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
}


class Service:
    """A process of the service, and a client that speaks to it."""

    def __init__(self, redis: RedisServer, loop: str, *, enabled: bool) -> None:
        env = {**SETTINGS, "C2C__REDIS__URL": redis.url, "C2C__DEBUG__ENABLED": str(enabled)}
        self.server = Uvicorn("tests.support.debug_app:app", "--loop", loop, env=env)
        self.client = httpx.Client(base_url=f"{self.server.url}/c2c/", headers=KEY, timeout=60)
        self.pid = 0
        self.id = ""

    def identify(self) -> None:
        self.pid = httpx.get(self.server.url).json()
        found = self.get("instances")["instances"]
        self.id = next(one["id"] for one in found if one["pid"] == self.pid)

    def get(self, path: str, **params: str) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def services(redis: RedisServer) -> Iterator[list[Service]]:
    """Two processes with the costly diagnostics, one on each event loop, and one without them."""
    with contextlib.ExitStack() as stack:
        found = [Service(redis, loop, enabled=True) for loop in ("asyncio", "uvloop")]
        found.append(Service(redis, "asyncio", enabled=False))
        for service in found:
            stack.enter_context(service.server)
            stack.enter_context(service.client)
        for service in found:
            service.identify()
        wait_for(
            lambda: found[0].get("debug/loop", instance="all")["cluster"]["answered"] == 3,
            seconds=20,
            what="three processes",
        )
        yield found


def test_memory_of_all_processes(services: list[Service]) -> None:
    """Each process that has it switched on answers for itself, the other one is a failed one."""
    asked, other, off = services
    for path in ("debug/memory", "debug/memory_maps"):
        found = asked.get(path, instance="all")
        assert {process["pid"] for process in found["processes"]} == {asked.pid, other.pid}
        (failed,) = found["cluster"]["failed"]
        assert failed["pid"] == off.pid
        assert "C2C__DEBUG__ENABLED is not set" in failed["error"]
        assert found["cluster"]["complete"] is False


def test_graph_of_another_process(services: list[Service]) -> None:
    """The ids of objects are those of the process that is asked for."""
    asked, other, off = services
    memory = asked.get("debug/memory", instance=other.id, analyze_type="fastapi.applications.FastAPI")
    (found,) = memory["processes"][0]["fastapi.applications.FastAPI"]["biggest_objects"]
    params = {"instance": other.id, "analyze_id": found["id"], "max_depth": 1}
    graph = asked.client.get("debug/show_refs.dot", params=params)
    assert (graph.status_code, "fastapi.applications.FastAPI" in graph.text) == (200, True)
    refused = asked.client.get("debug/show_refs.dot", params={"instance": off.id, "analyze_id": 1})
    assert refused.status_code == 504
    assert "C2C__DEBUG__ENABLED is not set" in refused.json()["detail"]


@pytest.mark.parametrize("profiled", [0, 1], ids=["asyncio", "uvloop"])
def test_profile_of_another_process(services: list[Service], profiled: int) -> None:
    """It starts and is read through another process; meanwhile a second one is refused everywhere."""
    target, asked = services[profiled], services[1 - profiled]
    started = asked.client.post("debug/profile", json={"instance": target.id, "seconds": 2})
    assert started.status_code == 202, started.text
    id_ = started.json()["id"]
    for service in (asked, target):
        busy = service.client.post("debug/profile", json={"instance": target.id})
        assert busy.status_code == 409
        assert service.client.get(f"debug/profile/{id_}").status_code == 202
    assert asked.client.get("debug/memory").status_code == 200
    httpx.get(f"{target.server.url}/busy/1", timeout=60)
    address = f"debug/profile/{id_}"
    wait_for(lambda: asked.client.get(address).status_code == 200, seconds=20, what="the profile")
    text = asked.client.get(address).text
    assert text == target.client.get(address).text
    longest = max(
        (line for line in text.splitlines() if "(waiting)" not in line),
        key=lambda line: int(line.rpartition(" ")[2]),
    )
    assert "tests/support/debug_app.py" in longest
    assert int(longest.rpartition(" ")[2]) > 500_000
    waiting = sum(
        int(line.rpartition(" ")[2]) for line in text.splitlines() if "MainThread;(waiting)" in line
    )
    assert waiting > 200_000


def test_profile_of_a_process_without_them(services: list[Service]) -> None:
    refused = services[0].client.post("debug/profile", json={"instance": services[2].id})
    assert refused.status_code == 504
    assert "C2C__DEBUG__ENABLED is not set" in refused.json()["detail"]


def test_profile_of_a_process_that_ended(redis: RedisServer, services: list[Service]) -> None:
    """It is missing while the process is still expected to answer, and gone afterwards."""
    asked, target = services[0], Service(redis, "asyncio", enabled=True)
    statuses: list[int] = []
    with target.server, target.client:
        target.identify()
        id_ = target.client.post("debug/profile", json={"seconds": 30}).json()["id"]
        address = f"debug/profile/{id_}"
        wait_for(lambda: asked.client.get(address).status_code == 202, seconds=10, what="the profile")
        os.kill(target.pid, signal.SIGKILL)

        def is_gone() -> bool:
            statuses.append(asked.client.get(address).status_code)
            return statuses[-1] == 410

        wait_for(is_gone, seconds=20, what="a profile that is gone")
    assert set(statuses) <= {410, 504}
