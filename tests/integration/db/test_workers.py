"""The metrics of a database with two workers, which share a directory."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.db.conftest import Pair
from tests.support.net import eventually, free_port
from tests.support.processes import Uvicorn

Samples = dict[str, dict[str, float]]
_LABELS = ("engine", "state", "verb", "table", "version", "name")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(pair: Pair, port: int, tmp_path: Path) -> Iterator[Uvicorn]:
    (tmp_path / "alembic.ini").write_text(f"[alembic]\nscript_location = {tmp_path}/migrations\n")
    versions = tmp_path / "migrations/versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").touch()
    (versions / "one.py").write_text("revision = 'one'\ndown_revision = None\n")
    with pair.primary.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS alembic_version")
        connection.execute("CREATE TABLE alembic_version AS SELECT 'one' AS version_num")
    env = {
        "PRIMARY": pair.primary.url("postgresql"),
        "REPLICA": pair.replica.url("postgresql"),
        "ALEMBIC": str(tmp_path / "alembic.ini"),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "C2C__PROMETHEUS__PORT": str(port),
    }
    with Uvicorn("tests.support.db_workers_app:app", workers=2, env=env) as server:
        yield server
    with pair.primary.connect() as connection:
        connection.execute("DROP TABLE alembic_version")


async def scrape(port: int) -> Samples:
    """The samples of our databases and checks: by name, then by the labels that tell them apart."""
    async with httpx.AsyncClient(timeout=10) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = " ".join(sample.labels[label] for label in _LABELS if label in sample.labels)
            found.setdefault(sample.name.removeprefix("c2casgiutils_"), {})[key] = sample.value
    return found


async def use_both(server: Uvicorn, path: str) -> int:
    """Ask until both workers have answered, by new connections; return how often."""
    found: set[str] = set()
    number = 0
    while len(found) < 2:
        async with httpx.AsyncClient(timeout=10) as client:
            found.add((await client.get(server.url + path)).text)
        number += 1
        assert number < 200
    return number


async def test_metrics_of_two_workers(server: Uvicorn, port: int, pair: Pair) -> None:
    """Those of both together: pools, statements, the replica, the checks and the migrations."""
    number = await use_both(server, "/items")
    found = await scrape(port)
    assert found["db_pool_connections"]["read_only size"] == 2
    assert found["db_pool_connections"]["read_write size"] == 2
    assert found["db_statement_duration_seconds_count"]["SELECT item"] == number
    assert found["db_replica_up"] == {"": 1}
    await pools_are_measured(server, port)
    await migrations_are_shown(server, port, pair)
    await a_replica_that_ends_is_shown(port, pair)


async def pools_are_measured(server: Uvicorn, port: int) -> None:
    async def post() -> int:
        async with httpx.AsyncClient(timeout=20) as client:
            return (await client.post(server.url + "/sleep")).status_code

    tasks = [asyncio.create_task(post()) for _ in range(8)]
    await asyncio.sleep(1.5)
    during = (await scrape(port))["db_pool_connections"]
    statuses = [await task for task in tasks]
    after = await scrape(port)
    succeeded, refused = statuses.count(200), statuses.count(503)
    assert succeeded + refused == 8
    assert during["read_write checked_out"] == succeeded
    overflow = during["read_write overflow"]  # all but one of each worker that was asked
    assert succeeded - 2 <= overflow <= succeeded - 1
    assert after["db_pool_timeouts_total"]["read_write"] == refused
    assert after["db_pool_waits_total"]["read_write"] >= refused
    assert after["db_pool_connections"]["read_write checked_out"] == 0
    assert after["db_pool_connections"]["read_write overflow"] == 0
    assert after["db_statement_duration_seconds_count"]["SELECT other"] >= succeeded
    assert set(after["db_statement_duration_seconds_count"]) <= {"SELECT item", "SELECT other", "other other"}


async def migrations_are_shown(server: Uvicorn, port: int, pair: Pair) -> None:
    """Only the present revision, whichever worker found it; the checks have durations."""
    async with httpx.AsyncClient(timeout=10) as client:
        await client.get(server.url + "/c2c/health/")
        found = await scrape(port)
        assert found["alembic_version"] == {"one": 1}
        with pair.primary.connect() as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'two'")

        async def is_shown() -> bool:
            await client.get(server.url + "/c2c/health/")
            return (await scrape(port))["alembic_version"] == {"two": 1}

        await eventually(is_shown, what="the new revision alone")
    checks = (await scrape(port))["health_check_duration_seconds_count"]
    names = {f"{kind}_items_{engine}" for kind in ("db", "alembic") for engine in ("read_write", "read_only")}
    assert names <= set(checks)
    assert checks["db_items_read_write"] >= 2


async def a_replica_that_ends_is_shown(port: int, pair: Pair) -> None:
    async def is_up() -> bool:
        return (await scrape(port))["db_replica_up"] == {"": 1}

    async def is_down() -> bool:
        return (await scrape(port))["db_replica_up"] == {"": 0}

    pair.replica.stop()
    await eventually(is_down, what="the replica is not used")
    pair.replica.ensure_up()
    await eventually(is_up, what="the replica is used")
