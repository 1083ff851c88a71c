"""The database checks against real servers and files, in good and bad days."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from c2casgiutils.health_checks import EntityResult, Factory, SQLAlchemy
from tests.support.net import SOON_SECONDS, eventually
from tests.support.postgres import PASSWORD, PASSWORD_QUOTED, PostgresServer


class Base(DeclarativeBase):
    """Of the models."""


class Item(Base):
    """A model."""

    __tablename__ = "health_item"
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
async def engine(postgres: PostgresServer) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(postgres.url(), pool_size=2, max_overflow=0)
    yield engine
    postgres.ensure_up()
    await engine.dispose()


@pytest.fixture
def session(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine)


async def timed(factory: Factory) -> tuple[EntityResult, float]:
    started = time.monotonic()
    (entity,) = (await factory.check()).entities
    return entity, time.monotonic() - started


def checked_out(engine: AsyncEngine) -> int:
    pool: Any = engine.pool
    number: int = pool.checkedout()
    return number


async def recovers(factory: Factory) -> None:
    async def passes() -> bool:
        return (await factory.check()).entities[0].status == "pass"

    await eventually(passes, what="the check passes again")


async def test_answers(factory: Factory, session: Any, engine: AsyncEngine) -> None:
    factory.add(SQLAlchemy(Session=session, tags=["db"]))
    entity, _ = await timed(factory)
    assert (entity.name, entity.tags, entity.status, entity.payload) == ("SQLAlchemy", ["db"], "pass", {})
    assert checked_out(engine) == 0


async def test_paused_server(
    factory: Factory, session: Any, engine: AsyncEngine, postgres: PostgresServer
) -> None:
    """The answer comes in bounded time, says timeout, and no connection is lost in the end."""
    factory.add(SQLAlchemy(Session=session), timeout=0.5, ttl=0)
    await factory.check()
    postgres.pause()
    for _ in range(3):
        entity, seconds = await timed(factory)
        assert entity.payload["error"] == "timeout"
        assert seconds < 20
    postgres.resume()
    await recovers(factory)
    await eventually(lambda: _is(checked_out(engine) == 0), what="no connection is out")
    assert postgres.connections() <= 2


async def test_server_paused_at_the_first_connection(
    factory: Factory, session: Any, postgres: PostgresServer
) -> None:
    factory.add(SQLAlchemy(Session=session), timeout=0.5, ttl=0)
    postgres.pause()
    entity, seconds = await timed(factory)
    assert "waiting for a connection" in entity.payload["message"]
    assert seconds < 20
    postgres.resume()
    await recovers(factory)


@pytest.mark.parametrize("end", [PostgresServer.stop, PostgresServer.kill], ids=["stopped", "killed"])
async def test_ended_server(
    factory: Factory, session: Any, postgres: PostgresServer, end: Callable[[PostgresServer], object]
) -> None:
    """The check fails quickly, and passes again once the server is back."""
    factory.add(SQLAlchemy(Session=session), ttl=0)
    await factory.check()
    end(postgres)
    entity, seconds = await timed(factory)
    assert entity.payload["error"] == "OperationalError"
    assert seconds < 20
    postgres.ensure_up()
    await recovers(factory)


async def test_slow_server(factory: Factory, session: Any) -> None:
    async def slow(session: AsyncSession) -> None:
        await session.execute(sqlalchemy.text("SELECT pg_sleep(30)"))

    factory.add(SQLAlchemy(Session=session, query=slow), timeout=0.5)
    entity, seconds = await timed(factory)
    assert entity.payload["message"] == "No result within 0.5 s while waiting for the query"
    assert seconds < 20


async def test_exhausted_pool(factory: Factory, session: Any, engine: AsyncEngine) -> None:
    factory.add(SQLAlchemy(Session=session), timeout=0.5, ttl=0)
    async with engine.connect(), engine.connect():
        entity, seconds = await timed(factory)
        assert "2 of the pool are in use" in entity.payload["message"]
        assert seconds < 20
    await recovers(factory)
    assert checked_out(engine) == 0


async def test_server_full_of_connections(factory: Factory, postgres: PostgresServer) -> None:
    connections: list[psycopg.Connection[Any]] = []
    engine = create_async_engine(postgres.url())
    factory.add(SQLAlchemy(Session=async_sessionmaker(engine)), ttl=0)
    try:
        while len(connections) < 20:
            try:
                connections.append(postgres.connect())
            except psycopg.OperationalError:
                break
        # the superuser has a place of its own, which these connections have taken as well
        entity, seconds = await timed(factory)
        assert entity.payload["error"] == "OperationalError"
        assert "too many clients" in entity.payload["message"]
        assert seconds < 20
    finally:
        for connection in connections:
            connection.close()
    await recovers(factory)
    await engine.dispose()


@pytest.mark.parametrize(
    ("password", "database"),
    [
        pytest.param("wrong-hush-hush", "postgres", id="wrong-password"),
        pytest.param(PASSWORD_QUOTED, "missing", id="missing-database"),
    ],
)
async def test_refused(factory: Factory, postgres: PostgresServer, password: str, database: str) -> None:
    engine = create_async_engine(postgres.url(password=password, database=database))
    factory.add(SQLAlchemy(Session=async_sessionmaker(engine)))
    entity, _ = await timed(factory)
    text = entity.model_dump_json()
    assert entity.payload["error"] == "OperationalError"
    assert all(secret not in text for secret in ("hush", PASSWORD, PASSWORD_QUOTED))
    await engine.dispose()


async def test_wrong_host_has_no_password(factory: Factory) -> None:
    engine = create_async_engine("postgresql+psycopg://me:hush-hush@127.0.0.1:1/x")
    factory.add(SQLAlchemy(Session=async_sessionmaker(engine)))
    entity, _ = await timed(factory)
    assert entity.status == "fail"
    assert "hush" not in entity.model_dump_json()


async def test_locked_table_does_not_matter(factory: Factory, session: Any, engine: AsyncEngine) -> None:
    factory.add(SQLAlchemy(Session=session))
    async with engine.begin() as connection:
        await connection.execute(sqlalchemy.text("LOCK TABLE pg_description IN ACCESS EXCLUSIVE MODE"))
        entity, _ = await timed(factory)
    assert entity.status == "pass"


async def test_cancelled_requests_leave_no_connection(
    factory: Factory, session: Any, engine: AsyncEngine, postgres: PostgresServer
) -> None:
    factory.add(SQLAlchemy(Session=session), ttl=0)
    for _ in range(50):
        task = asyncio.create_task(factory.check())
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await recovers(factory)
    assert checked_out(engine) == 0
    assert postgres.connections() <= 2


async def test_a_thousand_requests_during_an_outage(
    factory: Factory, session: Any, engine: AsyncEngine, postgres: PostgresServer
) -> None:
    runs = 0

    async def count(session: AsyncSession) -> None:
        nonlocal runs
        runs += 1
        await session.execute(sqlalchemy.text("SELECT 1"))

    factory.add(SQLAlchemy(Session=session, query=count), timeout=0.5, ttl=10)
    async with engine.connect():
        pass  # the pool has a connection now: the query is reached
    postgres.pause()
    started = time.monotonic()
    results = await asyncio.gather(*(factory.check() for _ in range(1000)))
    assert time.monotonic() - started < SOON_SECONDS
    assert {result.entities[0].payload["error"] for result in results} == {"timeout"}
    assert runs <= 1
    postgres.resume()
    await eventually(lambda: _is(checked_out(engine) == 0), what="no connection is out")


async def test_read_only_server_is_not_writable(factory: Factory, postgres: PostgresServer) -> None:
    engine = create_async_engine(
        postgres.url(), connect_args={"options": "-c default_transaction_read_only=on"}
    )
    maker = async_sessionmaker(engine)
    factory.add(SQLAlchemy(Session=maker), name="reads")
    factory.add(SQLAlchemy(Session=maker, writable=True), name="writes")
    reads, writes = (await factory.check()).entities
    assert reads.status == "pass"
    assert (writes.status, writes.payload["message"]) == ("fail", "The database is read-only")
    await engine.dispose()


async def test_two_engines(factory: Factory, session: Any, postgres: PostgresServer) -> None:
    broken = create_async_engine(postgres.url(database="missing"))
    factory.add(SQLAlchemy(Session=session, read_only=session), name="good")
    factory.add(SQLAlchemy(Session=session, read_only=async_sessionmaker(broken)), name="bad")
    good, bad = (await factory.check()).entities
    assert (good.status, good.payload) == ("pass", {"read_write": {}, "read_only": {}})
    assert bad.status == "fail"
    assert bad.payload["message"] == "Failed: read_only"
    assert bad.payload["result"]["read_write"] == {}
    assert bad.payload["result"]["read_only"]["error"] == "OperationalError"
    await broken.dispose()


async def test_at_least_one_model(factory: Factory, session: Any, engine: AsyncEngine) -> None:
    factory.add(SQLAlchemy(Session=session, at_least_one_model=Item), ttl=0)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    assert (await timed(factory))[0].payload["error"] == "ProgrammingError"
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    assert (await timed(factory))[0].payload["message"] == "No record of Item found"
    async with session() as open_session:
        open_session.add(Item())
        await open_session.commit()
    assert (await timed(factory))[0].status == "pass"


async def test_query(factory: Factory, session: Any) -> None:
    async def count(session: AsyncSession) -> Any:
        return (await session.execute(sqlalchemy.text("SELECT 42"))).scalar()

    factory.add(SQLAlchemy(Session=session, query=count))
    assert (await timed(factory))[0].payload == {"result": 42}


def _sqlite(path: Path) -> Any:
    return async_sessionmaker(
        create_async_engine(f"sqlite+aiosqlite:///{path}", poolclass=sqlalchemy.pool.NullPool)
    )


async def test_sqlite(factory: Factory, tmp_path: Path) -> None:
    factory.add(SQLAlchemy(Session=_sqlite(tmp_path / "x.db")))
    assert (await timed(factory))[0].status == "pass"


async def test_garbage_is_no_database(factory: Factory, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"garbage " * 1000)
    factory.add(SQLAlchemy(Session=_sqlite(tmp_path / "x.db")))
    entity, _ = await timed(factory)
    assert (entity.status, entity.payload["error"]) == ("fail", "DatabaseError")


async def test_missing_directory(factory: Factory, tmp_path: Path) -> None:
    factory.add(SQLAlchemy(Session=_sqlite(tmp_path / "nowhere" / "x.db")))
    assert (await timed(factory))[0].payload["error"] == "OperationalError"


async def test_locked_sqlite(factory: Factory, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    holder = sqlite3.connect(path)
    holder.execute("CREATE TABLE a (b)")
    holder.execute("BEGIN EXCLUSIVE")
    factory.add(SQLAlchemy(Session=_sqlite(path)), timeout=1, ttl=0)
    try:
        entity, _ = await timed(factory)
    finally:
        holder.rollback()
        holder.close()
    assert entity.payload["error"] == "timeout"
    await recovers(factory)


async def _is(value: bool) -> bool:
    return value
