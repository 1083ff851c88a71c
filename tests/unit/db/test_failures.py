"""The answers to errors of SQLite, and to what has no SQLSTATE."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import FastAPI, WebSocket
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from c2casgiutils import db, errors
from tests.support.asgi import call, make_scope
from tests.support.db_app import client_of, execute


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[db.Database]:
    database = db.Database(f"sqlite:///{tmp_path}/test.db", connect_args={"timeout": 0.1})
    async with database.session_scope(read_write=True) as session:
        await execute(session, "CREATE TABLE item (name text UNIQUE CHECK (name != 'bad'))")
    yield database
    await database.aclose()


def create_app(database: db.Database) -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.post("/")
    async def add(names: list[str], session: Annotated[AsyncSession, database.session]) -> None:
        for name in names:
            await execute(session, "INSERT INTO item VALUES (:name)", name=name)

    @app.get("/")
    async def fault(session: Annotated[AsyncSession, database.session]) -> None:
        await execute(session, "SELECT * FROM unknown")

    @app.websocket("/socket")
    async def talk(websocket: WebSocket, session: Annotated[AsyncSession, database.session]) -> None:
        await execute(session, "INSERT INTO item VALUES ('bad')")

    return app


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["one", "one"], "UNIQUE constraint failed: item.name"),
        (["bad"], "CHECK constraint failed: name != 'bad'"),
    ],
)
async def test_integrity(database: db.Database, names: list[str], message: str) -> None:
    async with client_of(create_app(database)) as client:
        response = await client.post("/", json=names)
        assert (response.status_code, response.json()["message"]) == (400, message)
        assert (await client.post("/", json=["other"])).status_code == 200


async def test_a_fault_of_the_application(database: db.Database) -> None:
    async with client_of(create_app(database)) as client:
        assert (await client.get("/")).status_code == 500


async def test_locked(database: db.Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    async with client_of(create_app(database)) as client:
        response = await client.post("/", json=["one"])
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        other.execute("ROLLBACK")
        assert (await client.post("/", json=["one"])).status_code == 200
    other.close()


@pytest.mark.parametrize("file", ["missing/test.db", "garbage.db"])
async def test_unusable_files(tmp_path: Path, file: str) -> None:
    (tmp_path / "garbage.db").write_text("this is no database, " * 100)
    database = db.Database(f"sqlite:///{tmp_path}/{file}")
    async with client_of(create_app(database)) as client:
        response = await client.post("/", json=["one"])
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert str(tmp_path) not in response.text
    await database.aclose()


async def test_a_websocket_gets_no_answer(database: db.Database) -> None:
    """It has none to get: the error goes to the server."""
    with pytest.raises(IntegrityError):
        await call(create_app(database), make_scope("/socket", kind="websocket"))
