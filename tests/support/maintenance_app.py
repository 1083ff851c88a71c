"""An application that writes, for uvicorn: `tests.support.maintenance_app:app`."""

import os

from fastapi import FastAPI, WebSocket
from sqlalchemy import text

import c2casgiutils
from c2casgiutils import db, errors, health_checks

app = FastAPI(lifespan=c2casgiutils.lifespan)
app.mount("/c2c", c2casgiutils.app)
errors.install(app)
health_checks.probes(app)
health_checks.FACTORY.add(
    health_checks.SQLAlchemy(db.get(), writable=True), groups=["ready"], severity="critical"
)


@app.get("/")
async def root() -> int:
    return os.getpid()


@app.post("/items/{name}")
async def write(name: str, session: db.WriteSession) -> None:
    await session.execute(text("INSERT INTO item (name) VALUES (:name)"), {"name": name})


@app.put("/items/{name}")
async def routed(name: str, session: db.Session) -> None:
    await session.execute(text("INSERT INTO item (name) VALUES (:name)"), {"name": name})


@app.get("/items")
async def read(session: db.Session) -> list[str]:
    return list(await session.scalars(text("SELECT name FROM item ORDER BY name")))


@app.post("/hold/{name}")
async def hold(name: str, lock: int, session: db.WriteSession) -> None:
    """Write, then wait until a test lets go of a lock."""
    await session.execute(text("INSERT INTO item (name) VALUES (:name)"), {"name": name})
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


@app.post("/autocommit/{name}")
async def autocommit(name: str, session: db.WriteSession) -> None:
    await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    await session.execute(text("INSERT INTO item (name) VALUES (:name)"), {"name": name})


@app.websocket("/socket")
async def talk(websocket: WebSocket, session: db.WriteSession) -> None:
    """Write what is sent, each in a transaction of its own."""
    await websocket.accept()
    async for name in websocket.iter_text():
        try:
            await session.execute(text("INSERT INTO item (name) VALUES (:name)"), {"name": name})
            await session.commit()
        except db.MaintenanceError as error:
            await session.rollback()
            await websocket.send_text(str(error))
        else:
            await websocket.send_text("written")
