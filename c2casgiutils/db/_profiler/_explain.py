"""The plan of a statement, asked of the database on the connection that just executed it.

All is undone with a savepoint, and sent by a cursor of the driver, so that no listener of SQLAlchemy sees it.
`EXPLAIN` only plans. `EXPLAIN ANALYZE` executes the query, so it is for those that provably only read.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from c2casgiutils.db._profiler import _plan
from c2casgiutils.db._profiler._text import Statement

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LOGGER = logging.getLogger(__name__)

_MAX_LENGTH = 20_000
_MAX_VALUE_LENGTH = 10_000
_VERBS = frozenset({"SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE"})
_SAVEPOINT = "c2casgiutils_profiler"
_LIMITS = (
    "SET LOCAL lock_timeout = 500",
    "SET LOCAL statement_timeout = 2000",
    "SET LOCAL transaction_read_only = on",
)
"""Planning executes functions that are declared as immutable, whatever they do."""
_IN_TRANSACTION = 2
"""`psycopg.pq.TransactionStatus.INTRANS`."""
_HAS_UNKNOWN_CODE = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE proname = ANY('{{{names}}}'::name[])
       AND (pronamespace <> 'pg_catalog'::regnamespace OR provolatile = 'v'))
    OR EXISTS (SELECT FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
       WHERE o.oid >= 16384 AND p.provolatile = 'v')
    OR EXISTS (SELECT FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
       WHERE c.oid >= 16384 AND p.provolatile = 'v')
    OR EXISTS (SELECT FROM pg_catalog.pg_type t
       JOIN pg_catalog.pg_proc p ON p.oid IN (t.typinput, t.typoutput)
       WHERE p.oid >= 16384 AND p.provolatile = 'v')
"""
"""Whether a name of a query is, besides a function of PostgreSQL, one that somebody created or that has side
effects, or whether somebody created operators, casts or types that have side effects."""


class Question(NamedTuple):
    """A statement that was executed.

    Attributes:
        connection: On which it was executed.
        cursor: That of the statement.
        sql: As the driver got it.
        parameters: As the driver got them.
        context: Of the execution.
        statement: The statement without values.
    """

    connection: "Connection"
    cursor: Any
    sql: str
    parameters: Any
    context: Any
    statement: Statement

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is SQLite."""
        return self.connection.dialect.name == "sqlite"

    def can_be_asked(self) -> bool:
        """Return whether the plan can be fetched without an effect on the application."""
        text = self.sql.rstrip().removesuffix(";")
        options = getattr(self.context, "execution_options", {})
        return (
            self.statement.verb in _VERBS
            and len(self.sql) <= _MAX_LENGTH
            and ";" not in text  # in whatever place: a second statement would be executed
            and not options.get("no_parameters")
            and not options.get("stream_results")
            and not getattr(self.cursor, "server_side", False)
            and _are_small(self.parameters)
            and (_is_query(self.statement) if self.is_sqlite else _is_in_transaction(self.connection))
        )


def fetch(question: Question, *, analyze: bool) -> str | None:
    """Return the plan of a statement without values, `None` if the database gives none.

    Args:
        question: It must be one that can be asked.
        analyze: Execute queries that only read.
    """
    connection = question.connection.connection
    cursor = connection.cursor()
    try:
        if question.is_sqlite:
            return _fetch_from_sqlite(question, cursor)
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            return _fetch_from_postgresql(question, cursor, analyze=analyze)
        finally:
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
    except Exception as error:  # noqa: BLE001  # a driver raises what it likes; there is no plan
        # not the text: it may quote values
        _LOGGER.debug("No plan of the statement %s: %s", question.statement.text, type(error).__name__)
        return None
    finally:
        cursor.close()


def _fetch_from_sqlite(question: Question, cursor: Any) -> str:
    cursor.execute(f"EXPLAIN QUERY PLAN {question.sql}", question.parameters)
    return _plan.of_sqlite(cursor.fetchall())


def _fetch_from_postgresql(question: Question, cursor: Any, *, analyze: bool) -> str:
    for limit in _LIMITS:
        cursor.execute(limit)
    found = _ask(question, cursor, "VERBOSE, FORMAT JSON")
    text = _plan.of_postgresql(found)
    if not analyze:
        return text
    try:
        if not _only_reads(question.statement, found, cursor):
            return text
        return _plan.of_postgresql(_ask(question, cursor, "ANALYZE, FORMAT JSON"))
    except Exception as error:  # noqa: BLE001  # it took too long, for example
        _LOGGER.debug("Not analyzed: %s: %s", question.statement.text, type(error).__name__)
        return text


def _ask(question: Question, cursor: Any, options: str) -> Any:
    cursor.execute(f"EXPLAIN ({options}) {question.sql}", question.parameters)
    return _plan.parse(cursor.fetchone())


def _only_reads(statement: Statement, found: Any, cursor: Any) -> bool:
    """Return whether a query does nothing but read, as far as its text, its plan and the catalog tell."""
    names = _plan.functions_that_only_compute(statement, found)
    if names is None:
        return False
    cursor.execute(_HAS_UNKNOWN_CODE.format(names=",".join(sorted(names))))
    return cursor.fetchone()[0] is False


def _is_query(statement: Statement) -> bool:
    """Return whether a statement changes nothing: on SQLite the plan of another one resets `changes()`."""
    return statement.verb in {"SELECT", "VALUES"} or (
        statement.verb == "WITH" and not statement.words & {"DELETE", "INSERT", "REPLACE", "UPDATE"}
    )


def _are_small(parameters: Any) -> bool:
    if isinstance(parameters, Mapping):
        parameters = parameters.values()
    elif not isinstance(parameters, list | tuple):
        return parameters is None
    return all(not hasattr(value, "__len__") or len(value) <= _MAX_VALUE_LENGTH for value in parameters)


def _is_in_transaction(connection: "Connection") -> bool:
    """Return whether a transaction is open and not aborted, as the driver tells."""
    driver_connection: Any = connection.connection.driver_connection
    if hasattr(driver_connection, "is_in_transaction"):  # asyncpg
        return bool(driver_connection.is_in_transaction())
    info = getattr(driver_connection, "info", None)  # psycopg
    return getattr(info, "transaction_status", None) == _IN_TRANSACTION
