"""What the acceptance tests of c2cwsgiutils expect of two databases: one to write, one to read."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import c2casgiutils
from c2casgiutils import config, db, errors
from c2casgiutils._app import create_app
from tests.support.db_app import client_of
from tests.support.postgres import PostgresServer

SECRET = "changeme-changeme"
KEY = {"X-API-Key": SECRET}
MAINTENANCE = "/c2c/db/maintenance"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Two databases whose tables tell which of them was read."""
    with PostgresServer() as server:
        with server.connect() as connection:
            connection.execute("CREATE DATABASE other")
        for database, value in (("postgres", "master"), ("other", "slave")):
            with server.connect(database) as connection:
                connection.execute("CREATE TABLE hello (value text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
                connection.execute("INSERT INTO hello VALUES (%s)", [value])
        yield server


@pytest.fixture
async def database(server: PostgresServer) -> AsyncIterator[db.Database]:
    database = db.Database(
        server.url(),
        read_only_url=server.url(database="other"),
        force_read_only=["POST /api/hello"],
        connect_args={"options": "-c statement_timeout=300"},
    )
    yield database
    await database.aclose()


@pytest.fixture
async def client(database: db.Database) -> AsyncIterator[httpx.AsyncClient]:
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    app = FastAPI()
    errors.install(app)
    app.mount("/c2c", create_app())

    @app.api_route("/api/hello", methods=["GET", "PUT", "POST"])
    async def hello(session: Annotated[AsyncSession, database.session]) -> dict[str, str]:
        return {"value": (await session.execute(text("SELECT value FROM hello"))).scalar_one()}

    @app.get("/api/timeout/sql")
    async def timeout(session: Annotated[AsyncSession, database.session]) -> None:
        await session.execute(text("SELECT pg_sleep(2)"))

    async with c2casgiutils.lifespan(app), client_of(app) as client:
        yield client


async def hello(client: httpx.AsyncClient, method: str) -> str:
    answer = await client.request(method, "/api/hello")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


async def test_hello(client: httpx.AsyncClient, database: db.Database) -> None:
    """By the method, a rule, and in a script."""
    assert [await hello(client, method) for method in ("GET", "PUT", "POST")] == ["slave", "master", "slave"]
    async with database.session_scope(read_write=True) as session:
        assert (await session.execute(text("SELECT value FROM hello"))).scalar_one() == "master"


async def test_a_slow_statement(client: httpx.AsyncClient) -> None:
    """c2cwsgiutils answers 500; here it is said whose fault it is."""
    assert (await client.get("/api/timeout/sql")).status_code == 504


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}], ids=["missing", "wrong"])
async def test_maintenance_without_the_secret(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await client.request(method, MAINTENANCE, headers=headers, json={"readonly": True})
        assert answer.status_code == 403
    assert await hello(client, "PUT") == "master"


async def test_maintenance(client: httpx.AsyncClient) -> None:
    """What writes otherwise reads the other database; a GET changes nothing, as it does there."""
    assert (await client.get(MAINTENANCE, headers=KEY, params={"readonly": "true"})).json()[
        "readonly"
    ] is False
    for is_on, value in ((True, "slave"), (False, "master")):
        answer = await client.put(MAINTENANCE, headers=KEY, json={"readonly": is_on})
        assert (answer.status_code, answer.json()["readonly"]) == (200, is_on)
        assert (await client.get(MAINTENANCE, headers=KEY)).json()["readonly"] is is_on
        assert await hello(client, "PUT") == value
