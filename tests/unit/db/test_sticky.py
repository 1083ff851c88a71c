"""Read your own writes."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy.ext.asyncio import AsyncSession

import c2casgiutils
from c2casgiutils import config, db
from tests.support.asgi import call, make_scope
from tests.support.asgi import client as client_of
from tests.support.db_app import execute

SECRET = "0123456789abcdef0123456789abcdef"
NAME = "c2c-db-default"


def settings(tmp_path: Path, secret: str = SECRET, **jwt: list[str]) -> config.Settings:
    return config.Settings(
        auth={"jwt": {"secret": secret, **jwt}},
        http=True,
        db={
            "url": f"sqlite:///{tmp_path}/primary.db",
            "read_only": {"url": f"sqlite:///{tmp_path}/replica.db"},
            "sticky": "2s",
        },
    )


def create_app() -> FastAPI:
    app = FastAPI(lifespan=c2casgiutils.lifespan)

    @app.get("/")
    async def read(session: db.Session) -> str:
        return str((await execute(session, "SELECT name FROM place")).scalar())

    @app.post("/")
    async def write(session: db.Session) -> Response:
        return PlainTextResponse("written")

    @app.post("/refused")
    async def refuse(session: db.Session) -> None:
        raise HTTPException(409)

    return app


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """Its primary and its replica say which they are."""
    for place in ("primary", "replica"):
        database = db.Database(f"sqlite:///{tmp_path}/{place}.db")
        async with database.session_scope(read_write=True) as session:
            await execute(session, "CREATE TABLE place (name text)")
            await execute(session, "INSERT INTO place VALUES (:name)", name=place)
        await database.aclose()
    config.settings = settings(tmp_path)
    app = create_app()
    async with app.router.lifespan_context(app):
        yield app


async def place(client: httpx.AsyncClient) -> str:
    answer: str = (await client.get("/")).json()
    return answer


async def test_who_wrote_reads_from_the_primary(app: FastAPI) -> None:
    """For a time; others do not."""
    async with client_of(app) as writer, client_of(app) as other:
        assert await place(writer) == "replica"
        assert (await writer.post("/")).text == "written"
        assert await place(writer) == "primary"
        assert await place(other) == "replica"
        value = writer.cookies[NAME]
        await asyncio.sleep(3.1)
        other.cookies.set(NAME, value)
        assert await place(other) == "replica"


async def test_the_cookie(app: FastAPI) -> None:
    """It ends with the time, and scripts do not see it; over HTTPS it is secure."""
    async with client_of(app) as client:
        cookie = SimpleCookie((await client.post("/")).headers["set-cookie"])[NAME]
        assert (cookie["max-age"], cookie["path"], cookie["samesite"]) == ("2", "/", "lax")
        assert cookie["httponly"]
        assert not cookie["secure"]
        config.settings.http = False
        assert "; Secure" in (await client.post("/")).headers["set-cookie"]


@pytest.mark.parametrize("path", ["/", "/refused", "/unknown"])
async def test_without_a_write_there_is_none(app: FastAPI, path: str) -> None:
    async with client_of(app) as client:
        method = "GET" if path == "/" else "POST"
        assert "set-cookie" not in (await client.request(method, path)).headers


@pytest.mark.parametrize(
    "change",
    [
        lambda end, signature: f"{int(end) + 1}.{signature}",
        lambda end, signature: f"{end}.{signature[:-1]}",
        lambda end, signature: f"{end}.",
        lambda end, signature: end,
        lambda end, signature: f"{'9' * 5000}.{signature}",
        lambda end, signature: f"-1.{signature}",
        lambda end, signature: f"{end}.\xff",
        lambda end, signature: "",
    ],
    ids=["later", "cut", "no signature", "no dot", "long", "negative", "not ASCII", "empty"],
)
async def test_a_forged_cookie_counts_as_none(app: FastAPI, change: object) -> None:
    assert callable(change)
    async with client_of(app) as client:
        await client.post("/")
        value = change(*client.cookies[NAME].split("."))
    start, body, *_ = await call(app, make_scope("/", headers=[("cookie", f"{NAME}={value}")]))
    assert (start["status"], body["body"]) == (200, b'"replica"')


async def test_a_cookie_of_another_database_or_key_counts_as_none(app: FastAPI, tmp_path: Path) -> None:
    """One that a previous secret signed counts."""
    async with client_of(app) as client:
        await client.post("/")
        assert await place(client) == "primary"
        new = "fedcba9876543210fedcba9876543210"
        config.settings = settings(tmp_path, secret=new, previous_secrets=[SECRET])
        assert await place(client) == "primary"
        config.settings = settings(tmp_path, secret=new)
        assert await place(client) == "replica"
    await db.shutdown()


@pytest.mark.parametrize("has_middleware", [True, False])
async def test_a_missing_middleware_is_told(tmp_path: Path, has_middleware: bool) -> None:
    """The cookie would be lost without a word."""
    config.settings = settings(tmp_path)
    database = db.Database("sqlite://", sticky=datetime.timedelta(seconds=5), name="bare")
    app = FastAPI()
    if has_middleware:
        app.add_middleware(db.StickyMiddleware)

    @app.post("/")
    async def write(session: Annotated[AsyncSession, database.session]) -> None:
        pass

    async with client_of(app, raise_errors=True) as client:
        if has_middleware:
            assert "c2c-db-bare" in (await client.post("/")).cookies
        else:
            with pytest.raises(db.DatabaseConfigurationError, match=r"lacks db\.StickyMiddleware"):
                await client.post("/")
    await database.aclose()
