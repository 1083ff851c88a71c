"""The views of the SQL profiler, on SQLite and without Redis."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from c2casgiutils import db, request_tracking
from c2casgiutils.health_checks import Factory, SQLAlchemy
from tests.support.db_app import client_of
from tests.support.net import SOON_SECONDS, eventually

FIELDS = {
    *("fingerprint", "sql", "count", "errors", "rows", "total_ms", "mean_ms", "p95_ms", "max_ms", "where"),
    *("route", "per_request_max", "plan"),
}


@pytest.fixture
async def database(tmp_path: Path, client: httpx.AsyncClient) -> AsyncIterator[db.Database]:
    """With the table `item`; the profiler is off at the end."""
    database = db.Database(f"sqlite:///{tmp_path}/test.db?timeout={SOON_SECONDS}")
    async with database.session_scope(read_write=True) as session:
        await session.execute(text("CREATE TABLE item (name text UNIQUE)"))
    yield database
    assert (await client.delete("sql_profiler")).status_code == 200
    await database.aclose()


async def start(client: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await client.put("sql_profiler", json=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the reply, with the statements by their text."""
    found: dict[str, Any] = (await client.get("sql_profiler")).json()
    return {**found, "statements": {item["sql"]: item for item in found["statements"]}}


async def execute(database: db.Database, sql: str, *, times: int = 1, **values: Any) -> None:
    async with database.session_scope(read_write=True) as session:
        for _ in range(times):
            await session.execute(text(sql), values)


def listeners(database: db.Database) -> list[Any]:
    return list(database.engines.read_write.sync_engine.dispatch.before_cursor_execute)


async def test_off_by_default(client: httpx.AsyncClient, database: db.Database) -> None:
    """Nothing listens to the engines, and nothing is recorded."""
    before = len(listeners(database))
    await execute(database, "SELECT 1")
    found = await read(client)
    assert (found["enabled"], found["expires"], found["statements"]) == (False, None, {})
    cluster = found["cluster"]
    assert (cluster["complete"], cluster["applied"], cluster["of"], cluster["behind"]) == (True, 1, 1, [])
    await start(client)
    assert len(listeners(database)) == before + 1
    await client.delete("sql_profiler")
    assert len(listeners(database)) == before


async def test_figures(client: httpx.AsyncClient, database: db.Database) -> None:
    """Each statement has all figures, under one fingerprint whatever the values are."""
    reply = await start(client)
    left = datetime.datetime.fromisoformat(reply["expires"]) - datetime.datetime.now(datetime.UTC)
    assert 290 < left.total_seconds() <= 300
    for name in ("a", "b", "c"):
        await execute(database, "INSERT INTO item VALUES (:name)", name=name)
    with pytest.raises(Exception, match="UNIQUE"):
        await execute(database, "insert  into item values (:name)", name="c")
    found = await read(client)
    assert found["enabled"]
    item = found["statements"]["INSERT INTO item VALUES (?)"]
    assert set(item) == FIELDS
    assert (item["count"], item["errors"], item["rows"]) == (4, 1, 3)
    assert 0 < item["mean_ms"] <= item["p95_ms"] <= item["max_ms"] <= item["total_ms"]
    assert item["where"].startswith("tests/unit/tools/test_sql_profiler.py:")
    assert item["where"].endswith(" execute")
    assert (item["route"], item["per_request_max"], item["plan"]) == (None, 0, None)


async def test_the_request_of_a_statement(client: httpx.AsyncClient, database: db.Database) -> None:
    """The route is shown, and the most executions in one request."""
    app = FastAPI()

    @app.get("/items/{count}")
    async def items(count: int, session: Annotated[AsyncSession, database.session]) -> None:
        for number in range(count):
            await session.execute(text("SELECT name FROM item WHERE rowid = :id"), {"id": number})

    await start(client)
    async with client_of(request_tracking.RequestTrackingMiddleware(app)) as visitor:
        for count in (2, 7, 3):
            assert (await visitor.get(f"/items/{count}")).status_code == 200
    item = (await read(client))["statements"]["SELECT name FROM item WHERE rowid = ?"]
    assert (item["count"], item["per_request_max"], item["route"]) == (12, 7, "GET /items/{count}")
    assert item["where"].endswith(" items")


@pytest.mark.parametrize("ttl", [0, 0.5, 3601, "1h1s", "2d", None, "x", True, []])
async def test_wrong_ttl(client: httpx.AsyncClient, ttl: Any) -> None:
    """A ttl is 1 second to 1 hour."""
    answer = await client.put("sql_profiler", json={"ttl": ttl})
    assert answer.status_code == 422
    assert not (await read(client))["enabled"]


async def test_wrong_fields(client: httpx.AsyncClient) -> None:
    assert (await client.put("sql_profiler", json={"plan": True})).status_code == 422


async def test_only_for_administrators(anonymous: httpx.AsyncClient) -> None:
    """By no method, and a GET changes nothing."""
    for method in ("GET", "PUT", "DELETE"):
        assert (await anonymous.request(method, "sql_profiler")).status_code == 403


async def test_it_ends_by_itself(client: httpx.AsyncClient, database: db.Database) -> None:
    """h/D29: after its end it records no more; what it recorded is there until somebody ends it."""
    await start(client, ttl=1)
    await execute(database, "SELECT name FROM item")

    async def is_over() -> bool:
        return not (await read(client))["enabled"]

    await eventually(is_over, what="the end")
    await execute(database, "SELECT name FROM item", times=3)
    found = await read(client)
    assert (found["expires"], found["statements"]["SELECT name FROM item"]["count"]) == (None, 1)
    await client.delete("sql_profiler")
    assert (await read(client))["statements"] == {}


@pytest.mark.parametrize("by_engine", [False, True], ids=["a database", "its session maker"])
async def test_the_health_checks_tell(
    client: httpx.AsyncClient, database: db.Database, tmp_path: Path, by_engine: bool
) -> None:
    """h/D29: those of the databases that it listens to say that it is on, and until when."""
    factory, other = Factory(), create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    factory.add(SQLAlchemy(Session=database.read_write if by_engine else database), name="own", ttl=0)
    factory.add(SQLAlchemy(Session=async_sessionmaker(other)), name="other", ttl=0)

    async def payloads() -> list[Any]:
        found = await factory.check()
        return [(entity.status, entity.payload) for entity in found.entities]

    assert await payloads() == [("pass", {}), ("pass", {})]
    expires = (await start(client))["expires"]
    assert await payloads() == [("pass", {"sql_profiler": {"expires": expires}}), ("pass", {})]
    await client.delete("sql_profiler")
    assert await payloads() == [("pass", {}), ("pass", {})]
    await factory.aclose()
    await other.dispose()


async def test_a_new_start_forgets(client: httpx.AsyncClient, database: db.Database) -> None:
    await start(client)
    await execute(database, "SELECT 1")
    await start(client, ttl="1h")
    assert (await read(client))["statements"] == {}


async def test_plans(client: httpx.AsyncClient, database: db.Database) -> None:
    """The plan of each statement is fetched, except where there is none."""
    await start(client, explain=True, analyze=True)
    await execute(database, "SELECT name FROM item WHERE name = 'hunter2' ORDER BY upper(name)")
    await execute(database, "WITH x AS (SELECT 1) INSERT INTO item SELECT :name", name="hunter2")
    await execute(database, "DROP TABLE IF EXISTS other")
    found = await read(client)
    plans = {sql: item["plan"] for sql, item in found["statements"].items()}
    assert "item" in plans["SELECT name FROM item WHERE name = ? ORDER BY upper(name)"].lower()
    assert plans["WITH x AS (SELECT ?) INSERT INTO item SELECT ?"] is None
    assert plans["DROP TABLE IF EXISTS other"] is None
    assert "EXPLAIN" not in str(found)
    assert "hunter2" not in str(found)


@pytest.mark.no_cover
async def test_at_most_500_statements(client: httpx.AsyncClient, database: db.Database) -> None:
    """h/D25: the least used ones are dropped, and the reply stays below 1 MiB."""
    await start(client, explain=True)
    await execute(database, "SELECT 1 AS kept", times=3)
    async with database.session_scope() as session:
        for number in range(600):
            names = ", ".join(f"name AS n{i}_ä" for i in range(200))
            await session.execute(text(f"SELECT 1 AS a{number}, {names} FROM item"))  # noqa: S608
    answer = await client.get("sql_profiler")
    texts = [item["sql"] for item in answer.json()["statements"]]
    assert len(texts) == 500
    assert "SELECT ? AS kept" in texts
    assert len(answer.content) < 2**20


async def test_several_databases(client: httpx.AsyncClient, database: db.Database, tmp_path: Path) -> None:
    """h/D31: the statements of each have their own figures; those of other engines are not recorded."""
    other = db.Database(f"sqlite:///{tmp_path}/other.db", name="other")
    await start(client)  # before the engines of the second one exist
    await execute(database, "SELECT 1")
    await execute(other, "SELECT 1", times=2)
    items = (await client.get("sql_profiler")).json()["statements"]
    found = {item.get("database"): item["count"] for item in items if item["sql"] == "SELECT ?"}
    assert found == {None: 1, "other": 2}
    await other.aclose()


async def test_an_end_while_statements_run(client: httpx.AsyncClient, database: db.Database) -> None:
    """Statements whose plan is fetched while the profiler is ended and started are not disturbed."""
    stop = asyncio.Event()

    async def work(worker: int) -> int:
        number = 0
        while not stop.is_set():
            number += 1
            await execute(database, f"SELECT 1 AS a{worker}_{number}")
        return number

    before = len(listeners(database))
    workers = [asyncio.create_task(work(number)) for number in range(4)]
    for _ in range(30):
        await start(client, explain=True)
        await start(client, explain=True)
        await client.delete("sql_profiler")
    stop.set()
    assert min(await asyncio.gather(*workers)) > 0
    await asyncio.sleep(0)
    assert len(listeners(database)) == before


ON_SQLITE = (
    "INSERT INTO made (name) VALUES ('a'), ('b') RETURNING id",
    "INSERT INTO made (name) VALUES (:text)",
    "SELECT last_insert_rowid(), changes(), total_changes()",
    "insert into made (name) values ('a') on conflict do nothing",
    "UPDATE made SET name = name || :text",
    "SELECT changes()",
    "WITH x AS (SELECT max(id) AS i FROM made) DELETE FROM made WHERE id IN (SELECT i FROM x) RETURNING name",
    "SELECT count(*), group_concat(name) FROM (SELECT name FROM made ORDER BY id)",
    "SELECT 1 FROM missing",
    "SELECT json('not json')",
    "PRAGMA foreign_keys",
)


async def test_nothing_differs_on_sqlite(
    client: httpx.AsyncClient, tmp_path: Path, database: db.Database
) -> None:
    """Results, errors, counts of rows and the last id are the same with plans."""

    async def outcomes(name: str) -> list[Any]:
        other = db.Database(f"sqlite:///{tmp_path}/{name}.db", name=name)
        await execute(other, "CREATE TABLE made (id INTEGER PRIMARY KEY, name text UNIQUE)")
        found: list[Any] = []
        for sql in ON_SQLITE * 3:
            async with other.session_scope(read_write=True) as session:
                for statement in (sql, *ON_SQLITE):
                    try:
                        result: Any = await session.execute(
                            text(statement), {"text": f"x{len(found)}"} if ":text" in statement else {}
                        )
                    except DBAPIError as error:
                        found.append(str(error.orig))
                        continue
                    rows = [tuple(row) for row in result] if result.returns_rows else result.lastrowid
                    found.append((result.rowcount, rows))
        await other.aclose()
        return found

    expected = await outcomes("off")
    await start(client, explain=True, analyze=True)
    assert await outcomes("on") == expected
    assert sum(item["plan"] is not None for item in (await read(client))["statements"].values()) >= 3
