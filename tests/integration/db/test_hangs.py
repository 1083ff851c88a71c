"""Servers that hang, and networks that lose everything without saying so."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from c2casgiutils import db, errors
from c2casgiutils.db import _hangs
from c2casgiutils.health_checks import Factory, SQLAlchemy
from tests.integration.db.conftest import Pair
from tests.support.db_app import client_of, execute
from tests.support.net import eventually
from tests.support.proxy import Proxy

DRIVERS = ["postgresql+psycopg", "postgresql+asyncpg"]
BOUND_SECONDS = 20
"""Of an answer while a server hangs: 6 s, and what a driver takes to end a query that is cancelled."""
END_QUERIES = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE query LIKE '%pg_sleep%' AND pid != pg_backend_pid()"
)


def create_app(database: db.Database) -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.get("/nothing")
    async def nothing() -> bool:
        return True

    @app.api_route("/sleep/{seconds}", methods=["GET", "POST"])
    async def sleep(seconds: float, session: Annotated[AsyncSession, database.session]) -> bool:
        await execute(session, "SELECT pg_sleep(:seconds)", seconds=seconds)
        return True

    return app


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, pair: Pair) -> Iterator[None]:
    """A server is asked after a second already; no query of a test goes on after it."""
    monkeypatch.setattr(_hangs, "_PATIENCE_SECONDS", 1.0)
    yield
    for server in (pair.primary, pair.replica):
        with server.connect() as connection:
            connection.execute(END_QUERIES)


def pool_of(database: db.Database) -> Any:
    return database.engines.read_write.pool


async def all_are_back(database: db.Database) -> None:
    async def are_back() -> bool:
        return bool(pool_of(database).checkedout() == 0)

    await eventually(are_back, what="all connections are in the pool")


async def works_again(client: httpx.AsyncClient, database: db.Database) -> None:
    """And no connection is lost."""

    async def works() -> bool:
        return (await client.post("/sleep/0")).status_code == 200

    await eventually(works, what="writes succeed")
    answers = await asyncio.gather(*(client.post("/sleep/0.1") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    await all_are_back(database)


async def refused_in_time(client: httpx.AsyncClient) -> None:
    """As many requests as the pool has connections."""
    started = time.monotonic()
    answers = await asyncio.gather(*(client.post("/sleep/0") for _ in range(2)))
    assert {answer.status_code for answer in answers} <= {503, 504}
    assert time.monotonic() - started < BOUND_SECONDS


@pytest.mark.parametrize(
    ("driver", "pre_ping"), [(DRIVERS[0], False), (DRIVERS[0], True), (DRIVERS[1], False)]
)
async def test_a_primary_that_hangs(
    pair: Pair, driver: str, pre_ping: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Writes are 503 in time, reads use the replica, other routes work, and health says what is wrong."""
    database = db.Database(
        pair.primary.url(driver),
        read_only_url=pair.replica.url(driver),
        pool_size=2,
        max_overflow=0,
        pool_pre_ping=pre_ping,
    )
    factory = Factory()
    factory.add(SQLAlchemy(database), ttl=0)
    async with client_of(create_app(database)) as client:
        assert (await client.get("/sleep/0")).status_code == 200
        await asyncio.gather(client.post("/sleep/0.1"), client.post("/sleep/0.1"))
        pair.primary.pause()
        refused = asyncio.create_task(refused_in_time(client))
        await asyncio.sleep(0.1)
        assert (await client.get("/sleep/0")).status_code == 200
        assert (await client.get("/nothing")).status_code == 200
        states = {entity.name: entity.status for entity in (await factory.check()).entities}
        assert states == {"db_default_read_write": "fail", "db_default_read_only": "pass"}
        await refused
        pair.primary.resume()
        await works_again(client, database)
    assert "The database default (read_write) does not answer: its " in caplog.text
    await factory.aclose()
    await database.aclose()


async def test_a_replica_that_hangs_during_a_read(pair: Pair) -> None:
    """This read is a 503, later ones use the primary."""
    database = db.Database(pair.primary.url(), read_only_url=pair.replica.url())
    async with client_of(create_app(database)) as client:
        reading = asyncio.create_task(client.get("/sleep/30"))
        await asyncio.sleep(0.5)
        pair.replica.pause()
        started = time.monotonic()
        assert (await reading).status_code == 503
        assert (await client.get("/sleep/0")).status_code == 200
        assert time.monotonic() - started < BOUND_SECONDS
        pair.replica.resume()
    await database.aclose()


@pytest.mark.parametrize(("driver", "is_given"), [(DRIVERS[0], False), (DRIVERS[1], True)])
async def test_a_network_without_a_route(pair: Pair, driver: str, is_given: bool) -> None:
    """Nothing arrives, in both directions; afterwards all works."""
    async with Proxy(pair.primary.port) as proxy:
        url = make_url(pair.primary.url(driver)).set(port=proxy.port)
        options: dict[str, Any] = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 10}
        async with contextlib.AsyncExitStack() as stack:
            if is_given:
                engine = create_async_engine(url, **options)
                stack.push_async_callback(engine.dispose)
                database = db.Database.from_engines(engine)
            else:
                database = db.Database(url, **options)
            stack.push_async_callback(database.aclose)
            async with client_of(create_app(database)) as client:
                await asyncio.gather(client.post("/sleep/0.1"), client.post("/sleep/0.1"))
                proxy.hold()
                await refused_in_time(client)
                proxy.cut()
                proxy.release()
                await works_again(client, database)


@pytest.fixture
async def small(pair: Pair) -> AsyncIterator[db.Database]:
    """A database with one connection."""
    database = db.Database(pair.primary.url(), pool_size=1, max_overflow=0)
    yield database
    await database.aclose()


async def test_a_request_that_is_cancelled_meanwhile(pair: Pair, small: db.Database) -> None:
    """The connection is not lost: it is closed, and another one takes its place."""
    async with client_of(create_app(small)) as client:
        request = asyncio.create_task(client.post("/sleep/30"))
        await asyncio.sleep(0.5)
        pair.primary.pause()
        started = time.monotonic()
        request.cancel()
        await asyncio.wait({request})
        assert time.monotonic() - started < BOUND_SECONDS
        await all_are_back(small)
        pair.primary.resume()
        await works_again(client, small)


async def test_a_long_query_is_left_alone(
    pair: Pair, small: db.Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The server answers, and keeps no connection of ours for the question."""
    async with client_of(create_app(small)) as client:
        before = pair.primary.connections()
        assert (await client.post("/sleep/3")).status_code == 200
    assert caplog.text == ""

    async def is_ended() -> bool:
        return pair.primary.connections() <= before + 1

    await eventually(is_ended, what="the connection for the question is closed")
