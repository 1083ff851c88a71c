"""Where the engines of a database come from: URLs, or the application."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from c2casgiutils.db._engines import Measured, create_engine
from c2casgiutils.db._errors import DatabaseConfigurationError
from c2casgiutils.db._hangs import HangWatch
from c2casgiutils.db._metrics import EngineMetrics
from c2casgiutils.db._routing import Mode
from c2casgiutils.db._urls import engine_options, read_url

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.ext.asyncio import AsyncEngine

_BACKENDS = frozenset({"postgresql", "sqlite"})


class Urls:
    """Engines that are created here, for each event loop.

    Args:
        primary: The URL of the primary.
        replica: The URL of the replica; the same one is none.
        options: Of the engine of the primary.
        replica_options: Of the engine of the replica.

    Raises:
        DatabaseConfigurationError: A wrong URL.
        MissingDriverError: SQLAlchemy or the driver is not installed.
    """

    is_owner = True

    def __init__(
        self,
        primary: "str | URL",
        replica: "str | URL | None",
        options: Mapping[str, Any],
        replica_options: Mapping[str, Any],
    ) -> None:
        self._primary = read_url(primary)
        url = None if replica is None else read_url(replica, "read_only_url")
        self._replica = None if url == self._primary else url
        self._options = engine_options(self._primary, options)
        self._replica_options = (
            {} if self._replica is None else engine_options(self._replica, replica_options)
        )

    @property
    def replica_backend(self) -> str | None:
        """The kind of the replica, as SQLAlchemy names it."""
        return None if self._replica is None else self._replica.get_backend_name()

    def create(self, database: str) -> tuple[Measured, Measured | None]:
        """Return the engines of the primary and of the replica.

        Args:
            database: The name of the database.
        """
        primary = _create(database, Mode.READ_WRITE, self._primary, self._options)
        if self._replica is None:
            return primary, None
        return primary, _create(database, Mode.READ_ONLY, self._replica, self._replica_options)


def _create(database: str, mode: Mode, url: "URL", options: Mapping[str, Any]) -> Measured:
    metrics, hangs = _watched_by(database, mode)
    return Measured(create_engine(url, options, metrics, hangs), metrics, hangs)


def _watched_by(database: str, mode: Mode) -> tuple[EngineMetrics, HangWatch]:
    return EngineMetrics(database, mode), HangWatch(f"{database} ({mode})")


class Given:
    """Engines of the application, which disposes of them itself.

    Args:
        primary: Of the primary.
        replica: Of the replica; the same one is none.

    Raises:
        DatabaseConfigurationError: Not engines of a database that this library works with.
    """

    is_owner = False

    def __init__(self, primary: "AsyncEngine", replica: "AsyncEngine | None") -> None:
        self._primary = primary
        self._replica = None if replica is primary else replica
        for engine in (primary, replica):
            if engine is None:
                continue
            name = engine.dialect.name
            if name not in _BACKENDS or not engine.dialect.is_async:
                accepted = " and ".join(sorted(_BACKENDS))
                raise DatabaseConfigurationError(f"{name}: accepted are async engines of {accepted}")

    @property
    def replica_backend(self) -> str | None:
        """The kind of the replica, as SQLAlchemy names it."""
        return None if self._replica is None else self._replica.dialect.name

    def create(self, database: str) -> tuple[Measured, Measured | None]:
        """Return the engines of the primary and of the replica.

        Args:
            database: The name of the database.
        """
        primary = Measured(self._primary, *_watched_by(database, Mode.READ_WRITE))
        if self._replica is None:
            return primary, None
        return primary, Measured(self._replica, *_watched_by(database, Mode.READ_ONLY))
