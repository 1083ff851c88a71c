"""The check of a database."""

import asyncio
import inspect
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from c2casgiutils import db
from c2casgiutils._tasks import Failure, caught
from c2casgiutils.health_checks._model import Check, JsonCheckError, Result

_TOUCH = {"sqlite": "SELECT count(*) FROM sqlite_master"}  # `SELECT 1` does not open the file
# Not `transaction_read_only`: in maintenance the transaction is read-only, whatever the server is.
_READ_ONLY = {
    "postgresql": "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
}


class SQLAlchemy(Check):
    """Passes if the database answers a query, through the same engine and pool as the application.

    It proves that a connection is available (an exhausted pool is reported as such), and that the server
    accepts the login and responds, within the timeout of the check. It does not prove that tables exist (give
    a model), that rows can be written (`writable` detects a read-only PostgreSQL), nor that other queries are
    fast.

    Args:
        Session: The async session maker.
        tags: Tags to select the check by.
        read_only: The async session maker of the read-only engine, which is also checked.
        at_least_one_model: A mapped class that must have at least one row.
        query: Called with the session instead of the default query, sync or async; its result is added to the
            payload, an exception is a failure.
        writable: Fail if the server is read-only: a replica, or a full disk.
    """

    def __init__(
        self,
        Session: Any,  # noqa: N803  # a promised name
        tags: list[str] | None = None,
        *,
        read_only: Any = None,
        at_least_one_model: Any = None,
        query: Callable[[Any], Any] | None = None,
        writable: bool = False,
    ) -> None:
        super().__init__(tags)
        if at_least_one_model is not None and query is not None:
            raise ValueError("SQLAlchemy takes at_least_one_model or query, not both")
        self.database: db.Database | None = Session if isinstance(Session, db.Database) else None
        if self.database is not None:
            Session, read_only = self.database.read_write, None  # noqa: N806  # a promised name
        self.session_makers: dict[str, Any] = {"read_write": Session}
        if read_only:
            self.session_makers["read_only"] = read_only
        self.at_least_one_model = at_least_one_model
        self.query = query
        self.writable = writable

    def parts(self) -> Sequence[Check]:
        """Return the checks of the engines of a database."""
        if self.database is None:
            return [self]
        self.name: str = f"db_{self.database.name}_read_write"
        self.suffix: str = "_read_write"
        return [self, _Replica(self.database, self)] if self.database.has_replica else [self]

    async def check(self) -> Result:
        """Query each engine."""
        if len(self.session_makers) == 1:
            return Result(payload=await self._query(next(iter(self.session_makers))))
        found = await asyncio.gather(*(caught(self._query(label)) for label in self.session_makers))
        states = dict(zip(self.session_makers, found, strict=True))
        errors = {label: state.error for label, state in states.items() if isinstance(state, Failure)}
        payload = {
            label: _state(state.error) if isinstance(state, Failure) else state
            for label, state in states.items()
        }
        if errors:
            raise JsonCheckError(f"Failed: {', '.join(errors)}", payload) from next(iter(errors.values()))
        return Result(payload=payload)

    async def _query(self, label: str) -> dict[str, Any]:
        async with self.session_makers[label]() as session:
            self._prepare(session)
            connection = await session.connection()
            self.doing = "waiting for the query"
            if self.writable and label == "read_write":
                await _require_writable(connection)
            profiled = _profiled(connection)
            if self.query is not None:
                return {"result": await _maybe_await(self.query(session)), **profiled}
            await self._ping(session, connection.dialect.name)
        return profiled

    async def _ping(self, session: Any, dialect: str) -> None:
        import sqlalchemy

        model = self.at_least_one_model
        if model is None:
            await session.execute(sqlalchemy.text(_TOUCH.get(dialect, "SELECT 1")))
            return
        statement = sqlalchemy.select(sqlalchemy.literal(1)).select_from(model).limit(1)
        if (await session.execute(statement)).first() is None:
            raise JsonCheckError(f"No record of {getattr(model, '__name__', model)} found")

    def _prepare(self, session: Any) -> None:
        """Read the password, to mask it, and note what the check is waiting for."""
        from sqlalchemy.exc import UnboundExecutionError

        self.doing = "waiting for a connection"
        try:
            engine = session.get_bind()
        except UnboundExecutionError:  # only models are bound: the engine is unknown before the query
            return
        password = engine.url.password
        if password:
            self.secrets: Sequence[str] = (str(password), urllib.parse.quote(str(password), safe=""))
        in_use = getattr(engine.pool, "checkedout", lambda: 0)()  # not all pools count
        if in_use:
            self.doing: str | None = f"waiting for a connection: {in_use} of the pool are in use"


class _Replica(SQLAlchemy):
    """The same of the replica of a database, and whether reads use it."""

    is_replaceable = True

    def __init__(self, database: db.Database, check: SQLAlchemy) -> None:
        super().__init__(database, check.tags, at_least_one_model=check.at_least_one_model, query=check.query)
        self.name, self.suffix = f"db_{database.name}_read_only", "_read_only"
        self.session_makers = {"read_only": database.read_only}
        self._why_not_read = database.watch_replica

    async def check(self) -> Result:
        result = await super().check()
        reason = self._why_not_read()
        if reason is None:
            return result
        return Result(
            status="warn", payload={**result.payload, "message": f"Reads use the primary: {reason}"}
        )


def _state(error: BaseException) -> dict[str, Any]:
    return {"error": type(error).__name__, "message": str(error)}


def _profiled(connection: Any) -> dict[str, Any]:
    """Tell that the SQL profiler is on, which makes each statement slower."""
    end = db.profiler().ends_at(connection.sync_engine)
    return {} if end is None else {"sql_profiler": {"expires": end.isoformat().replace("+00:00", "Z")}}


async def _require_writable(connection: Any) -> None:
    import sqlalchemy

    statement = _READ_ONLY.get(connection.dialect.name)
    if statement and (await connection.execute(sqlalchemy.text(statement))).scalar():
        raise JsonCheckError("The database is read-only")


async def _maybe_await(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
