"""Maintenance in the sessions of one process."""

import asyncio
import contextlib
import datetime
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from c2casgiutils import config, db, errors, switches
from c2casgiutils._outages import OutageError
from c2casgiutils.db import _maintenance
from c2casgiutils.health_checks import Factory, SQLAlchemy
from tests.support.asgi import call, make_scope
from tests.support.db_app import client_of, execute

REASON = "new disks"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[db.Database]:
    database = db.Database(f"sqlite:///{tmp_path}/test.db", force_read_write=["GET /forced"])
    with sqlite3.connect(tmp_path / "test.db") as connection:
        connection.execute("CREATE TABLE item (name text)")
    connection.close()
    yield database
    await database.aclose()


async def begin(**options: Any) -> None:
    await switches.put(_maintenance.kind().name, "", value=True, reason=REASON, **options)


async def end() -> None:
    await switches.remove("maintenance", "")


async def add(session: AsyncSession, name: str = "one") -> None:
    await execute(session, "INSERT INTO item VALUES (:name)", name=name)


async def names(database: db.Database) -> list[str]:
    async with database.session_scope() as session:
        return list((await execute(session, "SELECT name FROM item")).scalars())


def running() -> int:
    return len(_maintenance.kind().writers)


def create_app(database: db.Database) -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.api_route("/{path}", methods=["GET", "POST"])
    async def routed(path: str, session: Annotated[AsyncSession, database.session]) -> None:
        await add(session, path)

    @app.put("/write")
    async def write(session: Annotated[AsyncSession, database.write_session]) -> None:
        await add(session)

    @app.websocket("/socket")
    async def talk(websocket: WebSocket, session: Annotated[AsyncSession, database.write_session]) -> None:
        await websocket.accept()

    return app


@pytest.mark.parametrize(("method", "path"), [("PUT", "/write"), ("POST", "/routed"), ("GET", "/forced")])
async def test_requests_that_write(database: db.Database, method: str, path: str) -> None:
    """They get 503 with the reason, also if they were routed to a session for reading."""
    async with client_of(create_app(database)) as client:
        await begin()
        answer = await client.request(method, path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "60"
        text = f"The database is in maintenance, read-only: {REASON}"
        assert text in answer.json().values()
        assert (await names(database), running()) == ([], 0)
        await end()
        assert (await client.request(method, path)).status_code == 200


async def test_a_request_that_outlives_the_maintenance(database: db.Database) -> None:
    """Its session is still one for reading; the client may try again at once."""
    app = FastAPI()
    errors.install(app)

    @app.post("/")
    async def late(session: Annotated[AsyncSession, database.session]) -> None:
        await end()
        await add(session)

    async with client_of(app) as client:
        await begin()
        answer = await client.post("/")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("ttl", "least", "most"), [(None, 60, 60), (30, 28, 30), (0.5, 1, 1), (7 * 86400, 3600, 3600)]
)
async def test_when_to_try_again(database: db.Database, ttl: float | None, least: int, most: int) -> None:
    """At the end, in an hour at most."""
    await begin(ttl=ttl)
    with pytest.raises(db.MaintenanceError, match=REASON) as caught:
        async with database.session_scope(read_write=True):
            pass
    assert least <= int((caught.value.headers or {})["Retry-After"]) <= most
    assert caught.value.setting.reason == REASON


async def test_it_ends_in_time(database: db.Database) -> None:
    """By itself, to the instant for sessions."""
    await begin(ttl=2)
    setting = db.maintenance()
    assert setting is not None
    await asyncio.sleep(2.05)
    assert db.maintenance() is None
    async with database.session_scope(read_write=True) as session:
        await add(session)


async def test_a_transaction_that_runs(database: db.Database) -> None:
    """It is counted, commits in maintenance, with savepoints too, and is the last one of its session."""
    async with database.session_scope(read_write=True) as session:
        await add(session)
        await begin()
        assert running() == 1
        async with session.begin_nested():
            await add(session, "two")
        assert running() == 1
        await session.commit()
        assert running() == 0
        with pytest.raises(db.MaintenanceError):
            await add(session, "three")
        await session.rollback()
    assert (await names(database), running()) == (["one", "two"], 0)


@pytest.mark.parametrize("is_made", [False, True], ids=["session_scope", "maker"])
async def test_a_session_that_has_not_begun(database: db.Database, is_made: bool) -> None:
    """Its first statement is refused, and its connection goes back to the pool as good as new."""
    opened = database.read_write() if is_made else database.session_scope(read_write=True)
    async with opened as session:
        await begin()
        with pytest.raises(db.MaintenanceError):
            await add(session)
    await end()
    async with database.session_scope(read_write=True) as session:
        await add(session)
    assert (await names(database), running()) == (["one"], 0)


async def test_a_maker_in_maintenance(database: db.Database) -> None:
    """Its sessions read from the primary, and cannot write."""
    await begin()
    async with database.read_write() as session:
        assert (await execute(session, "SELECT count(*) FROM item")).scalar() == 0
        with pytest.raises(Exception, match="readonly"):
            await add(session)
    assert running() == 0


async def test_health(database: db.Database) -> None:
    """The checks pass, that of a writable database too."""
    factory = Factory()
    factory.add(SQLAlchemy(database, writable=True))
    await begin()
    assert (await factory.check()).status_code == 200


async def test_migrations(database: db.Database) -> None:
    """`ignore_maintenance` writes, one transaction after the other."""
    await begin()
    async with database.session_scope(read_write=True, ignore_maintenance=True) as session:
        await add(session)
        await session.commit()
        await add(session, "two")
        assert running() == 1
    assert (await names(database), running()) == (["one", "two"], 0)


async def test_several_databases(database: db.Database, tmp_path: Path) -> None:
    """All of them, those with engines of the application and those of a test included."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    other = db.Database.from_engines(engine, name="other")
    async with database.rolled_back():
        await begin()
        for each in (database, other):
            with pytest.raises(db.MaintenanceError):
                async with each.session_scope(read_write=True):
                    pass
    await engine.dispose()


@pytest.mark.parametrize("how", ["rolled back", "failed", "cancelled"])
async def test_no_transaction_is_counted_for_ever(database: db.Database, how: str) -> None:
    """However it ends."""
    begun = asyncio.Event()

    async def work() -> None:
        async with database.session_scope(read_write=True) as session:
            await add(session)
            begun.set()
            if how == "failed":
                await execute(session, "SELECT * FROM unknown")
            if how == "rolled back":
                await session.rollback()
                assert running() == 0
            if how == "cancelled":
                await asyncio.sleep(60)

    task = asyncio.create_task(work())
    if how == "cancelled":
        await begun.wait()
        assert running() == 1
        task.cancel()
    await asyncio.wait([task])
    with contextlib.suppress(Exception, asyncio.CancelledError):
        task.result()
    assert running() == 0


async def test_wait_for_the_end_of_transactions(database: db.Database) -> None:
    """All that run: a transaction of another event loop too, and no longer than asked."""
    known = _maintenance.kind()
    is_begun, may_end = threading.Event(), threading.Event()

    async def work() -> None:
        async with database.session_scope(read_write=True) as session:
            await add(session)
            is_begun.set()
            await asyncio.to_thread(may_end.wait, 20)
        await database.aclose()

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    thread.start()
    await asyncio.to_thread(is_begun.wait, 20)
    await begin()
    await known.wait_idle(0.05)
    assert running() == 1
    waiting = asyncio.create_task(known.wait_idle(20))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    may_end.set()
    await waiting
    assert running() == 0
    await asyncio.to_thread(thread.join)


async def test_sessions_of_other_threads(database: db.Database) -> None:
    """They are refused as well: maintenance is a matter of the process."""
    await begin()
    with pytest.raises(db.MaintenanceError):
        await asyncio.to_thread(asyncio.run, _write(database))


async def _write(database: db.Database) -> None:
    async with database.session_scope(read_write=True):
        pass


@pytest.mark.parametrize("is_ended_in_time", [False, True], ids=["removed", "in time"])
async def test_the_wait_ends_with_the_maintenance(database: db.Database, is_ended_in_time: bool) -> None:
    """Not with the transaction, which may run on."""
    async with database.session_scope(read_write=True) as session:
        await add(session)
        await begin(ttl=0.3 if is_ended_in_time else None)
        waiting = asyncio.create_task(_maintenance.kind().wait_idle(20))
        await asyncio.sleep(0)
        if not is_ended_in_time:
            await end()
        async with asyncio.timeout(30):
            await waiting
        assert running() == 1


async def test_a_websocket(database: db.Database) -> None:
    """The handshake is refused with 503 and the reason."""
    await begin()
    scope = make_scope("/socket", kind="websocket", extensions={"websocket.http.response": {}})
    start, body = await call(create_app(database), scope)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 503)
    assert REASON.encode() in body["body"]


async def test_a_sticky_client(database: db.Database, tmp_path: Path) -> None:
    """It gets no cookie for a write that was refused, and goes on reading."""
    config.settings.auth = config.Settings(auth={"jwt": {"secret": "x" * 32}}).auth
    sticky = db.Database(f"sqlite:///{tmp_path}/test.db", sticky=datetime.timedelta(minutes=1))
    app = FastAPI()
    errors.install(app)

    @app.api_route("/", methods=["GET", "PUT"])
    async def read(session: Annotated[AsyncSession, sticky.session]) -> int:
        return int((await execute(session, "SELECT count(*) FROM item")).scalar())

    @app.post("/")
    async def write(session: Annotated[AsyncSession, sticky.write_session]) -> None:
        await add(session)

    async with client_of(db.StickyMiddleware(app)) as client:
        assert "set-cookie" in (await client.post("/")).headers
        await begin()
        refused = await client.post("/")
        assert (refused.status_code, "set-cookie" in refused.headers) == (503, False)
        for method in ("GET", "PUT"):
            answer: httpx.Response = await client.request(method, "/")
            assert (answer.json(), "set-cookie" in answer.headers) == (1, False)
    await sticky.aclose()


async def test_refusals_are_no_errors(database: db.Database, caplog: pytest.LogCaptureFixture) -> None:
    """A service in maintenance does not fill its log, nor Sentry."""
    caplog.set_level(logging.INFO, "c2casgiutils.errors")
    await begin()
    async with client_of(create_app(database)) as client:
        await client.put("/write")
    (record,) = [record for record in caplog.records if record.name.startswith("c2casgiutils.errors")]
    assert (record.levelname, record.exc_info) == ("INFO", None)
    assert issubclass(db.MaintenanceError, OutageError)


@pytest.mark.parametrize(("key", "value"), [("", False), ("", "true"), ("", 1), ("other", True)])
async def test_no_other_value(key: str, value: object) -> None:
    """What another release or a stranger stores is refused."""
    _maintenance.kind()
    with pytest.raises(switches.SwitchRefusedError, match="only value is true"):
        await switches.put("maintenance", key, value)


async def test_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Beginning and end are a warning each."""
    caplog.set_level(logging.WARNING)
    await begin(by="me", ttl=60)
    await end()
    texts = [record.getMessage() for record in caplog.records]
    assert texts[0].startswith("The databases are in maintenance, read-only until 2")
    assert texts[0].endswith(f"UTC, by 'me', for the reason '{REASON}'")
    assert texts[1:] == ["The maintenance of the databases ended"]
