"""An application that watches what is unreachable."""

import os

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

import c2casgiutils
from c2casgiutils import broadcast
from c2casgiutils.health_checks import FACTORY, Check, Custom, Redis, Result, SQLAlchemy, Url

PORT = os.environ["CLOSED_PORT"]

app = FastAPI()
c2casgiutils.install(app, probes=True)


class Failing(Check):
    async def check(self) -> Result:
        raise ValueError(f"{self.name} fails")


def refuse() -> None:
    raise ValueError("thread fails")


session_maker = async_sessionmaker(create_async_engine(f"postgresql+psycopg://u@127.0.0.1:{PORT}/d"))
if "WITH_FAILING_CHECKS" in os.environ:
    FACTORY.add(Failing(), name="critical", groups=["ready"])
    FACTORY.add(Failing(), name="degrading", groups=["ready"], severity="degrading")
    FACTORY.add(Failing(), name="info", groups=["ready"], severity="info")
    FACTORY.add(Failing(), name="background", groups=["ready"], every=0.2)
    FACTORY.add(Custom(refuse), name="thread", groups=["ready"])
    FACTORY.add(Url(f"http://127.0.0.1:{PORT}/"), name="url", groups=["ready"])
    FACTORY.add(SQLAlchemy(session_maker), name="database", groups=["ready"])
    FACTORY.add(SQLAlchemy(session_maker, read_only=session_maker), name="databases", groups=["ready"])
else:
    FACTORY.add(Redis(), groups=["ready"])


@app.get("/")
async def root() -> None:
    """Answer, so that the test knows that the server runs."""


@app.get("/crash")
async def crash() -> None:
    raise RuntimeError("a fault of the application")


async def handler() -> None:
    raise RuntimeError("a fault of the handler")


@app.get("/broadcast")
async def ask() -> None:
    await broadcast.subscribe("broken", handler)
    await broadcast.broadcast("broken", {}, expect_answers=True, timeout=5)
