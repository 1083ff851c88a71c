"""An application whose statements are profiled, for uvicorn: `tests.support.profiled_app:app`."""

import os

from fastapi import FastAPI
from sqlalchemy import text

import c2casgiutils
from c2casgiutils import db

app = FastAPI()
c2casgiutils.install(app)


@app.get("/")
async def root() -> int:
    return os.getpid()


@app.get("/items")
async def read(session: db.Session) -> list[str]:
    return list(await session.scalars(text("SELECT name FROM item ORDER BY name")))
