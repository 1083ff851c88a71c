"""The statistics of a PostgreSQL database, as gauges.

From the catalog (https://www.postgresql.org/docs/current/catalog-pg-class.html) and the functions for sizes
(https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE).
"""

import dataclasses
import functools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily

from c2casgiutils import db
from c2casgiutils._errors import C2cError

# partitions are tables of their own, and a partitioned table has no rows beside theirs
_TABLES = """
SELECT CAST(class.oid AS bigint), nspname, relname, reltuples
FROM pg_catalog.pg_class AS class JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = relnamespace
WHERE nspname IN :schemas AND relkind IN ('r', 'm')
ORDER BY nspname, relname
"""
_SCHEMAS = "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname IN :schemas"
_SIZE = "SELECT pg_catalog.pg_table_size(CAST(:oid AS oid))"
_INDEXES = """
SELECT class.relname, pg_catalog.pg_relation_size(indexrelid, 'main'),
    pg_catalog.pg_relation_size(indexrelid, 'fsm'), idx_scan, idx_tup_read, idx_tup_fetch
FROM pg_catalog.pg_index AS index JOIN pg_catalog.pg_class AS class ON class.oid = indexrelid
    LEFT JOIN pg_catalog.pg_stat_all_indexes AS usage USING (indexrelid)
WHERE index.indrelid = CAST(:oid AS oid)
"""
_OF_CONNECTIONS = ("08", "28", "3D", "53", "57P")
"""Beginnings of the SQLSTATEs of a connection that is refused or lost."""
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"  # a table may be locked for hours

_HELP = {
    "table_count": "Number of rows, as the planner estimates it",
    "table_size": "Size of the table in bytes, without indexes",
    "table_index_size": "Size of an index in bytes",
    "table_index_usage": "Use of an index: scans, entries read, rows fetched",
    "extra": "Value of a query",
}
NAMES = frozenset(_HELP)
"""The metrics that are always there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """A query whose rows are `(metric, value)`.

    Attributes:
        option: The option that gave it.
        sql: The query.
        name: The name of the gauge.
        text: Its help.
    """

    option: str
    sql: str
    name: str = "extra"
    text: str = _HELP["extra"]


class UnreachableError(C2cError):
    """A server does not answer; the message says which one."""


class Statistics:
    """The gauges, a collector of `prometheus_client`.

    Attributes:
        failures: What could not be read, and why.

    Args:
        prefix: Of the names.
    """

    def __init__(self, prefix: str) -> None:
        self.failures: list[tuple[str, Exception]] = []
        self._prefix = prefix
        self._gauges: dict[str, tuple[str, dict[tuple[tuple[str, str], ...], float]]] = {}

    def set(self, name: str, text: str, labels: dict[str, str], value: float) -> None:
        """Set a value, once for the same labels."""
        self._gauges.setdefault(name, (text, {}))[1][tuple(labels.items())] = value

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics."""
        for name, (text, values) in self._gauges.items():
            labels = [label for label, _ in next(iter(values))]
            metric = GaugeMetricFamily(f"{self._prefix}database_{name}", text, labels=labels)
            for key, value in values.items():
                metric.add_metric([label for _, label in key], value)
            yield metric

    async def attempt(self, what: str, work: Awaitable[None]) -> None:
        """Note a failure and go on.

        Raises:
            UnreachableError: The server does not answer.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            await work
        except (SQLAlchemyError, ValueError) as error:
            _require_answer(error)
            self.failures.append((what, error))


async def read(
    database: db.Database,
    prefix: str,
    schemas: Sequence[str],
    queries: Sequence[Query],
    progress: Callable[[str], object],
) -> Statistics:
    """Read the statistics.

    Args:
        database: On PostgreSQL.
        prefix: Of the names.
        schemas: Whose tables to measure.
        queries: Further queries.
        progress: Called with what is read now.

    Raises:
        UnreachableError: The server does not answer.
    """
    result = Statistics(prefix)
    await result.attempt("--schema", _read_tables(result, database, schemas, progress))
    for query in queries:
        progress(f"reading {query.option} {query.sql}")
        await result.attempt(f"{query.option} {query.sql}", _read_query(result, database, query))
    return result


async def _read_tables(
    result: Statistics, database: db.Database, schemas: Sequence[str], progress: Callable[[str], object]
) -> None:
    async with database.session_scope() as session:
        known = (await session.execute(_with_schemas(_SCHEMAS), {"schemas": schemas})).scalars().all()
        tables: Sequence[Any] = (await session.execute(_with_schemas(_TABLES), {"schemas": schemas})).all()
    for number, (oid, schema, table, rows) in enumerate(tables, start=1):
        progress(f"reading table {number} of {len(tables)}: {schema}.{table}")
        gauge = functools.partial(_set, result, schema, table)
        if rows >= 0:  # -1 while the table was never analysed
            gauge("table_count", rows)
        await result.attempt(f"table {schema}.{table}", _read_table(gauge, database, oid))
    missing = [schema for schema in schemas if schema not in known]
    if missing:
        raise ValueError(f"there is no schema {', '.join(missing)}")


def _set(result: Statistics, schema: str, table: str, name: str, value: float, **labels: str) -> None:
    result.set(name, _HELP[name], {"schema": schema, "table": table, **labels}, value)


async def _read_table(gauge: Callable[..., None], database: db.Database, oid: int) -> None:
    from sqlalchemy import BigInteger, bindparam, text

    oid_type = bindparam("oid", type_=BigInteger)
    async with database.session_scope() as session:
        await session.execute(text(_LOCK_TIMEOUT))
        size = (await session.execute(text(_SIZE).bindparams(oid_type), {"oid": oid})).scalar()
        indexes = (await session.execute(text(_INDEXES).bindparams(oid_type), {"oid": oid})).all()
    if size is not None:  # the table was dropped meanwhile
        gauge("table_size", size)
    for index, main, fsm, *usage in indexes:
        for fork, value in (("main", main), ("fsm", fsm)):
            gauge("table_index_size", value or 0, index=index, fork=fork)
        for action, value in zip(("scan", "read", "fetch"), usage, strict=True):
            gauge("table_index_usage", value or 0, index=index, action=action)


async def _read_query(result: Statistics, database: db.Database, query: Query) -> None:
    async with database.session_scope() as session:
        connection = await session.connection()
        # as it was written: neither `:name` nor `%` are parameters
        rows: Sequence[Any] = (
            await connection.exec_driver_sql(query.sql, execution_options={"no_parameters": True})
        ).fetchall()
    for row in rows:
        if len(row) != 2:  # noqa: PLR2004  # a name and a value
            raise ValueError(f"accepted are rows of a metric and a value, got {len(row)} columns")
        if row[1] is not None:
            result.set(query.name, query.text, {"metric": str(row[0])}, _number(row[1]))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"the second column must be a number, got {type(value).__name__}") from None


def _with_schemas(statement: str) -> Any:
    from sqlalchemy import bindparam, text

    return text(statement).bindparams(bindparam("schemas", expanding=True))


def _require_answer(error: Exception) -> None:
    """Raise if it is not a query that failed: an answer to a query has an SQLSTATE.

    Raises:
        UnreachableError: The server did not answer, or refused the connection.
    """
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError

    state = str(getattr(error.orig, "sqlstate", None) or "") if isinstance(error, DBAPIError) else ""
    is_lost = not state and isinstance(error, InterfaceError | OperationalError | PoolTimeoutError)
    if is_lost or state.startswith(_OF_CONNECTIONS):
        raise UnreachableError(f"the database is unreachable: {describe(error)}") from error


def describe(error: Exception) -> str:
    """Return what went wrong, without the statement that SQLAlchemy adds and the hints of the server."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
