"""The view `/runtime`, without Redis."""

import datetime
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

import c2casgiutils
from c2casgiutils import config, db, debug, instances
from c2casgiutils._periodic import periodic_tasks
from c2casgiutils.health_checks import FACTORY, Alembic, Check, Result
from tests.support.net import eventually


class Quick(Check):
    async def check(self) -> Result:
        return Result()


class Migrated(Alembic):
    async def check(self) -> Result:
        return Result(payload={"current": ["a1"], "heads": ["a1"]})


@pytest.fixture
async def database(client: httpx.AsyncClient, tmp_path: Path) -> AsyncIterator[db.Database]:
    """A database with a connection in use."""
    found = db.Database(f"sqlite:///{tmp_path}/db.sqlite", name="of_the_test", pool_size=3)
    async with found.session_scope() as session:
        await session.execute(text("SELECT 1"))
        yield found
    await found.aclose()


async def own(client: httpx.AsyncClient) -> dict[str, Any]:
    body = (await client.get("runtime")).json()
    assert set(body) == {"processes", "cluster"}
    (process,) = body["processes"]
    assert process["instance"] == instances.own_id()
    found: dict[str, Any] = process
    return found


async def test_startup(client: httpx.AsyncClient) -> None:
    """The steps of the start are there in their order, with those of the application."""
    with debug.step("of the application"):
        pass
    found = (await own(client))["startup"]
    names = [step["step"] for step in found]
    assert names[:5] == ["sign-in", "broadcast", "watchdog", "tools", "health checks"]
    assert "of the application" in names
    assert all(step["ms"] >= 0 for step in found)


async def test_too_many_steps(client: httpx.AsyncClient) -> None:
    """An application cannot fill the memory with steps."""
    for number in range(200):
        with debug.step(f"step {number}"):
            pass
    assert len((await own(client))["startup"]) == 100
    debug._state.STATE.steps.clear()


async def test_pools(client: httpx.AsyncClient, database: db.Database) -> None:
    """A pool has its size and the connections in use."""
    pools = [pool for pool in (await own(client))["pools"] if pool["database"] == "of_the_test"]
    assert pools == [
        {"database": "of_the_test", "engine": "read_write", "size": 3, "checked_out": 1, "overflow": 0}
    ]


@pytest.fixture
def _no_checks() -> Iterator[None]:
    FACTORY.clear()
    yield
    FACTORY.clear()


@pytest.mark.usefixtures("_no_checks")
async def test_periodic(client: httpx.AsyncClient) -> None:
    """A check in the background has its interval, and its last run once it ran."""
    FACTORY.add(Quick(), name="periodic", every=60)
    FACTORY.add(Quick(), name="on request")
    unknown = {"name": "periodic", "kind": "check", "every_seconds": 60, "last": None, "ms": None, "ok": None}
    assert [task for task in (await own(client))["periodic"] if task["kind"] == "check"] == [unknown]
    before = datetime.datetime.now(datetime.UTC)
    await FACTORY.entries[0].refresh()
    (found,) = [task for task in (await own(client))["periodic"] if task["kind"] == "check"]
    assert before <= datetime.datetime.fromisoformat(found["last"]) <= datetime.datetime.now(datetime.UTC)
    assert (found["ok"], found["ms"] >= 0) == (True, True)


async def test_internal(client: httpx.AsyncClient) -> None:
    """What this package does periodically is there, with its last run, and is gone when it ends."""
    expected = {
        "heartbeat": config.settings.instances.heartbeat.total_seconds(),
        "lag of the event loop": 0.1,
        "watchdog": config.settings.debug.stall.total_seconds(),
    }
    before = datetime.datetime.now(datetime.UTC)
    instances.beat_soon()

    async def internal() -> dict[str, Any]:
        return {task["name"]: task for task in (await own(client))["periodic"] if task["kind"] == "internal"}

    async def have_run() -> bool:
        runs = [task["last"] for task in (await internal()).values()]
        return all(last is not None and datetime.datetime.fromisoformat(last) > before for last in runs)

    await eventually(have_run, seconds=30, what="a run of each task")
    found = await internal()
    assert {name: task["every_seconds"] for name, task in found.items()} == expected
    assert all(task["ok"] and task["ms"] >= 0 for task in found.values())
    await c2casgiutils.shutdown()
    assert [task.name for task in periodic_tasks()] == []


@pytest.mark.usefixtures("_no_checks")
@pytest.mark.parametrize(("details", "shown"), [("authorized", ["a1"]), ("never", None)])
async def test_migrations(client: httpx.AsyncClient, details: Any, shown: list[str] | None) -> None:
    """The migrations are those that the check last saw, unless nobody may see its details."""
    config.settings.health.details = details
    FACTORY.add(Migrated(None), name="alembic")
    unknown = {"name": "alembic", "status": "unknown", "current": None, "heads": None}
    assert (await own(client))["migrations"] == [unknown]
    await FACTORY.entries[0].refresh()
    expected = {"name": "alembic", "status": "pass", "current": shown, "heads": shown}
    assert (await own(client))["migrations"] == [expected]


async def test_refused(anonymous: httpx.AsyncClient) -> None:
    """It is for those who may look."""
    assert (await anonymous.get("runtime")).status_code == 403
