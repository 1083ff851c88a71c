"""The SQL profiler on PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from c2casgiutils import db
from tests.integration.db.conftest import Pair
from tests.support.postgres import PostgresServer
from tests.support.statements import SCHEMA, make_transactions, outcomes_of

DRIVERS = ("postgresql+psycopg", "postgresql+asyncpg")
WORKERS = 4
STATEMENTS = {"postgresql+psycopg": 250, "postgresql+asyncpg": 125}
"""Of each worker, by driver."""


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def started(local_broadcast: None) -> AsyncIterator[None]:
    """The profiler takes part in the switches of this process, and is off at the end."""
    await db.profiler().startup()
    yield
    await db.profiler().end(by="test")


@pytest.fixture
async def database(pair: Pair, driver: str, started: None) -> AsyncIterator[db.Database]:
    """A primary with one connection, and the table `item`."""
    create_schema(pair.primary, "work")
    database = db.Database(
        pair.primary.url(driver),
        pool_size=1,
        max_overflow=0,
        pool_timeout=1,
        connect_args=search("work", driver),
    )
    yield database
    await database.aclose()


def create_schema(server: PostgresServer, *names: str) -> None:
    with server.connect() as connection:
        for name in names:
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
            connection.execute(f"CREATE SCHEMA {name}")
            connection.execute(f"SET search_path = {name}, pg_catalog")
            connection.execute(SCHEMA)


def search(schema: str, driver: str) -> dict[str, Any]:
    """Return the arguments of a connection whose names are those of a schema first."""
    path = f"{schema},pg_catalog"
    if driver.endswith("asyncpg"):
        return {"server_settings": {"search_path": path}}
    return {"options": f"-c search_path={path}"}


async def start(**options: bool) -> None:
    await db.profiler().start(ttl=60, by="test", **{"explain": True, "analyze": True, **options})


async def plans() -> dict[str, str | None]:
    return {figures.sql: figures.plan for figures in (await db.profiler().read()).statements}


async def run(session: AsyncSession, sql: str, **values: Any) -> list[Any]:
    result: Any = await session.execute(text(sql), values)
    return [tuple(row) for row in result] if result.returns_rows else []


async def outcomes(server: PostgresServer, driver: str) -> list[Any]:
    """Return what random statements did, of tasks that work at the same time."""
    names = [f"work_{number}" for number in range(WORKERS)]
    create_schema(server, *names)

    async def work(name: str) -> list[Any]:
        database = db.Database(
            server.url(driver), pool_size=1, max_overflow=0, connect_args=search(name, driver)
        )
        found: list[Any] = []
        for steps, is_committed in make_transactions(name, STATEMENTS[driver]):
            with contextlib.suppress(RuntimeError):
                async with database.session_scope(read_write=True) as session:
                    found.append(await outcomes_of(session, steps))
                    if not is_committed:
                        raise RuntimeError("roll back")
        async with database.session_scope() as session:
            queries = (
                "SELECT * FROM item ORDER BY id",
                "SELECT * FROM log ORDER BY call",
                "SELECT last_value FROM s",
            )
            found += [await run(session, sql) for sql in queries]
        await database.aclose()
        return found

    async with asyncio.timeout(120):
        return list(await asyncio.gather(*(work(name) for name in names)))


async def test_nothing_differs_with_the_profiler(pair: Pair, driver: str, started: None) -> None:
    """1,000 random statements (with asyncpg 500) have the same results and errors, and wait for nothing."""
    expected = await outcomes(pair.primary, driver)
    await start()
    found = await outcomes(pair.primary, driver)
    with_plan = [plan for plan in (await plans()).values() if plan]
    assert len(with_plan) > 15
    assert any("actual" in plan for plan in with_plan)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == theirs


ANALYZED = (
    "SELECT name FROM item WHERE size = 4711",
    "select count(*), max(size) from item group by name having count(*) > 4711",
    "/* first */ WITH a AS (SELECT id FROM item) SELECT a.id FROM a JOIN item USING (id)",
    "VALUES (1), (2)",
    "SELECT CASE WHEN size IN (1, 2) THEN coalesce(name, 'x') END FROM item ORDER BY length(name)",
)
ONLY_PLANNED = (
    "SELECT id FROM item FOR UPDATE",
    "select id from item for key share",
    "SELECT * FROM (SELECT id FROM item FOR UPDATE) x",
    "SELECT nextval('s')",
    "select NextVal /* here */ ('s')",
    'SELECT "pg_catalog"."nextval"(\'s\')',
    "SELECT setval('s', 1)",
    "SELECT bump(1)",
    "SELECT lower(1)",
    "SELECT lower(name) FROM item",
    "SELECT item.sneak FROM item",
    "SELECT number FROM sneaky",
    "SELECT has_lock FROM locking",
    "SELECT id FROM limited",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_sleep(0.01)",
    "SELECT set_config('app.x', 'y', false)",
    "SELECT pg_notify('c', 'x')",
    "SELECT 1 WHERE txid_current() > 0",
    "WITH a AS (INSERT INTO log VALUES (1) RETURNING call) SELECT * FROM a",
    "INSERT INTO log VALUES (1)",
    "update item set size = 1",
    "DELETE FROM log",
)
NO_PLAN = (
    "SELECT 1; SELECT 2",
    "SELECT 'a;b'",
    "DROP TABLE IF EXISTS other",
    "CREATE TABLE other AS SELECT 1 AS a",
    "EXPLAIN SELECT 1",
    "SET LOCAL lock_timeout = 1000",
    "LOCK TABLE item",
    "NOTIFY c",
)


async def test_what_is_analyzed(database: db.Database) -> None:
    """h/D21: only queries that provably do nothing but read; all others are planned, or left alone."""
    is_asyncpg = database.engines.read_write.dialect.driver == "asyncpg"
    for sql in (*ANALYZED, *ONLY_PLANNED, *NO_PLAN):
        if is_asyncpg and sql == "SELECT 1; SELECT 2":
            continue
        await start()
        async with database.session_scope(read_write=True) as session:
            await (await session.connection()).exec_driver_sql(sql)
        (plan,) = (await plans()).values()
        kind = "none" if plan is None else "actual" if "actual" in plan else "plan"
        expected = {"actual": ANALYZED, "plan": ONLY_PLANNED, "none": NO_PLAN}[kind]
        assert sql in expected, (sql, plan)


async def test_effects_happen_once(database: db.Database) -> None:
    """h/D21: what a statement does besides reading is not done again for its plan."""
    await start()
    async with database.session_scope(read_write=True) as session:
        assert await run(session, "SELECT nextval('s')") == [(1,)]
        assert await run(session, "SELECT number FROM sneaky") == []
        assert await run(session, "SELECT lower(1)") == [(1,)]
        assert await run(session, "SELECT last_value FROM s") == [(2,)]
        await run(session, "SELECT bump(3)")
        await run(session, "INSERT INTO item (name, size) VALUES ('a', 1)")
        assert await run(session, "SELECT call FROM log") == [(3,)]
        assert await run(session, "SELECT has_lock FROM locking") == [(True,)]
        for is_held in (True, False):
            assert await run(session, "SELECT pg_advisory_unlock_shared(4711)") == [(is_held,)]


async def test_locked_rows(database: db.Database) -> None:
    """h/D22: a query that locks rows that its transaction changed waits for nothing, with one connection."""
    await start()
    async with asyncio.timeout(30), database.session_scope(read_write=True) as session:
        await run(session, "INSERT INTO item (name, size) VALUES ('a', 1)")
        await run(session, "UPDATE item SET size = 2")
        assert await run(session, "SELECT size FROM item FOR UPDATE") == [(2,)]
        assert await run(session, "SELECT sum(size) FROM item") == [(2,)]


async def test_no_value_in_a_plan(database: db.Database) -> None:
    """Neither of parameters nor of literals."""
    await start()
    async with database.session_scope(read_write=True) as session:
        await run(
            session, "SELECT name FROM item WHERE name = :name AND size = :size", name="hunter2", size=4711
        )
        await run(session, "SELECT id FROM item WHERE name IN ('hunter2', E'it\\'s hunter2', $$hunter2$$)")
        await run(session, "SELECT id FROM item WHERE size IN (4711, -4711) OR name LIKE 'hunter2%'")
        await run(session, "SELECT id FROM item WHERE name = ANY(ARRAY['hunter2']) AND size > 4711.5")
        await run(session, "SELECT id AS x FROM item WHERE name || 'hunter2' = '4711' ORDER BY size + 4711")
        await run(session, "SELECT 1 AS hidden FROM item LIMIT 4711")
    found = await plans()
    assert all(plan and "item" in plan for plan in found.values())
    assert "Filter: (" in str(found)
    assert "hunter2" not in str(found)
    assert "4711" not in str(found)


DISTURBING = """
CREATE FUNCTION disturb(what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
  IF current_query() LIKE 'EXPLAIN%' THEN
    IF what = 'sleep' THEN PERFORM pg_sleep(60); ELSE RAISE EXCEPTION 'disturbed'; END IF;
  END IF;
  RETURN 1;
END$$
"""


@pytest.mark.parametrize("what", ["raise", "sleep"])
async def test_a_plan_that_fails(database: db.Database, what: str) -> None:
    """h/D28: the transaction goes on, also when the planning lasts: it is ended after 2 s."""
    await start()
    async with asyncio.timeout(20), database.session_scope(read_write=True) as session:
        await run(session, DISTURBING)
        await run(session, "INSERT INTO item (name, size) VALUES ('a', 1)")
        assert await run(session, f"SELECT disturb('{what}')") == [(1,)]
        await run(session, "INSERT INTO item (name, size) VALUES ('b', 2)")
        await session.execute(text("SELECT set_config('app.x', current_setting('statement_timeout'), true)"))
    async with database.session_scope() as session:
        assert await run(session, "SELECT name FROM item ORDER BY name") == [("a",), ("b",)]
    assert (await plans())["SELECT disturb(?)"] is None


async def test_a_cancellation_while_a_plan_is_fetched(database: db.Database) -> None:
    """The connection that the pool has afterwards is clean."""
    await start()
    async with database.session_scope(read_write=True) as session:
        await run(session, DISTURBING)

    async def work() -> None:
        async with database.session_scope(read_write=True) as session:
            await run(session, "INSERT INTO item (name, size) VALUES ('a', 1)")
            await run(session, "SELECT disturb('sleep')")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work(), 0.5)
    async with asyncio.timeout(30), database.session_scope(read_write=True) as session:
        assert await run(session, "SELECT count(*) FROM item") == [(0,)]
        assert await run(session, "SHOW statement_timeout") == [("0",)]
    assert database.engines.read_write.sync_engine.pool.status().count("Connections in pool: 1") == 1


async def test_streams_and_many_rows_have_no_plan(database: db.Database) -> None:
    """A stream has its rows; a statement for many rows is counted, with all of them."""
    await start()
    async with database.session_scope(read_write=True) as session:
        rows = [{"name": str(number), "size": number} for number in range(3_000)]
        await session.execute(text("INSERT INTO item (name, size) VALUES (:name, :size)"), rows)
        result = await session.stream(text("SELECT name AS streamed FROM item ORDER BY id"))
        assert [row.streamed async for row in result] == [row["name"] for row in rows]
    found = {figures.sql: figures for figures in (await db.profiler().read()).statements}
    many = found["INSERT INTO item(name, size) VALUES (?)"]
    assert (many.count, many.plan) == (1, None)
    assert found["SELECT name AS streamed FROM item ORDER BY id"].plan is None


async def test_engines_of_the_application(pair: Pair, driver: str, started: None) -> None:
    """Also one that commits each statement, which gets no plans: a savepoint needs a transaction."""
    create_schema(pair.primary, "work")
    engine = create_async_engine(pair.primary.url(driver), connect_args=search("work", driver))
    autocommit = create_async_engine(
        pair.primary.url(driver), connect_args=search("work", driver), isolation_level="AUTOCOMMIT"
    )
    databases = [
        db.Database.from_engines(engine, name="own"),
        db.Database.from_engines(autocommit, name="auto"),
    ]
    await start()
    for database in databases:
        async with database.session_scope(read_write=True) as session:
            await run(session, "INSERT INTO item (name, size) VALUES (:name, 1)", name=database.name)
            assert await run(session, "SELECT max(size) FROM item") == [(1,)]
    found = {
        (figures.database, figures.sql): figures.plan for figures in (await db.profiler().read()).statements
    }
    assert "actual" in str(found["own", "SELECT max(size) FROM item"])
    assert found["auto", "SELECT max(size) FROM item"] is None
    for database in databases:
        await database.aclose()
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT 'after the end'")
    assert len((await db.profiler().read()).statements) == len(found)
    await engine.dispose()
    await autocommit.dispose()


async def test_no_listener_sees_the_plans(database: db.Database) -> None:
    """h/D26: neither the profiler itself nor the listeners and the metrics of the application."""
    from sqlalchemy import event

    seen: list[str] = []
    event.listen(
        database.engines.read_write.sync_engine, "before_cursor_execute", lambda *given: seen.append(given[2])
    )
    await start()
    async with database.session_scope(read_write=True) as session:
        await run(session, "SELECT id FROM item")
    assert seen == ["SELECT id FROM item"]
    assert list(await plans()) == ["SELECT id FROM item"]


async def test_a_replica(pair: Pair, driver: str, started: None) -> None:
    """Plans are fetched from the server that executed the query, also from one that only reads."""
    database = db.Database(pair.primary.url(driver), read_only_url=pair.replica.url(driver))
    await start()
    async with database.session_scope() as session:
        (where,) = await run(session, "SELECT current_setting('port')::int, count(*) FROM item")
        assert where == (pair.replica.port, 0)
        assert await run(session, "SELECT min(length(name)) FROM item") == [(None,)]
    found = await plans()
    assert "actual" in str(found["SELECT min(length(name)) FROM item"])
    await database.aclose()
