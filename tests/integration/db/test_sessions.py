"""Sessions on a real primary and its streaming replica."""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from starlette.requests import HTTPConnection

import c2casgiutils
from c2casgiutils import cli, db
from c2casgiutils.db._routing import Mode
from c2casgiutils.logs._restore import remember_loggers
from tests.integration.db.conftest import Pair
from tests.support.db_app import client_of, create_app, execute, where
from tests.support.net import eventually, wait_for


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
async def test_the_method_chooses(database: db.Database, pair: Pair, method: str) -> None:
    async with client_of(create_app(database)) as client:
        answer = (await client.request(method, "/where")).json()
    is_reading = method in {"GET", "OPTIONS"}
    assert answer == [pair.replica.port if is_reading else pair.primary.port, is_reading]


async def test_a_parameter_chooses(database: db.Database, pair: Pair) -> None:
    """Whatever the method is."""
    async with client_of(create_app(database)) as client:
        for method in ("GET", "POST"):
            assert (await client.request(method, "/reading")).json() == [pair.replica.port, True]
            assert (await client.request(method, "/writing")).json() == [pair.primary.port, False]


async def test_rules_choose(pair: Pair) -> None:
    """They see the full path, are matched from its start, and `force_read_write` comes first."""
    database = db.Database(
        pair.primary.url(),
        read_only_url=pair.replica.url(),
        force_read_write=["GET /api/where", "POST /api/reading"],
        force_read_only=["POST /api/w", "/api"],
    )
    app = FastAPI()
    app.mount("/api", create_app(database))
    async with client_of(app) as client:
        assert (await client.get("/api/where")).json() == [pair.primary.port, False]
        assert (await client.post("/api/where")).json() == [pair.replica.port, True]
        assert (await client.put("/api/where")).json() == [pair.primary.port, False]
    await database.aclose()


async def test_none_of_40000_sessions_is_on_the_wrong_engine(database: db.Database, pair: Pair) -> None:
    """200 tasks open sessions of both modes, of makers and of requests, and give way while they have them."""
    alone = db.Database(pair.primary.url())

    def is_wrong(session: AsyncSession, engine: AsyncEngine) -> bool:
        return session.sync_session.get_bind() is not engine.sync_engine

    async def open_some(number: int) -> int:
        wrong = 0
        for round_ in range(100):
            is_writing = (number + round_) % 2 == 0
            mode = Mode.READ_WRITE if is_writing else Mode.READ_ONLY
            maker = database.read_write if is_writing else database.read_only
            async with maker() as session:
                await asyncio.sleep(0)
                wrong += is_wrong(session, database.engines.of(mode))
            request: dict[str, Any] = {
                "type": "http",
                "method": "PUT" if is_writing else "GET",
                "path": "/",
                "headers": [],
            }
            async with alone.in_request(HTTPConnection(request)) as session:
                await asyncio.sleep(0)
                wrong += is_wrong(session, alone.engines.of(mode))
        return wrong

    assert sum(await asyncio.gather(*(open_some(number) for number in range(200)))) == 0
    assert database.engines.read_only.url.port == pair.replica.port
    await alone.aclose()


async def test_tasks_read_and_write_where_they_should(database: db.Database, pair: Pair) -> None:
    """The servers say so, for sessions of 100 tasks that share small pools."""

    async def use(read_write: bool) -> bool:
        async with database.session_scope(read_write=read_write) as session:
            await asyncio.sleep(0)
            port = pair.primary.port if read_write else pair.replica.port
            return await where(session) == (port, not read_write)

    assert all(await asyncio.gather(*(use(number % 2 == 0) for number in range(100))))


async def test_a_write_through_a_reading_session_fails(database: db.Database, pair: Pair) -> None:
    """On the replica, and on the primary when it is the only server."""
    alone = db.Database(pair.primary.url())
    for each in (database, alone):
        async with client_of(create_app(each)) as client:
            assert (await client.get("/items/one")).status_code == 500
            assert (await client.get("/items")).json() == []
        with pytest.raises(DBAPIError, match="read-only transaction"):
            async with each.session_scope() as session:
                await execute(session, "INSERT INTO item VALUES ('one')")
    await alone.aclose()


async def test_a_violated_deferred_constraint_is_no_success(database: db.Database) -> None:
    """It is found at the commit, which comes before the answer."""
    async with client_of(create_app(database)) as client:
        assert (await client.post("/items/one")).status_code == 200
        assert (await client.post("/items/one")).status_code == 500
        assert (await client.post("/fail/two")).status_code == 500
    async with database.session_scope(read_write=True) as session:
        assert list((await execute(session, "SELECT name FROM item")).scalars()) == ["one"]


async def test_one_request_needs_one_connection(pair: Pair) -> None:
    """Parameters of the same mode share a session, so a pool of one connection suffices."""
    database = db.Database(pair.primary.url(), pool_size=1, max_overflow=0, pool_timeout=5)
    app = FastAPI()

    async def user(session: Annotated[AsyncSession, database.session]) -> AsyncSession:
        await where(session)
        return session

    @app.post("/")
    async def shared(
        session: Annotated[AsyncSession, database.write_session],
        of_user: Annotated[AsyncSession, Depends(user)],
    ) -> bool:
        await where(session)
        return session is of_user

    async with client_of(app) as client:
        assert (await client.post("/")).json() is True
    await database.aclose()


async def test_a_cancelled_request_returns_a_clean_connection(pair: Pair) -> None:
    """The query ends, the transaction is rolled back, and the only connection serves the next one."""
    database = db.Database(pair.primary.url(), pool_size=1, max_overflow=0)

    async def wait_long() -> None:
        async with database.session_scope(read_write=True) as session:
            await execute(session, "INSERT INTO item VALUES ('lost')")
            await execute(session, "SELECT pg_sleep(60)")

    for _ in range(3):
        task = asyncio.create_task(wait_long())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.session_scope(read_write=True) as session:
            assert (await execute(session, "SELECT count(*) FROM item")).scalar() == 0

    async def nothing_runs() -> bool:
        with pair.primary.connect() as connection:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active'"
            )
            row = connection.execute(query + " AND pid != pg_backend_pid()").fetchone()
        return row == (0,)

    await eventually(nothing_runs, what="no query runs on")
    await database.aclose()


@contextlib.asynccontextmanager
async def _by_itself() -> AsyncIterator[None]:
    yield
    await db.shutdown()


@pytest.fixture
def _own_logging() -> Iterator[None]:
    """Undo the logging configuration of `cli.lifespan`, which is for the whole process."""
    restore = remember_loggers()
    yield
    restore()


@pytest.mark.usefixtures("_own_logging")
@pytest.mark.parametrize(
    "lifespan",
    [
        pytest.param(_by_itself, id="db.shutdown"),
        pytest.param(c2casgiutils.lifespan, id="c2casgiutils.lifespan"),
        pytest.param(lambda: cli.lifespan(argparse.Namespace()), id="cli.lifespan"),
    ],
)
def test_engines_belong_to_their_event_loop(
    pair: Pair, lifespan: Callable[[], contextlib.AbstractAsyncContextManager[None]]
) -> None:
    """A database made outside of any event loop works on each, and all its connections end."""
    database = db.Database(pair.primary.url(), read_only_url=pair.replica.url())
    before = pair.primary.connections(), pair.replica.connections()

    async def use() -> None:
        async with lifespan():
            async with database.session_scope(read_write=True) as session:
                assert (await where(session))[0] == pair.primary.port
            async with database.session_scope() as session:
                assert (await where(session))[0] == pair.replica.port
            async with database.read_write() as session:
                assert (await where(session))[0] == pair.primary.port
            assert pair.primary.connections() > before[0]

    for _ in range(2):
        asyncio.run(use())
        wait_for(
            lambda: (pair.primary.connections(), pair.replica.connections()) <= before, what="all are closed"
        )


async def test_engines_of_the_application(pair: Pair) -> None:
    """They are used as they are, and stay open."""
    primary, replica = create_async_engine(pair.primary.url()), create_async_engine(pair.replica.url())
    database = db.Database.from_engines(primary, replica, name="own")
    async with database.session_scope(read_write=True) as session:
        assert await where(session) == (pair.primary.port, False)
    async with database.session_scope() as session:
        assert await where(session) == (pair.replica.port, True)
    assert db.get("own") is database
    await database.aclose()
    async with primary.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
    await primary.dispose()
    await replica.dispose()


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
async def test_drivers(pair: Pair, driver: str) -> None:
    """Each reads and writes, and reads only where it should."""
    database = db.Database(pair.primary.url(driver), read_only_url=pair.replica.url(driver))
    async with database.session_scope(read_write=True) as session:
        assert await where(session) == (pair.primary.port, False)
    async with database.session_scope() as session:
        assert await where(session) == (pair.replica.port, True)
    await database.aclose()


async def test_all_is_undone(database: db.Database, pair: Pair) -> None:
    """In a test all sessions see what the others wrote, reading ones cannot write, nothing remains."""
    async with database.rolled_back(), client_of(create_app(database)) as client:
        assert (await client.post("/items/one")).status_code == 200
        assert (await client.get("/items")).json() == ["one"]
        assert (await client.get("/items/two")).status_code == 500
        assert (await client.post("/fail/three")).status_code == 500
        assert (await client.post("/items/four")).status_code == 200
        async with database.read_write() as session:
            assert (await execute(session, "SELECT count(*) FROM item")).scalar() == 2
    async with database.session_scope(read_write=True) as session:
        assert (await execute(session, "SELECT count(*) FROM item")).scalar() == 0
