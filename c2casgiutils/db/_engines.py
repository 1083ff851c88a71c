"""The engines of a database on one event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from c2casgiutils.db._hangs import HangWatch
from c2casgiutils.db._metrics import EngineMetrics
from c2casgiutils.db._pool import create_pool_class
from c2casgiutils.db._replica import Replica
from c2casgiutils.db._request_id import send_request_id
from c2casgiutils.db._routing import Mode

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_READ_ONLY = "c2casgiutils_read_only"
_QUERY_ONLY = "c2casgiutils_query_only"


class Measured(NamedTuple):
    """An engine, its metrics, and what watches that its server does not hang."""

    engine: "AsyncEngine"
    metrics: EngineMetrics
    hangs: HangWatch


class Pool(NamedTuple):
    """The connections of an engine: in use, the size of the pool, and those beyond it."""

    engine: str
    checked_out: int
    size: int
    overflow: int


class Engines:
    """The engines, and what watches the replica.

    Attributes:
        read_write: Of the primary.
        read_only: Of the replica, or without one of the primary; its transactions are read-only.
        fallback: Of the primary; its transactions are read-only.
        replica: The state of the replica, `None` without one.
        only_connection: Used by all sessions instead of the engines, in tests.

    Args:
        primary: Of the primary.
        replica: Of the replica.
        watch: Makes the state of the replica.
        is_owner: The engines are disposed of with this object.
    """

    def __init__(
        self,
        primary: Measured,
        replica: Measured | None,
        *,
        watch: "Callable[[AsyncEngine, AsyncEngine], Replica]",
        is_owner: bool,
    ) -> None:
        from sqlalchemy import event

        self.read_write: AsyncEngine = primary.engine
        self.fallback: AsyncEngine = _read_only_of(primary.engine)
        self.read_only: AsyncEngine = self.fallback if replica is None else _read_only_of(replica.engine)
        self.replica: Replica | None = None if replica is None else watch(self.read_only, self.read_write)
        self.only_connection: AsyncConnection | None = None
        self._is_owner = is_owner
        self._measured = [primary] if replica is None else [primary, replica]
        for engine, _, hangs in self._measured:
            hangs.prepare(engine)
        for engine, metrics, hangs in self._measured:  # not before the connections that watch are apart
            metrics.watch(engine)
            hangs.watch(engine)
        self._set_sending_request_id(event.listen)

    def of(self, mode: Mode) -> "AsyncEngine":
        """Return the engine of a mode."""
        return self.read_write if mode is Mode.READ_WRITE else self.read_only

    @property
    def watched(self) -> "list[Engine]":
        """The engines whose events are those of all sessions, without derived ones."""
        return [engine.sync_engine for engine, _, _ in self._measured]

    def pools(self) -> list[Pool]:
        """Return the pools, without those that do not count their connections."""
        from sqlalchemy.pool import QueuePool

        found: list[tuple[Mode, Any]] = [
            (mode, engine.pool) for mode, (engine, _, _) in zip(Mode, self._measured, strict=False)
        ]
        return [
            Pool(mode, pool.checkedout(), pool.size(), max(0, pool.overflow()))
            for mode, pool in found
            if isinstance(pool, QueuePool)
        ]

    async def aclose(self) -> None:
        """End the watching, and close the connections of the engines that were created here."""
        from sqlalchemy import event

        if self.replica is not None:
            await self.replica.aclose()
        await asyncio.gather(*(hangs.aclose(engine) for engine, _, hangs in self._measured))
        if self._is_owner:
            await asyncio.gather(*(engine.dispose() for engine, _, _ in self._measured))
        for engine, metrics, _ in self._measured:
            metrics.end(engine)
        self._set_sending_request_id(event.remove)

    def _set_sending_request_id(self, change: Callable[[Any, str, Any], None]) -> None:
        for engine, _, _ in self._measured:
            if engine.dialect.name == "postgresql":
                change(engine.sync_engine, "begin", send_request_id)

    @contextlib.asynccontextmanager
    async def rolled_back(self) -> AsyncIterator[None]:
        """Have all sessions use one connection, whose transaction is rolled back in the end."""
        async with self.read_write.connect() as connection, connection.begin() as transaction:
            if self.read_write.dialect.name == "sqlite" and not self._is_owner:
                # Python's module would begin the transaction later, within the savepoint of a session
                await connection.exec_driver_sql("BEGIN")
            self.only_connection = connection
            try:
                yield
            finally:
                self.only_connection = None
                await transaction.rollback()


def create_engine(
    url: "URL", options: Mapping[str, Any], metrics: EngineMetrics, hangs: HangWatch
) -> "AsyncEngine":
    """Create an engine.

    On SQLite its transactions begin with their first statement, and those that may write wait for each
    other there: otherwise two that read before they write would fail with a lock that no time-out resolves
    (https://www.sqlite.org/lang_transaction.html).

    Args:
        url: With its driver.
        options: As `create_async_engine` takes them.
        metrics: Of the engine.
        hangs: Watches the server.
    """
    from sqlalchemy import event
    from sqlalchemy.ext.asyncio import create_async_engine

    pool = {} if options.keys() & {"pool", "poolclass"} else {"poolclass": create_pool_class(metrics, hangs)}
    engine = create_async_engine(url, **options, **pool)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _leave_begin_to_us)
        event.listen(engine.sync_engine, "begin", _begin_on_sqlite)
    if engine.dialect.driver == "asyncpg":
        event.listen(engine.sync_engine, "do_connect", _connect_as_other_drivers)
    return engine


def _read_only_of(engine: "AsyncEngine") -> "AsyncEngine":
    """Return an engine with the same pool whose transactions are read-only in the database."""
    from sqlalchemy import event

    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    elif not event.contains(engine.sync_engine, "begin", _begin_on_sqlite):
        event.listen(engine.sync_engine, "begin", _set_query_only)
    return engine.execution_options(**options)


def _connect_as_other_drivers(dialect: Any, _record: Any, arguments: Any, parameters: Any) -> Any:
    """Connect, and report an unreachable server as an error of the database; asyncpg raises an `OSError`."""
    try:
        return dialect.connect(*arguments, **parameters)
    except OSError as error:
        raise dialect.loaded_dbapi.OperationalError(str(error) or type(error).__name__) from error


def _leave_begin_to_us(dbapi_connection: Any, _record: Any) -> None:
    """Keep the module of Python from beginning transactions: it does so before the first change only."""
    dbapi_connection.isolation_level = None


def _begin_on_sqlite(connection: "Connection") -> None:
    _set_query_only(connection)
    is_read_only = connection.get_execution_options().get(_READ_ONLY)
    connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")


def _set_query_only(connection: "Connection") -> None:
    """Let a transaction change the database or not; the state stays with the connection in the pool."""
    state = "ON" if connection.get_execution_options().get(_READ_ONLY) else "OFF"
    if connection.info.get(_QUERY_ONLY, "OFF") != state:
        connection.exec_driver_sql(f"PRAGMA query_only = {state}")
        connection.info[_QUERY_ONLY] = state
