"""Log records in a table of a database."""

import datetime
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from c2casgiutils.logs._background import BackgroundHandler, describe
from c2casgiutils.logs._texts import message_of, text_of, traceback_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

_LOGGER = logging.getLogger(__name__)
_SIZE = 50_000
_LINGER_SECONDS = 1.0
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgresql+asyncpg": "postgresql+psycopg",
    "sqlite+aiosqlite": "sqlite",
}


class SqlHandler(BackgroundHandler):
    """Writes records to a table with the columns `id`, `logger`, `level`, `trace`, `msg` and `created_at`.

    Rows are written by a thread, at most a second after their records, and at the end of the process and of
    the application. The schema and the table are created if they do not exist. While the database is
    unreachable up to 50,000 records wait; more are dropped, and counted in `dropped`. A row that the database
    rejects is dropped alone. Each batch opens one connection and closes it.

    Args:
        url: Of the database, as for SQLAlchemy. `postgresql` and `postgresql+asyncpg` take psycopg,
            `sqlite+aiosqlite` takes `sqlite3`: the thread needs a driver that is not asynchronous.
        table: Name of the table.
        schema: Schema of the table; by default that of the connection.

    Raises:
        ValueError: The URL cannot be read, or a name is empty.
        ImportError: SQLAlchemy (extra `sqlalchemy`) or the driver is not installed.
    """

    def __init__(self, url: str, table: str = "logs", schema: str | None = None) -> None:
        self._engine = _create_engine(url)
        self._table = _create_table(table, schema)
        self._is_created = False
        super().__init__("The log table", size=_SIZE, linger_seconds=_LINGER_SECONDS)

    def start_afresh(self) -> None:
        """Forget the locks of the engine too; it keeps no connection open."""
        super().start_afresh()
        self._engine.dispose(close=False)

    def prepare(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the row."""
        return {
            "logger": _storable(text_of(record.name)),
            "level": _storable(record.levelname),
            "trace": _storable(traceback_of(record)) or None,
            "msg": _storable(message_of(record)),
            "created_at": datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC),
        }

    def write(self, items: deque[Any]) -> None:
        """Insert the rows."""
        from sqlalchemy.exc import DataError, IntegrityError

        try:
            self._insert(list(items))
        except (DataError, IntegrityError):
            self._insert_each(items)
        items.clear()

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        try:
            with self._engine.begin() as connection:
                self._create(connection)
                connection.execute(self._table.insert(), rows)
        except Exception:
            self._is_created = False  # the next attempt looks again: somebody may have dropped the table
            raise
        self._is_created = True

    def _insert_each(self, items: deque[Any]) -> None:
        """Insert the rows one by one, without those that the database rejects."""
        from sqlalchemy.exc import DataError, IntegrityError

        rejection = None
        while items:
            try:
                self._insert([items[0]])
            except (DataError, IntegrityError) as error:
                rejection = describe(error)
                self._note_dropped()
            items.popleft()
        if rejection is not None:
            _LOGGER.warning("The log table rejects records: %s", rejection)

    def _create(self, connection: "Connection") -> None:
        from sqlalchemy import inspect
        from sqlalchemy.schema import CreateSchema

        if self._is_created:
            return
        schema = self._table.schema
        if schema is not None and not inspect(connection).has_schema(schema):
            connection.execute(CreateSchema(schema, if_not_exists=True))
        self._table.create(connection, checkfirst=True)


def _storable(text: str) -> str:
    """Return a text without what PostgreSQL cannot store: the null character, and halves of characters."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def _create_engine(url: str) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    try:
        address = make_url(url)
    except ArgumentError:
        raise ValueError("url must be the URL of a database, as postgresql://user@host/database") from None
    address = address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))
    return create_engine(address, poolclass=NullPool, hide_parameters=True)


def _create_table(name: str, schema: str | None) -> "Table":
    from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text
    from sqlalchemy.sql import quoted_name

    if not name or schema == "":
        raise ValueError("table and schema must not be empty")
    return Table(
        quoted_name(name, quote=True),
        MetaData(),
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("logger", Text),
        Column("level", Text),
        Column("trace", Text),
        Column("msg", Text),
        Column("created_at", DateTime(timezone=True)),
        schema=None if schema is None else quoted_name(schema, quote=True),
    )
