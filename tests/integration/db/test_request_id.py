"""The request id in PostgreSQL."""

from typing import Annotated

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from c2casgiutils import config, db
from c2casgiutils.request_tracking import RequestTrackingMiddleware
from tests.integration.db.conftest import Pair
from tests.support.db_app import client_of, execute

NAME = "SELECT current_setting('application_name')"


def create_app(database: db.Database) -> FastAPI:
    app = FastAPI()
    app.add_middleware(RequestTrackingMiddleware)

    @app.api_route("/", methods=["GET", "POST"])
    async def name(session: Annotated[AsyncSession, database.session]) -> list[str]:
        names = [(await execute(session, NAME)).scalar_one()]
        await session.commit()
        return [*names, (await execute(session, NAME)).scalar_one()]

    return app


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+asyncpg"])
@pytest.mark.parametrize(
    "request_id",
    ["an-id", 'it\'s "quoted"; DROP TABLE item --', "0123456789" * 12],
    ids=["plain", "sql", "long"],
)
async def test_transactions_of_a_request(pair: Pair, driver: str, request_id: str) -> None:
    """Each of them has it, in both modes, and the connection does not keep it."""
    config.settings = config.Settings(request_tracking={"sql": True})
    database = db.Database(pair.primary.url(driver), pool_size=1, max_overflow=0)
    async with client_of(create_app(database)) as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, "/", headers={"X-Request-ID": request_id})
            assert answer.json() == [request_id[:63]] * 2
    async with database.session_scope() as session:
        assert (await execute(session, NAME)).scalar_one() == ""
    await database.aclose()


async def test_off_by_default(pair: Pair) -> None:
    database = db.Database(pair.primary.url())
    async with client_of(create_app(database)) as client:
        assert (await client.get("/", headers={"X-Request-ID": "an-id"})).json() == ["", ""]
    await database.aclose()


async def test_the_isolation_level_of_the_engine(pair: Pair) -> None:
    """It holds although the transaction begins with a query."""
    config.settings = config.Settings(request_tracking={"sql": True})
    database = db.Database(pair.primary.url(), isolation_level="SERIALIZABLE")
    app = FastAPI()
    app.add_middleware(RequestTrackingMiddleware)

    @app.get("/")
    async def level(session: Annotated[AsyncSession, database.session]) -> str:
        level: str = (await execute(session, "SELECT current_setting('transaction_isolation')")).scalar_one()
        return level

    async with client_of(app) as client:
        assert (await client.get("/")).json() == "serializable"
    await database.aclose()


async def test_the_time_of_a_request(pair: Pair) -> None:
    """`Server-Timing` tells the part of its statements; without any there is none."""
    database = db.Database(pair.primary.url())
    app = FastAPI()
    app.add_middleware(RequestTrackingMiddleware, server_timing=True)

    @app.get("/{seconds}")
    async def sleep(seconds: float, session: Annotated[AsyncSession, database.session]) -> None:
        if seconds:
            await execute(session, "SELECT pg_sleep(:seconds)", seconds=seconds)
            await execute(session, "SELECT pg_sleep(:seconds)", seconds=seconds)

    async with client_of(app) as client:
        timing = (await client.get("/0.1")).headers["server-timing"]
        parts = dict(part.split(";dur=") for part in timing.split(", "))
        assert 200 <= float(parts["db"]) <= float(parts["app"])
        assert "db;" not in (await client.get("/0")).headers["server-timing"]
    await database.aclose()
