"""A database of the application: its engines, its sessions."""

import contextlib
import datetime
import functools
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from fastapi import Depends
from starlette.requests import HTTPConnection

from c2casgiutils._process import PerLoop
from c2casgiutils.db import _metrics, _registry
from c2casgiutils.db._engines import Engines, Pool
from c2casgiutils.db._errors import DatabaseConfigurationError
from c2casgiutils.db._replica import Replica
from c2casgiutils.db._routing import Mode, Rules
from c2casgiutils.db._sessions import create_maker, open_session
from c2casgiutils.db._sources import Given, Urls
from c2casgiutils.db._sticky import Sticky

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

_SCOPE_KEY = "c2casgiutils.db"


class Database:
    """A database and, where there is one, its replica.

    A session is bound to an engine when it is opened, and never changes it. Sessions for reading are
    read-only in the database, also without a replica: a write fails. While the replica fails or lags, they
    read from the primary. Engines are created on first use, for each event loop, and end with `aclose`.

    Attributes:
        session: `Depends(…)` object: the session of a request, for reading or writing by its method.
        read_session: The same, always for reading.
        write_session: The same, always for writing.

    Args:
        url: Of the primary, `postgresql://…` or `sqlite://…`; the async driver is chosen for it.
        read_only_url: Of the replica.
        name: Its name in logs, metrics and health checks, and for `get`.
        force_read_write: Regular expressions, matched from the start of `GET /full/path`: `session` may
            write for these requests.
        force_read_only: The same for requests that only read.
        sticky: Time for which a client reads from the primary after a write.
        max_lag: Reads use the primary while the replica is further behind.
        read_only_options: Options of the engine of the replica; by default those of the primary, with
            `pool_pre_ping`.
        **engine_options: Options of `sqlalchemy.ext.asyncio.create_async_engine`.

    Raises:
        DatabaseConfigurationError: A wrong URL or rule, or options that contradict each other.
        MissingDriverError: SQLAlchemy or the driver is not installed; names the extra.
    """

    def __init__(
        self,
        url: "str | URL | Given",
        *,
        read_only_url: "str | URL | None" = None,
        name: str = "default",
        force_read_write: Iterable[str] = (),
        force_read_only: Iterable[str] = (),
        sticky: datetime.timedelta | None = None,
        max_lag: datetime.timedelta | None = None,
        read_only_options: Mapping[str, Any] | None = None,
        **engine_options: Any,
    ) -> None:
        if read_only_options is None:
            read_only_options = {"pool_pre_ping": True, **engine_options}
        self._source = (
            url if isinstance(url, Given) else Urls(url, read_only_url, engine_options, read_only_options)
        )
        if not re.fullmatch(r"[\w-]+", name, re.ASCII):
            raise DatabaseConfigurationError("name: must be of letters, digits, _ and -")
        if max_lag is not None and self._source.replica_backend != "postgresql":
            raise DatabaseConfigurationError("max_lag: needs a PostgreSQL replica")
        self.name = name
        self._rules = Rules(force_read_write, force_read_only)
        self._max_lag = max_lag
        self._sticky = None if sticky is None else Sticky(name, sticky)
        self._engines = PerLoop(self._create_engines)
        # one call for each request, however many parameters ask for it
        self.session: Any = Depends(self._session, scope="function")
        self.read_session: Any = Depends(self._read_session, scope="function")
        self.write_session: Any = Depends(self._write_session, scope="function")
        _registry.add(self)

    @classmethod
    def from_engines(
        cls, read_write: "AsyncEngine", read_only: "AsyncEngine | None" = None, **options: Any
    ) -> Self:
        """Create a database from engines of the application, which disposes of them itself.

        Args:
            read_write: Of the primary.
            read_only: Of the replica.
            **options: `name`, `force_read_write`, `force_read_only`, `sticky` and `max_lag`, as for
                `Database`.

        Raises:
            DatabaseConfigurationError: A wrong rule, options that contradict each other, or a database other
                than PostgreSQL and SQLite.
        """
        return cls(Given(read_write, read_only), **options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @functools.cached_property
    def read_write(self) -> "async_sessionmaker[AsyncSession]":
        """Make sessions of the primary; who uses them commits. In maintenance they are read-only."""
        return create_maker(self._engines.get, Mode.READ_WRITE)

    @functools.cached_property
    def read_only(self) -> "async_sessionmaker[AsyncSession]":
        """Make sessions of the replica, or without one of the primary, in read-only mode.

        They use no other server while the replica fails: `read_session` and `session_scope` do.
        """
        return create_maker(self._engines.get, Mode.READ_ONLY)

    @property
    def engines(self) -> Engines:
        """The engines of the running event loop, created on first use."""
        return self._engines.get()

    def pools(self) -> list[Pool]:
        """Return the pools of the engines of the running event loop, none before their first use."""
        engines = self._engines.peek()
        return [] if engines is None else engines.pools()

    @contextlib.asynccontextmanager
    async def session_scope(
        self, *, read_write: bool = False, ignore_maintenance: bool = False
    ) -> "AsyncIterator[AsyncSession]":
        """Give a session outside of a request, commit at the end; an exception rolls back.

        Args:
            read_write: It may write.
            ignore_maintenance: It may do so in maintenance, too: for migrations.

        Raises:
            MaintenanceError: The session may write, and the databases are in maintenance.
        """
        mode = Mode.READ_WRITE if read_write else Mode.READ_ONLY
        async with open_session(self.engines, mode, ignore_maintenance=ignore_maintenance) as session:
            yield session

    @contextlib.asynccontextmanager
    async def rolled_back(self) -> AsyncIterator[None]:
        """Undo in the end what all sessions of this database did meanwhile: for a fixture of tests.

        They share one connection and one transaction, in which each of them commits or rolls back to a
        savepoint. So they must follow each other, as the sessions of requests that a test sends do.
        """
        async with self.engines.rolled_back():
            yield

    @property
    def has_replica(self) -> bool:
        """Return whether there is a replica."""
        return self._source.replica_backend is not None

    def watch_replica(self) -> str | None:
        """Return why reads use the primary, `None` while they use the replica; begin to watch it."""
        replica = self.engines.replica
        if replica is None:
            return None
        replica.watch()
        return replica.reason

    @property
    def is_sticky(self) -> bool:
        """Return whether clients read from the primary after a write."""
        return self._sticky is not None

    async def aclose(self) -> None:
        """End what was started on this event loop, close the connections; the next use starts anew."""
        engines = self._engines.pop()
        if engines is not None:
            _registry.profiler().unwatch(engines.watched)
            await engines.aclose()
        _registry.note_opened(self, is_open=bool(self._engines.elsewhere()))

    def _create_engines(self) -> Engines:
        _registry.note_opened(self, is_open=True)
        primary, replica = self._source.create(self.name)
        engines = Engines(primary, replica, watch=self._watch, is_owner=self._source.is_owner)
        _registry.profiler().watch(self.name, engines.watched)
        return engines

    def _watch(self, replica: "AsyncEngine", primary: "AsyncEngine") -> Replica:
        on_change = functools.partial(_metrics.set_replica_up, self.name)
        return Replica(self.name, replica, primary, max_lag=self._max_lag, on_change=on_change)

    async def _session(self, connection: HTTPConnection) -> AsyncIterator[Any]:
        async with self.in_request(connection, self._rules.mode_of(connection.scope)) as session:
            yield session

    async def _read_session(self, connection: HTTPConnection) -> AsyncIterator[Any]:
        async with self.in_request(connection, Mode.READ_ONLY) as session:
            yield session

    async def _write_session(self, connection: HTTPConnection) -> AsyncIterator[Any]:
        async with self.in_request(connection, Mode.READ_WRITE) as session:
            yield session

    @contextlib.asynccontextmanager
    async def in_request(
        self, connection: HTTPConnection, mode: Mode | None = None
    ) -> "AsyncIterator[AsyncSession]":
        """Give the session of a request; there is one for each mode, whoever asks for it.

        With a second one a request would wait for a connection while it holds another.

        Args:
            connection: The request.
            mode: What the session may do; by default what the method and the rules say.
        """
        mode = self._rules.mode_of(connection.scope) if mode is None else mode
        held = connection.scope.setdefault(_SCOPE_KEY, {})
        key = self, mode
        if key in held:
            yield held[key]
            return
        sticky = self._sticky
        if sticky is not None and mode is Mode.READ_WRITE:
            sticky.require_middleware(connection.scope)
        from_primary = sticky is not None and sticky.has_written(connection)
        async with open_session(self.engines, mode, from_primary=from_primary) as session:
            held[key] = session
            try:
                yield session
            finally:
                del held[key]
        if sticky is not None and mode is Mode.READ_WRITE:
            sticky.note_write(connection.scope)
