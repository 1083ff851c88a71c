"""A replica that fails or lags, and a primary that does."""

import asyncio
import contextlib
import datetime
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import prometheus_client
import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from c2casgiutils import db
from c2casgiutils._periodic import periodic_tasks
from tests.integration.db.conftest import Pair
from tests.support.db_app import client_of, create_app, execute
from tests.support.net import SOON_SECONDS, eventually


@pytest.fixture
async def client(database: db.Database) -> AsyncIterator[httpx.AsyncClient]:
    """Of an application that has read from the replica already."""
    async with client_of(create_app(database)) as client:
        assert (await client.get("/where")).status_code == 200
        yield client


async def reads_use(client: httpx.AsyncClient, server: Any) -> None:
    async def do_they() -> bool:
        response = await client.get("/where")
        assert response.status_code == 200
        port, is_read_only = response.json()
        assert is_read_only
        return bool(port == server.port)

    await eventually(do_they, what=f"reads use the server on port {server.port}")


def gauge(name: str = "default") -> float | None:
    return prometheus_client.REGISTRY.get_sample_value("c2casgiutils_db_replica_up", {"database": name})


async def has_last_run(*, ok: bool) -> bool:
    """Whether the list of periodic tasks tells this of the last check of the replica."""
    (task,) = [task for task in periodic_tasks() if task.name == "replica of the database default"]
    return task.last is not None and task.last.ok is ok


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name.startswith("c2casgiutils.db")]


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_replica_that_ends(
    client: httpx.AsyncClient, pair: Pair, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No read fails, though the pool has connections to it; it is used again once it is back."""
    await reads_use(client, pair.replica)
    assert gauge() == 1
    getattr(pair.replica, how)()
    answers = await asyncio.gather(*(client.get("/where") for _ in range(10)))
    assert [answer.json() for answer in answers] == [[pair.primary.port, True]] * 10

    async def is_noticed() -> bool:
        # what a killed server has started may live, and answer, for a moment longer
        assert (await client.get("/where")).status_code == 200
        return gauge() == 0

    await eventually(is_noticed, what="a replica that is not used")
    await eventually(lambda: has_last_run(ok=False), what="a run that failed")
    assert (await client.post("/items/one")).status_code == 200
    pair.replica.ensure_up()
    await reads_use(client, pair.replica)
    assert gauge() == 1
    await eventually(lambda: has_last_run(ok=True), what="a run that succeeded")
    begun, *_, ended = messages(caplog)
    assert begun.startswith("The replica of the database default is not used, reads use the primary: ")
    assert ended.startswith("The replica of the database default is used again after ")


async def test_a_replica_that_hangs(client: httpx.AsyncClient, database: db.Database, pair: Pair) -> None:
    """Reads wait some seconds for it, once; its connections are not lost."""
    pair.replica.pause()
    started = time.monotonic()
    answers = await asyncio.gather(*(client.get("/where") for _ in range(4)))
    assert [answer.json() for answer in answers] == [[pair.primary.port, True]] * 4
    assert time.monotonic() - started < SOON_SECONDS
    pair.replica.resume()
    await reads_use(client, pair.replica)

    async def are_back() -> bool:
        pool: Any = database.engines.read_only.sync_engine.pool
        return bool(pool.checkedout() == 0)

    await eventually(are_back, what="all connections are in the pool")


async def test_closing_while_the_replica_hangs(pair: Pair) -> None:
    database = db.Database(pair.primary.url(), read_only_url=pair.replica.url())
    async with client_of(create_app(database)) as client:
        await reads_use(client, pair.replica)
        pair.replica.pause()
        await reads_use(client, pair.primary)
    started = time.monotonic()
    await database.aclose()
    assert time.monotonic() - started < SOON_SECONDS
    pair.replica.resume()


@pytest.fixture
async def lag_client(pair: Pair) -> AsyncIterator[httpx.AsyncClient]:
    """Of an application that reads from the replica while it is at most half a second behind."""
    database = db.Database(
        pair.primary.url(),
        read_only_url=pair.replica.url(),
        name="lag",
        max_lag=datetime.timedelta(milliseconds=500),
    )
    async with client_of(create_app(database)) as client:
        await reads_use(client, pair.replica)
        yield client
    await database.aclose()


async def test_a_replica_that_lags(
    lag_client: httpx.AsyncClient, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    """An idle primary is no lag; changes that are not replayed are one."""
    pair.replica.execute("SELECT pg_wal_replay_pause()")
    await asyncio.sleep(1.5)
    await reads_use(lag_client, pair.replica)
    assert messages(caplog) == []
    assert (await lag_client.post("/items/one")).status_code == 200
    await reads_use(lag_client, pair.primary)
    assert (await lag_client.get("/items")).json() == ["one"]
    assert gauge("lag") == 0
    pair.replica.execute("SELECT pg_wal_replay_resume()")
    await reads_use(lag_client, pair.replica)
    assert (await lag_client.get("/items")).json() == ["one"]
    assert "it is " in messages(caplog)[0]


async def test_without_a_bound_lag_is_no_failure(client: httpx.AsyncClient, pair: Pair) -> None:
    pair.replica.execute("SELECT pg_wal_replay_pause()")
    assert (await client.post("/items/one")).status_code == 200
    await asyncio.sleep(1.5)
    assert (await client.get("/items")).json() == []
    pair.replica.execute("SELECT pg_wal_replay_resume()")


async def test_a_promoted_replica(
    client: httpx.AsyncClient, lag_client: httpx.AsyncClient, pair: Pair
) -> None:
    """Reads use the primary; with a bound for the lag also in a process that starts later."""
    await asyncio.sleep(1)  # the watching has seen the replica as such
    pair.replica.execute("SELECT pg_promote()")
    try:
        await reads_use(client, pair.primary)
        await reads_use(lag_client, pair.primary)
        second = datetime.timedelta(seconds=1)
        late = db.Database(pair.primary.url(), read_only_url=pair.replica.url(), name="late", max_lag=second)
        async with client_of(create_app(late)) as late_client:
            for _ in range(3):
                await reads_use(late_client, pair.primary)
                await asyncio.sleep(0.5)
        await late.aclose()
    finally:
        pair.replica.create_again()
    await reads_use(client, pair.replica)


async def test_a_primary_that_ends(
    client: httpx.AsyncClient, lag_client: httpx.AsyncClient, pair: Pair
) -> None:
    """Reads go on, writes fail; once it is back writes succeed, whatever the pools hold."""
    assert (await client.post("/items/one")).status_code == 200
    pair.primary.stop()
    for _ in range(3):
        assert (await client.get("/where")).json() == [pair.replica.port, True]
        assert (await lag_client.get("/where")).json() == [pair.replica.port, True]
        assert (await client.post("/items/two")).status_code == 500
        await asyncio.sleep(0.5)
    pair.primary.ensure_up()

    async def writes() -> bool:
        return (await client.post("/items/three")).status_code == 200

    await eventually(writes, what="writes succeed")


async def test_both_end(database: db.Database, pair: Pair) -> None:
    """Then a read fails at once."""
    pair.replica.stop()
    pair.primary.stop()
    started = time.monotonic()
    with pytest.raises(OperationalError):
        async with database.session_scope() as session:
            await execute(session, "SELECT 1")
    assert time.monotonic() - started < SOON_SECONDS


async def test_an_exhausted_pool_is_no_failure_of_the_replica(pair: Pair) -> None:
    """Reads wait for a connection; the primary does not get them."""
    database = db.Database(
        pair.primary.url(), read_only_url=pair.replica.url(), pool_size=1, max_overflow=0, pool_timeout=5
    )
    async with client_of(create_app(database)) as client:
        async with database.session_scope() as session:
            await execute(session, "SELECT 1")
            waiting = asyncio.create_task(client.get("/where"))
            await asyncio.sleep(3)
            assert not waiting.done()
        assert (await waiting).json() == [pair.replica.port, True]
    await database.aclose()


async def test_a_replica_without_free_connections(
    client: httpx.AsyncClient, database: db.Database, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has a connection could still use it; the state does not change back and forth."""
    await database.engines.read_only.dispose()
    with contextlib.ExitStack() as others:
        refused = 0
        while refused < 5:  # what was closed before is free a moment later
            try:
                others.callback(pair.replica.connect().close)
            except psycopg.OperationalError:
                refused += 1
                await asyncio.sleep(0.1)
        await reads_use(client, pair.primary)
        for _ in range(5):
            await asyncio.sleep(0.5)
            assert (await client.get("/where")).json() == [pair.primary.port, True]
        assert len(messages(caplog)) == 1
    await reads_use(client, pair.replica)
