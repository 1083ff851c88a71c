"""Costly diagnostics of one process that another one is asked for."""

import contextlib
import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.support.diagnosed import Diagnosed
from tests.support.net import wait_for
from tests.support.processes import RedisServer


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def services(redis: RedisServer) -> Iterator[list[Diagnosed]]:
    """Two processes with the costly diagnostics, one on each event loop, and one without them."""
    with contextlib.ExitStack() as stack:
        services = [Diagnosed(redis, loop=loop, DEBUG__ENABLED="True") for loop in ("asyncio", "uvloop")]
        services.append(Diagnosed(redis))
        found = [stack.enter_context(service.running()) for service in services]
        wait_for(lambda: found[0].knows(3), seconds=20, what="three processes")
        yield found


def test_memory_of_all_processes(services: list[Diagnosed]) -> None:
    """Each process that has it switched on answers for itself, the other one is a failed one."""
    asked, other, off = services
    for path in ("debug/memory", "debug/memory_maps"):
        found = asked.get(path, instance="all")
        assert {process["pid"] for process in found["processes"]} == {asked.pid, other.pid}
        (failed,) = found["cluster"]["failed"]
        assert failed["pid"] == off.pid
        assert "C2C__DEBUG__ENABLED is not set" in failed["error"]
        assert found["cluster"]["complete"] is False


def test_graph_of_another_process(services: list[Diagnosed]) -> None:
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
def test_profile_of_another_process(services: list[Diagnosed], profiled: int) -> None:
    """It starts and is read through another process; meanwhile a second one is refused everywhere."""
    target, asked = services[profiled], services[1 - profiled]
    started = asked.client.post("debug/profile", json={"instance": target.id, "seconds": 10})
    assert started.status_code == 202, started.text
    id_ = started.json()["id"]
    for service in (asked, target):
        busy = service.client.post("debug/profile", json={"instance": target.id})
        assert busy.status_code == 409
        assert service.client.get(f"debug/profile/{id_}").status_code == 202
    httpx.get(f"{target.server.url}/busy/1", timeout=60)
    assert asked.client.get("debug/memory").status_code == 200
    address = f"debug/profile/{id_}"
    wait_for(lambda: asked.client.get(address).status_code == 200, what="the profile")
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


def test_profile_of_a_process_without_them(services: list[Diagnosed]) -> None:
    refused = services[0].client.post("debug/profile", json={"instance": services[2].id})
    assert refused.status_code == 504
    assert "C2C__DEBUG__ENABLED is not set" in refused.json()["detail"]


def test_profile_of_a_process_that_ended(redis: RedisServer, services: list[Diagnosed]) -> None:
    """It is missing while the process is still expected to answer, and gone afterwards."""
    asked, target = services[0], Diagnosed(redis, DEBUG__ENABLED="True")
    statuses: list[int] = []
    with target.running():
        id_ = target.client.post("debug/profile", json={"seconds": 30}).json()["id"]
        address = f"debug/profile/{id_}"
        wait_for(lambda: asked.client.get(address).status_code == 202, what="the profile")
        os.kill(target.pid, signal.SIGKILL)

        def is_gone() -> bool:
            statuses.append(asked.client.get(address).status_code)
            return statuses[-1] == 410

        wait_for(is_gone, seconds=20, what="a profile that is gone")
    assert set(statuses) <= {410, 504}
