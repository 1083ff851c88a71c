"""The SQL profiler in two workers with Redis."""

import contextlib
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.net import eventually
from tests.support.operators import WITHIN, Operator, operators, serve, stopped
from tests.support.processes import RedisServer, Uvicorn

PATH = "/c2c/sql_profiler"
QUERY = "SELECT name FROM item ORDER BY name"


@dataclass(frozen=True)
class Service:
    """Redis and a server with two workers."""

    redis: RedisServer
    uvicorn: Uvicorn


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests."""
    path: Path = tmp_path_factory.mktemp("profiler") / "test.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE item (name text)")
    with (
        RedisServer() as redis,
        serve(
            redis.port, app="tests.support.profiled_app:app", workers=2, C2C__DB__URL=f"sqlite:///{path}"
        ) as uvicorn,
    ):
        yield Service(redis, uvicorn)


@pytest.fixture
async def workers(service: Service) -> AsyncIterator[list[Operator]]:
    """An operator for each worker; the profiler is off in both."""
    if not service.redis.is_up():
        service.redis.start()
    async with operators(service.uvicorn) as found:

        async def is_ready() -> bool:
            answer = await found[0].request("DELETE", PATH)
            if answer.status_code != 200:
                return False
            cluster = answer.json()["cluster"]
            return bool(cluster["applied"] == 2 and cluster["complete"])  # so both are known by name

        await eventually(is_ready, seconds=30, what="two processes without the profiler")
        yield found


async def start(operator: Operator, **wanted: Any) -> dict[str, Any]:
    answer = await operator.request("PUT", PATH, json=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read(operator: Operator) -> dict[str, Any]:
    answer = await operator.request("GET", PATH)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return {**found, "statements": {item["sql"]: item for item in found["statements"]}}


async def query(operator: Operator, times: int) -> None:
    for _ in range(times):
        assert (await operator.request("GET", "/items")).status_code == 200


async def test_the_figures_of_all(workers: list[Operator]) -> None:
    """They are one sum, whoever is asked; the end forgets them everywhere."""
    first, second = workers
    cluster = (await start(first, explain=True))["cluster"]
    assert (cluster["applied"], cluster["of"], cluster["complete"]) == (2, 2, True)
    await query(first, 3)
    await query(second, 4)
    for operator in workers:
        found = await read(operator)
        item = found["statements"][QUERY]
        assert (item["count"], item["per_request_max"], item["route"]) == (7, 1, "GET /items")
        assert item["where"] == "tests/support/profiled_app.py:22 read"
        assert item["plan"].startswith("SCAN item")
        assert (found["enabled"], found["cluster"]["applied"], found["cluster"]["behind"]) == (True, 2, [])
    await second.request("DELETE", PATH)
    await query(first, 1)
    for operator in workers:
        found = await read(operator)
        assert (found["enabled"], found["statements"]) == (False, {})


async def test_a_process_that_does_not_answer(workers: list[Operator]) -> None:
    """It is named, and the figures of the others are there; it starts to record as soon as it can."""
    first, second = workers
    with stopped(second.pid):
        cluster = (await start(first))["cluster"]
        assert [process["pid"] for process in cluster["behind"]] == [second.pid]
        await query(first, 2)
        found = await read(first)
        assert [process["pid"] for process in found["cluster"]["missing"]] == [second.pid]
        assert not found["cluster"]["complete"]
        assert found["statements"][QUERY]["count"] == 2
    await eventually(lambda: is_recording(second), seconds=WITHIN, what="the profiler in both")


async def is_recording(operator: Operator) -> bool:
    before: int = (await read(operator))["statements"].get(QUERY, {"count": 0})["count"]
    await query(operator, 1)
    after: int = (await read(operator))["statements"].get(QUERY, {"count": 0})["count"]
    return after > before


async def test_a_new_worker_records_too(workers: list[Operator], service: Service) -> None:
    """h/D30: a worker that takes the place of a dead one has the state of the others."""
    await start(workers[0], ttl="10m")
    os.kill(workers[1].pid, signal.SIGKILL)

    async def is_replaced() -> bool:
        async with operators(service.uvicorn) as found:
            new = [operator for operator in found if operator.pid not in {worker.pid for worker in workers}]
            return bool(new) and await is_recording(new[0])

    await eventually(is_replaced, seconds=30, what="a new worker that records")


async def test_without_redis(workers: list[Operator], service: Service) -> None:
    """What this process recorded can be read; it cannot be started meanwhile."""
    await start(workers[0])
    await query(workers[0], 2)
    service.redis.kill()
    found = await read(workers[0])
    assert found["statements"][QUERY]["count"] == 2
    assert (found["cluster"]["roster"], found["cluster"]["complete"]) == ("stale", False)
    for method in ("PUT", "DELETE"):
        answer = await workers[0].request(method, PATH)
        assert (answer.status_code, "Redis" in answer.json()["detail"]) == (503, True)
