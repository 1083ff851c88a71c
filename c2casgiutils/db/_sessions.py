"""Sessions: on the engine that was chosen for each of them, committed at the end, closed in any case."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from c2casgiutils.db import _maintenance
from c2casgiutils.db._routing import Mode

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

    from c2casgiutils.db._engines import Engines


@contextlib.asynccontextmanager
async def open_session(
    engines: "Engines", mode: Mode, *, from_primary: bool = False, ignore_maintenance: bool = False
) -> "AsyncIterator[AsyncSession]":
    """Give a session, commit at the end; an exception or a cancellation rolls back.

    Every session of a request and of `session_scope` comes from here.

    Args:
        engines: Of the running event loop.
        mode: What the session may do.
        from_primary: Read what was just written: not from the replica.
        ignore_maintenance: Write also in maintenance.

    Raises:
        MaintenanceError: The session may write, and the databases are in maintenance; also raised by the
            first statement of a transaction.
        sqlalchemy.exc.SQLAlchemyError: The database is unreachable, or refuses the commit.
    """
    if mode is Mode.READ_WRITE and not ignore_maintenance:
        _maintenance.kind().require_off()
    if engines.only_connection is not None:
        async with _shared_session(engines, mode, ignore_maintenance=ignore_maintenance) as session:
            yield session
        return
    replica = None if from_primary or mode is Mode.READ_WRITE else engines.replica
    held = None if replica is None else await replica.open(functools.partial(_create, engines.read_only))
    reading = engines.read_only if engines.replica is None else engines.fallback
    if mode is Mode.READ_WRITE:
        session = _create(engines.read_write, **_writing(ignore_maintenance))
    else:
        session = held or _create(reading)
    async with session:
        yield session
        await session.commit()


def _create(engine: "AsyncEngine", **options: Any) -> "AsyncSession":
    from sqlalchemy.ext.asyncio import AsyncSession

    return AsyncSession(engine, expire_on_commit=False, **options)


def _writing(ignore_maintenance: bool = False) -> dict[str, Any]:
    """Return the options of a session that may write."""
    info = {_maintenance.IGNORES_MAINTENANCE: True} if ignore_maintenance else {}
    return {"sync_session_class": _writing_class(), "info": info}


@functools.cache
def _writing_class() -> Any:
    """Return the class of sessions that begin no transaction in maintenance, and count those that run."""
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    class WritingSession(Session):
        """A session whose transactions may write."""

    def begin(session: Any, transaction: Any, _connection: Any) -> None:
        if not transaction.nested:
            _maintenance.kind().begin(session)

    def end(session: Any, transaction: Any) -> None:
        if transaction.parent is None:
            _maintenance.kind().writers.remove(session)

    event.listen(WritingSession, "after_begin", begin)
    event.listen(WritingSession, "after_transaction_end", end)
    return WritingSession


@contextlib.asynccontextmanager
async def _shared_session(
    engines: "Engines", mode: Mode, *, ignore_maintenance: bool
) -> "AsyncIterator[AsyncSession]":
    """Give a session within the one transaction of a test; its commit ends a savepoint."""
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import AsyncSession

    connection = engines.only_connection
    writing = _writing(ignore_maintenance) if mode is Mode.READ_WRITE else {}
    session = AsyncSession(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint", **writing
    )
    is_on_sqlite = engines.read_write.dialect.name == "sqlite"
    try:
        async with session:
            if mode is Mode.READ_WRITE:
                yield session
                await session.commit()
                return
            read_only = "PRAGMA query_only = ON" if is_on_sqlite else "SET LOCAL transaction_read_only = on"
            await session.execute(text(read_only))
            yield session
            # what was not sent yet fails here, not after the mode has ended with the savepoint
            await session.flush()
    finally:
        if mode is Mode.READ_ONLY and is_on_sqlite and connection is not None:
            await connection.exec_driver_sql("PRAGMA query_only = OFF")


def create_maker(engines: "Callable[[], Engines]", mode: Mode) -> "async_sessionmaker[AsyncSession]":
    """Create a session maker that takes the engine of the event loop it is called on.

    Args:
        engines: Returns those of the running event loop.
        mode: What the sessions may do.
    """
    maker: async_sessionmaker[AsyncSession] = _maker_class()(engines, mode)
    return maker


@functools.cache
def _maker_class() -> Any:
    from sqlalchemy.ext.asyncio import async_sessionmaker

    class Maker(async_sessionmaker[Any]):
        """Sessions of a database, bound for each of them."""

        def __init__(self, engines: "Callable[[], Engines]", mode: Mode) -> None:
            super().__init__(expire_on_commit=False)
            self._engines = engines
            self._mode = mode

        def __call__(self, **options: Any) -> Any:
            if "bind" not in options and "binds" not in options:
                options = {**self._options(), **options}
            return super().__call__(**options)

        def _options(self) -> dict[str, Any]:
            engines = self._engines()
            is_writing = self._mode is Mode.READ_WRITE
            writing = _writing() if is_writing else {}
            if engines.only_connection is not None:
                savepoint = "create_savepoint"
                return {**writing, "bind": engines.only_connection, "join_transaction_mode": savepoint}
            if is_writing and _maintenance.maintenance() is not None:
                return {"bind": engines.fallback}  # not refused: health checks use it
            return {**writing, "bind": engines.of(self._mode)}

    return Maker
