"""Sessions: on the engine that was chosen for each of them, committed at the end, closed in any case."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from c2casgiutils.db._routing import Mode

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

    from c2casgiutils.db._engines import Engines


@contextlib.asynccontextmanager
async def open_session(
    engines: "Engines", mode: Mode, *, from_primary: bool = False
) -> "AsyncIterator[AsyncSession]":
    """Give a session, commit at the end; an exception or a cancellation rolls back.

    Every session of a request and of `session_scope` comes from here.

    Args:
        engines: Of the running event loop.
        mode: What the session may do.
        from_primary: Read what was just written: not from the replica.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database is unreachable, or refuses the commit.
    """
    if engines.only_connection is not None:
        async with _shared_session(engines, mode) as session:
            yield session
        return
    replica = None if from_primary or mode is Mode.READ_WRITE else engines.replica
    held = None if replica is None else await replica.open(functools.partial(_create, engines.read_only))
    reading = engines.read_only if engines.replica is None else engines.fallback
    session = held or _create(engines.read_write if mode is Mode.READ_WRITE else reading)
    async with session:
        yield session
        await session.commit()


def _create(engine: "AsyncEngine") -> "AsyncSession":
    from sqlalchemy.ext.asyncio import AsyncSession

    return AsyncSession(engine, expire_on_commit=False)


@contextlib.asynccontextmanager
async def _shared_session(engines: "Engines", mode: Mode) -> "AsyncIterator[AsyncSession]":
    """Give a session within the one transaction of a test; its commit ends a savepoint."""
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import AsyncSession

    connection = engines.only_connection
    session = AsyncSession(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
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
                engines = self._engines()
                if engines.only_connection is None:
                    options["bind"] = engines.of(self._mode)
                else:
                    options |= {
                        "bind": engines.only_connection,
                        "join_transaction_mode": "create_savepoint",
                    }
            return super().__call__(**options)

    return Maker
