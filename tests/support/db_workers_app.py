"""An application with a database, for several workers: `tests.support.db_workers_app:app`."""

import os
from typing import Annotated

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

import c2casgiutils
from c2casgiutils import db
from c2casgiutils.health_checks import FACTORY, Alembic, SQLAlchemy
from tests.support.db_app import execute

database = db.Database(
    os.environ["PRIMARY"],
    read_only_url=os.environ["REPLICA"],
    name="items",
    pool_size=1,
    max_overflow=1,
    pool_timeout=0.5,
)
FACTORY.add(SQLAlchemy(database), ttl=0)
FACTORY.add(Alembic(database, os.environ["ALEMBIC"]), ttl=0)
app = FastAPI()
c2casgiutils.install(app, errors=True)


@app.get("/")
async def pid() -> int:
    return os.getpid()


@app.get("/items")
async def items(session: Annotated[AsyncSession, database.session]) -> int:
    await execute(session, "SELECT name FROM item")
    return os.getpid()


@app.post("/sleep")
async def sleep(session: Annotated[AsyncSession, database.session]) -> None:
    await execute(session, "SELECT pg_sleep(2)")
