"""The answers to errors of PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
import sqlalchemy
from fastapi import FastAPI
from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

import c2casgiutils
from c2casgiutils import db, errors
from tests.integration.db.conftest import Pair
from tests.support.db_app import client_of, execute
from tests.support.net import eventually

VALUE = "made-up-value"


def create_app(database: db.Database) -> FastAPI:
    app = FastAPI()
    errors.install(app)
    session_type = Annotated[AsyncSession, database.write_session]

    @app.post("/sql")
    async def sql(statements: list[str], session: session_type) -> list[Any]:
        results = [await execute(session, statement) for statement in statements]
        return [result.scalar() for result in results if result.returns_rows]

    @app.post("/select")
    async def select(statements: list[str], session: session_type) -> int:
        for statement in statements:
            await execute(session, statement)
            await asyncio.sleep(0.3)
        return len(statements)

    @app.post("/integer")
    async def integer(value: str, session: session_type) -> int:
        statement = text("SELECT :value + 1").bindparams(bindparam("value", type_=sqlalchemy.Integer))
        return int((await session.execute(statement, {"value": value})).scalar_one())

    return app


@pytest.fixture(params=["postgresql+psycopg", "postgresql+asyncpg"])
async def database(request: pytest.FixtureRequest, pair: Pair) -> AsyncIterator[db.Database]:
    database = db.Database(pair.primary.url(request.param), pool_size=2, max_overflow=0, pool_timeout=0.5)
    yield database
    await database.aclose()


INSERT = f"INSERT INTO item VALUES ('{VALUE}')"  # noqa: S608  # a constant


@pytest.mark.parametrize(
    ("statements", "status", "message"),
    [
        pytest.param([INSERT, INSERT], 400, "duplicate key value violates unique", id="at the commit"),
        pytest.param([INSERT, INSERT, "SET CONSTRAINTS ALL IMMEDIATE"], 400, "duplicate key", id="at once"),
        pytest.param(
            [f"SELECT CAST('{VALUE}' AS integer)"],
            400,
            "invalid input syntax for type integer: …",
            id="value",
        ),
        pytest.param(["SELECT 1 / 0"], 400, "division by zero", id="division"),
        pytest.param(["SET statement_timeout = 100", "SELECT pg_sleep(20)"], 504, "too long", id="timeout"),
        pytest.param(["SELECT pg_terminate_backend(pg_backend_pid())"], 503, "unavailable", id="terminated"),
        pytest.param(["SELECT * FROM unknown"], 500, "", id="fault"),
    ],
)
async def test_answers(database: db.Database, statements: list[str], status: int, message: str) -> None:
    """They have neither statement nor values; a fault of the application stays a 500."""
    async with client_of(create_app(database)) as client:
        response = await client.post("/sql", json=statements)
        assert response.status_code == status
        if status != 500:
            body = response.json()
            assert message in body["message"]
            assert body["status"] == status
            assert body["request_id"] is None
        assert ("retry-after" in response.headers) == (status == 503)
        assert VALUE not in response.text
        assert "INSERT" not in response.text
        assert (await client.post("/sql", json=["SELECT 1"])).json() == [1]


@pytest.mark.parametrize("value", [VALUE, "1" * 40, "\x00"])
async def test_a_value_of_the_client(database: db.Database, value: str) -> None:
    """Refused by the driver or by the server."""
    async with client_of(create_app(database)) as client:
        response = await client.post("/integer", params={"value": value})
    assert response.status_code == 400
    assert value not in response.json()["message"]


async def test_conflicts(database: db.Database) -> None:
    """A serialisation failure, and a deadlock: one of the two requests may try again."""
    serializable = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"
    async with client_of(create_app(database)) as client:
        await client.post("/sql", json=["INSERT INTO item VALUES ('a'), ('b')"])
        write = [
            serializable,
            "SELECT count(*) FROM item",
            "INSERT INTO item VALUES (CAST(gen_random_uuid() AS text))",
        ]
        answers = await asyncio.gather(*(client.post("/select", json=write) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 503]
        lock = "SELECT name FROM item WHERE name = '{}' FOR UPDATE"
        locks = [lock.format(name) for name in "ab"]
        orders = locks, locks[::-1]
        answers = await asyncio.gather(*(client.post("/select", json=order) for order in orders))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) == 1
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].json()["message"] == "The database is busy, try again"


async def test_an_exhausted_pool(database: db.Database) -> None:
    async with client_of(create_app(database)) as client:
        busy = [asyncio.create_task(client.post("/sql", json=["SELECT pg_sleep(1.2)"])) for _ in range(2)]
        await asyncio.sleep(0.3)
        response = await client.post("/sql", json=["SELECT 1"])
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert {(await task).status_code for task in busy} == {200}


async def test_a_primary_that_restarts(database: db.Database, pair: Pair) -> None:
    """Requests get 503 while it is down, and may get one for each connection it cut; then all is well."""
    async with client_of(create_app(database)) as client:

        async def status() -> int:
            return (await client.post("/sql", json=["SELECT 1"])).status_code

        assert await status() == 200
        pair.primary.stop()
        assert {await status() for _ in range(4)} == {503}
        pair.primary.ensure_up()

        async def works() -> bool:
            return await status() == 200

        await eventually(works, what="requests succeed")
        assert {await status() for _ in range(4)} == {200}


async def test_with_cors(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """The headers for other origins stand on these answers too; one traceback is logged."""
    app = create_installed(pair)
    async with client_of(app) as client:
        response = await client.post("/", headers={"Origin": "https://example.com"})
    assert response.status_code == 400
    assert response.headers["access-control-allow-origin"] == "https://example.com"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert [record.exc_info is not None for record in caplog.records if record.levelname == "WARNING"] == [
        True
    ]
    await db.shutdown()


def create_installed(pair: Pair) -> FastAPI:
    database = db.Database(pair.primary.url())
    app = FastAPI()
    c2casgiutils.install(app, errors=True, lifespan=False, cors={"allow_origins": ["https://example.com"]})

    @app.post("/")
    async def fail(session: Annotated[AsyncSession, database.session]) -> None:
        await execute(session, "SELECT 1 / 0")

    return app
