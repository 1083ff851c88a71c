"""An application whose routes tell which server served them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import sqlalchemy
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from c2casgiutils import db

WHERE = "SELECT inet_server_port(), current_setting('transaction_read_only') = 'on'"


async def where(session: AsyncSession) -> tuple[int, bool]:
    """The port of the server, and whether it only reads."""
    port, is_read_only = (await session.execute(sqlalchemy.text(WHERE))).one()
    return port, is_read_only


async def execute(session: AsyncSession, statement: str, **values: Any) -> Any:
    return await session.execute(sqlalchemy.text(statement), values)


def create_app(database: db.Database) -> FastAPI:
    app = FastAPI()
    routed = Annotated[AsyncSession, database.session]
    reading = Annotated[AsyncSession, database.read_session]
    writing = Annotated[AsyncSession, database.write_session]

    @app.api_route("/where", methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
    async def routed_where(session: routed) -> tuple[int, bool]:
        return await where(session)

    @app.api_route("/reading", methods=["GET", "POST"])
    async def reading_where(session: reading) -> tuple[int, bool]:
        return await where(session)

    @app.api_route("/writing", methods=["GET", "POST"])
    async def writing_where(session: writing) -> tuple[int, bool]:
        return await where(session)

    @app.api_route("/items/{name}", methods=["GET", "POST"])
    async def add(name: str, session: routed) -> dict[str, str]:
        await execute(session, "INSERT INTO item VALUES (:name)", name=name)
        return {"name": name}

    @app.get("/items")
    async def items(session: routed) -> list[str]:
        return list((await execute(session, "SELECT name FROM item ORDER BY name")).scalars())

    @app.post("/fail/{name}")
    async def fail(name: str, session: routed) -> None:
        await execute(session, "INSERT INTO item VALUES (:name)", name=name)
        raise RuntimeError("after the insert")

    return app


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
