"""Sessions on SQLite."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import FastAPI, WebSocket
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from starlette.types import Message

from c2casgiutils import config, db
from tests.support.asgi import make_scope
from tests.support.db_app import client_of, create_app, execute
from tests.support.net import SOON_SECONDS


@pytest.fixture(params=["file", "memory", "engine"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[db.Database]:
    """With the table `item`: in a file, in memory, or of an engine of the application."""
    file = f"{tmp_path}/test.db?timeout={SOON_SECONDS}"
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{file}"
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")
    database = db.Database.from_engines(engine) if request.param == "engine" else db.Database(url)
    async with database.session_scope(read_write=True) as session:
        await execute(session, "CREATE TABLE item (name text UNIQUE)")
    yield database
    await database.aclose()
    await engine.dispose()


async def test_a_write_through_a_reading_session_fails(database: db.Database) -> None:
    """Though both modes share their connections."""
    async with client_of(create_app(database)) as client:
        for expected in (["two"], ["three", "two"]):
            assert (await client.get("/items/one")).status_code == 500
            assert (await client.post(f"/items/{expected[0]}")).status_code == 200
            assert (await client.get("/items")).json() == expected


async def test_an_exception_rolls_back(database: db.Database) -> None:
    async with client_of(create_app(database)) as client:
        assert (await client.post("/fail/one")).status_code == 500
        assert (await client.get("/items")).json() == []


async def test_writers_wait_for_each_other(database: db.Database) -> None:
    """Also those that read first: none fails with a lock."""

    async def add(number: int) -> None:
        async with database.session_scope(read_write=True) as session:
            await execute(session, "SELECT count(*) FROM item")
            await asyncio.sleep(0.01)
            await execute(session, "INSERT INTO item VALUES (:name)", name=str(number))

    await asyncio.gather(*(add(number) for number in range(10)))
    async with database.session_scope() as session:
        assert (await execute(session, "SELECT count(*) FROM item")).scalar() == 10


async def test_all_is_undone(database: db.Database) -> None:
    async with database.rolled_back(), client_of(create_app(database)) as client:
        assert (await client.post("/items/one")).status_code == 200
        assert (await client.get("/items")).json() == ["one"]
        assert (await client.get("/items/two")).status_code == 500
        assert (await client.post("/fail/three")).status_code == 500
        assert (await client.post("/items/four")).status_code == 200
        assert (await client.get("/items")).json() == ["four", "one"]
    async with database.session_scope() as session:
        assert (await execute(session, "SELECT count(*) FROM item")).scalar() == 0


async def test_the_database_of_the_settings(tmp_path: Path) -> None:
    """`db.Session` and its like are sessions of it."""
    config.settings = config.Settings(db={"url": f"sqlite:///{tmp_path}/test.db"})
    app = FastAPI()

    @app.post("/")
    async def write(session: db.Session, other: db.WriteSession) -> bool:
        await execute(session, "CREATE TABLE item (name text)")
        return session is other

    @app.get("/")
    async def read(session: db.Session, other: db.ReadSession) -> bool:
        await execute(session, "SELECT * FROM item")
        return session is other

    async with client_of(app) as client:
        assert (await client.post("/")).json() is True
        assert (await client.get("/")).json() is True
    assert db.get() is db.get("default")
    await db.shutdown()


async def test_a_new_session_after_a_commit_of_the_endpoint(tmp_path: Path) -> None:
    """An endpoint may commit itself, and go on."""
    database = db.Database(f"sqlite:///{tmp_path}/test.db")
    async with database.session_scope(read_write=True) as session:
        await execute(session, "CREATE TABLE item (name text)")
        await session.commit()
        await execute(session, "INSERT INTO item VALUES ('one')")
    async with database.session_scope() as session:
        assert (await execute(session, "SELECT count(*) FROM item")).scalar() == 1
    await database.aclose()


@pytest.mark.parametrize(("path", "answer"), [("/writing", "created"), ("/reading", "refused")])
async def test_a_websocket_writes_unless_a_rule_says_otherwise(
    tmp_path: Path, path: str, answer: str
) -> None:
    database = db.Database(f"sqlite:///{tmp_path}/test.db", force_read_only=["WEBSOCKET /reading"])
    app = FastAPI()

    @app.websocket("/{name}")
    async def create(
        websocket: WebSocket, name: str, session: Annotated[AsyncSession, database.session]
    ) -> None:
        await websocket.accept()
        try:
            await execute(session, f"CREATE TABLE {name} (name text)")
            await websocket.send_text("created")
        except OperationalError:
            await websocket.send_text("refused")

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(make_scope(path, kind="websocket"), receive, send)
    assert sent[1]["text"] == answer
    await database.aclose()


async def test_the_pool_logs_as_that_of_sqlalchemy(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """So that the level of this package does not apply to what SQLAlchemy says when an engine is closed."""
    caplog.set_level("INFO")
    caplog.set_level("INFO", "sqlalchemy")
    database = db.Database(f"sqlite:///{tmp_path}/test.db")
    async with database.session_scope() as session:
        await execute(session, "SELECT 1")
    await database.aclose()
    names = {record.name for record in caplog.records if "Pool" in record.getMessage()}
    assert names
    assert [name for name in names if not name.startswith("sqlalchemy.pool")] == []
