"""Maintenance in two workers of a server, and in whoever joins them, on real servers.

The bound of each wait is twice the promise.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.net import SOON_SECONDS, eventually
from tests.support.operators import (
    HEARTBEAT,
    WITHIN,
    Operator,
    operators,
    serve,
    settings_of,
    stopped,
    stored,
)
from tests.support.postgres import PostgresServer
from tests.support.processes import RedisServer, Uvicorn

PATH = "/c2c/db/maintenance"
REASON = "new disks"
TEXT = f"The database is in maintenance, read-only: {REASON}"
ON = {"readonly": True, "reason": REASON}
APP = "tests.support.maintenance_app:app"
LOCK = 16
HOLD = f"lock={LOCK}"


@dataclass(frozen=True)
class Service:
    """Redis, PostgreSQL and a server with two workers."""

    redis: RedisServer
    postgres: PostgresServer
    uvicorn: Uvicorn

    def serve(self) -> Uvicorn:
        """Another server of the service, not started yet."""
        return _serve(self.redis, self.postgres)


def _serve(redis: RedisServer, postgres: PostgresServer, *, workers: int = 1) -> Uvicorn:
    return serve(redis.port, app=APP, workers=workers, **_database(postgres))


def _database(postgres: PostgresServer) -> dict[str, str]:
    return {"C2C__DB__URL": postgres.url(), "C2C__DB__POOL_SIZE": "2", "C2C__DB__MAX_OVERFLOW": "0"}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service for all tests, which leave it as they found it."""
    with RedisServer() as redis, PostgresServer() as postgres:
        with postgres.connect() as connection:
            connection.execute("CREATE TABLE item (name text, begun timestamptz DEFAULT now())")
        with _serve(redis, postgres, workers=2) as uvicorn:
            yield Service(redis, postgres, uvicorn)


@pytest.fixture
async def workers(service: Service) -> AsyncIterator[list[Operator]]:
    """An operator for each worker, with Redis reachable, no maintenance and no items."""
    if not service.redis.is_up():
        service.redis.start()
    async with operators(service.uvicorn) as found:

        async def is_ready() -> bool:
            answer = await found[0].request("DELETE", PATH)
            if answer.status_code != 200:
                return False
            told = answer.json()
            return bool(told["cluster"]["complete"]) and states(told) == [(False, 0)] * 2

        await eventually(is_ready, seconds=30, what="two processes without maintenance")
        with service.postgres.connect() as connection:
            connection.execute("TRUNCATE item")
        yield found


def states(answer: dict[str, Any]) -> list[tuple[bool, int]]:
    """What the processes of an answer have: the mode, and the number of transactions."""
    return sorted((process["readonly"], process["transactions"]) for process in answer["processes"])


async def put(operator: Operator, **body: Any) -> dict[str, Any]:
    answer = await operator.request("PUT", PATH, json={**ON, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def get(operator: Operator) -> dict[str, Any]:
    answer = await operator.request("GET", PATH)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def write(operator: Operator, name: str = "one") -> int:
    """Return the status of a request that writes."""
    return (await operator.request("POST", f"/items/{name}")).status_code


async def all_answer(found: list[Operator], status: int, *, seconds: float) -> None:
    """Wait until requests that write have this status in all processes."""

    async def do_all() -> bool:
        return {await write(operator) for operator in found} == {status}

    await eventually(do_all, seconds=seconds, what=f"{status} in {len(found)} processes")


@contextlib.contextmanager
def held(service: Service) -> Iterator[None]:
    """Have `/hold` wait meanwhile."""
    with service.postgres.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield


async def begun(workers: list[Operator], number: int = 1) -> None:
    """Wait until a number of transactions run."""

    async def is_begun() -> bool:
        return sum(transactions for _, transactions in states(await get(workers[0]))) == number

    await eventually(is_begun, what=f"{number} running transactions")


async def test_every_worker(workers: list[Operator]) -> None:
    """Writing gets 503 with the reason, reading goes on; it ends by the other worker."""
    answer = await put(workers[0])
    assert (answer["cluster"]["applied"], answer["cluster"]["complete"]) == (2, True)
    assert states(answer) == [(True, 0)] * 2
    for operator in workers:
        for method, path in (("POST", "items/a"), ("PUT", "items/a"), ("POST", "autocommit/a")):
            refused = await operator.request(method, f"/{path}")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
            assert TEXT in refused.json().values()
        assert (await operator.request("GET", "/items")).json() == []
        seen = await get(operator)
        assert (seen["readonly"], seen["by"], seen["reason"]) == (True, "secret", REASON)
    answer = (await workers[1].request("DELETE", PATH)).json()
    assert (answer["readonly"], states(answer)) == (False, [(False, 0)] * 2)
    for operator in workers:
        for method, path in (("POST", "items/a"), ("PUT", "items/a"), ("POST", "autocommit/a")):
            assert (await operator.request(method, f"/{path}")).status_code == 200
    assert (await workers[0].request("GET", "/items")).json() == ["a"] * 6


async def test_the_form_of_the_page(workers: list[Operator]) -> None:
    """It is done when all processes say so, however old their heartbeats are."""
    for action, text in (
        ("begin", "The databases are in maintenance."),
        ("end", "The databases can be written."),
    ):
        for _ in range(3):  # on a busy machine one of them may not answer in time
            answer = await workers[0].request("POST", "/c2c/database", data={"maintenance": action})
            path = f"/c2c/{answer.headers.get('location', 'database')}"
            pages = [(await operator.request("GET", path)).text for operator in workers]
            if all(text in page for page in pages):
                break
        assert answer.status_code == 303
        assert [(text in page, "Not known" in page) for page in pages] == [(True, False)] * len(workers)


async def test_the_form_while_a_worker_is_stopped(workers: list[Operator]) -> None:
    """The page names it, also when it is opened again."""
    with stopped(workers[1].pid):
        answer = await workers[0].request("POST", "/c2c/database", data={"maintenance": "begin"})
        assert (answer.status_code, "Partly done." in answer.text) == (200, True)
        page = (await workers[0].request("GET", "/c2c/database?result=maintenance")).text
        assert f"Not known to be read-only in {workers[1].pid} on" in page
    await all_answer(workers, 503, seconds=WITHIN)


async def test_probes(workers: list[Operator]) -> None:
    """The service stays ready and healthy."""
    await put(workers[0])
    await asyncio.sleep(1.1)  # results are kept for a second
    for operator in workers:
        for path in ("/livez", "/readyz", "/c2c/health/"):
            answer = await operator.request("GET", path)
            assert answer.status_code == 200, answer.text


async def test_who_comes_later(service: Service, workers: list[Operator]) -> None:
    """A server and scripts that start in maintenance have it from the beginning."""
    await put(workers[0])
    with contextlib.ExitStack() as stack:
        late = service.serve()
        stack.push(late)
        _, refused, done = await asyncio.gather(
            asyncio.to_thread(late.start),
            asyncio.to_thread(_run_script, service, "script"),
            asyncio.to_thread(_run_script, service, "migration", "--ignore"),
        )
        assert (refused.returncode, TEXT in refused.stderr) == (1, True), refused.stderr
        assert done.returncode == 0, done.stderr
        async with operators(late) as (operator,):
            assert await write(operator) == 503
            assert states(await get(operator)) == [(True, 0)] * 3
            assert (await operator.request("GET", "/items")).json() == ["migration"]
            await workers[0].request("DELETE", PATH)
            assert await write(operator) == 200


def _run_script(service: Service, *arguments: str) -> "subprocess.CompletedProcess[str]":
    root = Path(__file__).parents[3]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
    env = {**inherited, **settings_of(service.redis.port), **_database(service.postgres)}
    command = [sys.executable, "-m", "tests.support.maintenance_script", *arguments]
    return subprocess.run(
        command,
        env={**env, "PYTHONPATH": str(root)},
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_without_redis(service: Service, workers: list[Operator]) -> None:
    """Nothing is changed (503), the state is told, and it ends in time in each process, for good."""
    await put(workers[0], ttl=3)
    service.redis.kill()
    for method in ("PUT", "DELETE"):
        answer = await workers[0].request(method, PATH, json=ON)
        assert answer.status_code == 503, answer.text
        assert "Redis" in answer.json()["detail"]
    page = await workers[0].request("POST", "/c2c/database", data={"maintenance": "end"})
    assert (page.status_code, "<h2" in page.text) == (503, True)
    assert "Redis cannot be reached or written." in page.text
    seen = await get(workers[0])
    assert (seen["readonly"], seen["cluster"]["complete"], seen["cluster"]["roster"]) == (
        True,
        False,
        "stale",
    )
    assert {await write(operator) for operator in workers} == {503}
    await all_answer(workers, 200, seconds=3 + 2)
    service.redis.start()
    await asyncio.sleep(3 * HEARTBEAT)
    assert {await write(operator) for operator in workers} == {200}


async def test_redis_that_lost_everything(service: Service, workers: list[Operator]) -> None:
    """The processes stay in maintenance, and store it again."""
    await put(workers[0])
    with service.redis.client() as client:
        client.flushall()

        async def is_stored() -> bool:
            return "maintenance:" in stored(service.redis)

        await eventually(is_stored, seconds=WITHIN + 5, what="the maintenance in Redis")
    assert {await write(operator) for operator in workers} == {503}
    assert (await get(workers[1]))["reason"] == REASON


async def test_a_stopped_worker(workers: list[Operator]) -> None:
    """It is named, nothing is claimed of it, and it has the maintenance soon after."""
    with stopped(workers[1].pid):
        start = time.monotonic()
        answer = await put(workers[0], wait=60)  # for those that have it, which run no transaction
        assert time.monotonic() - start < SOON_SECONDS
        assert states(answer) == [(True, 0)]
        assert not answer["cluster"]["complete"]
        assert workers[1].pid in [process["pid"] for process in answer["cluster"]["behind"]]
    await all_answer(workers, 503, seconds=WITHIN)


async def test_wait_for_transactions(service: Service, workers: list[Operator]) -> None:
    """Those that run commit, and the answer comes when the last one has."""
    with held(service):
        writing = [
            asyncio.create_task(operator.request("POST", f"/hold/{number}?{HOLD}"))
            for number, operator in enumerate(workers)
        ]
        await begun(workers, 2)
        assert [transactions for _, transactions in states(await put(workers[0], wait=0.2))].count(0) < 2
        assert sum(transactions for _, transactions in states(await get(workers[1]))) == 2
        waiting = asyncio.create_task(put(workers[0], wait=30, reason="first"))
        await asyncio.sleep(0.5)
        second = await put(workers[1], reason="second", ttl=60)
        assert sum(transactions for _, transactions in states(second)) == 2
        assert not waiting.done()
    answer = await waiting
    assert states(answer) == [(True, 0)] * 2
    assert (answer["reason"], answer["expires"]) == ("second", second["expires"])
    assert [(await task).status_code for task in writing] == [200, 200]
    assert (await workers[0].request("GET", "/items")).json() == ["0", "1"]


async def test_no_write_slips_through(service: Service, workers: list[Operator]) -> None:
    """Between the answer to a beginning that waited and the end no transaction begins, under load."""
    is_over = asyncio.Event()
    codes: set[int] = set()

    async def work(operator: Operator) -> None:
        while not is_over.is_set():
            codes.add(await write(operator))

    with service.postgres.connect() as connection:

        def now() -> object:
            (moment,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
            return moment

        writers = [asyncio.create_task(work(operator)) for operator in [*workers, *workers]]
        spans = []
        for _ in range(5):
            await asyncio.sleep(0.1)
            answer = await put(workers[0], wait=20)
            assert (states(answer), answer["cluster"]["complete"]) == ([(True, 0)] * 2, True)
            start = now()
            await asyncio.sleep(0.1)
            spans.append((start, now()))
            await workers[1].request("DELETE", PATH)
        is_over.set()
        await asyncio.gather(*writers)
        assert codes == {200, 503}
        query = "SELECT count(*) FROM item WHERE begun BETWEEN %s AND %s"
        assert [connection.execute(query, span).fetchone() for span in spans] == [(0,)] * 5
        assert connection.execute("SELECT count(*) > 20 FROM item").fetchone() == (True,)


async def test_an_end_while_somebody_waits(service: Service, workers: list[Operator]) -> None:
    """The wait is over, and its answer says that there is no maintenance any more."""
    with held(service):
        writing = asyncio.create_task(workers[0].request("POST", f"/hold/a?{HOLD}"))
        await begun(workers)
        waiting = asyncio.create_task(put(workers[0], wait=60))

        async def is_on() -> bool:
            return bool((await get(workers[1]))["readonly"])

        await eventually(is_on, what="the maintenance")
        await workers[1].request("DELETE", PATH)
        async with asyncio.timeout(30):
            answer = await waiting
        assert (answer["readonly"], states(answer)) == (False, [(False, 0), (False, 1)])
    assert (await writing).status_code == 200


async def test_changes_at_the_same_instant(service: Service, workers: list[Operator]) -> None:
    """Both workers and the store agree in the end, whoever won."""
    for number in range(15):
        methods = ["PUT", "DELETE"] if number % 2 else ["DELETE", "PUT"]
        requests = zip(workers, methods, strict=True)
        answers = await asyncio.gather(
            *(operator.request(method, PATH, json=ON) for operator, method in requests)
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        seen = [(await get(operator))["readonly"] for operator in workers]
        refused = [await write(operator) == 503 for operator in workers]
        is_stored = "value" in json.loads(stored(service.redis)["maintenance:"].partition("\n")[2])
        assert {*seen, *refused} == {is_stored}


async def test_a_websocket(service: Service, workers: list[Operator]) -> None:
    """One that is open cannot begin another transaction, and no other is accepted."""
    url = f"ws://127.0.0.1:{service.uvicorn.port}/socket"
    async with connect(url) as socket:
        await socket.send("a")
        assert await socket.recv() == "written"
        answer = await put(workers[0], wait=10)
        assert states(answer) == [(True, 0)] * 2
        await socket.send("b")
        assert await socket.recv() == TEXT
        with pytest.raises(InvalidStatus) as refused:
            await connect(url)
        assert refused.value.response.status_code == 503
        assert REASON.encode() in refused.value.response.body
        await workers[0].request("DELETE", PATH)
        await socket.send("c")
        assert await socket.recv() == "written"
    assert (await workers[0].request("GET", "/items")).json() == ["a", "c"]
