"""Metrics of the databases; `prometheus_client` is loaded with the first one."""

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from c2casgiutils import config, request_tracking
from c2casgiutils.db._statements import verb_and_table

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram
    from sqlalchemy.ext.asyncio import AsyncEngine

_MAX_TABLES = 100
"""Maximum number of tables of a database with durations of their own; the others share `other`."""
_KEPT_STATEMENTS = 500
_STARTED = "c2casgiutils_started"


class _Metrics(NamedTuple):
    replica_up: "Gauge"
    connections: "Gauge"
    waits: "Counter"
    timeouts: "Counter"
    seconds: "Histogram"


@functools.cache
def _metrics(prefix: str) -> _Metrics:
    from prometheus_client import Counter, Gauge, Histogram

    name = f"{prefix}db_"
    of_pool = ["database", "engine"]
    return _Metrics(
        Gauge(
            f"{name}replica_up",
            "1 while reads use the replica, 0 while they use the primary",
            ["database"],
            multiprocess_mode="livemin",
        ),
        Gauge(
            f"{name}pool_connections",
            "Connections: the size of the pool, those in use, those beyond the size",
            [*of_pool, "state"],
            multiprocess_mode="livesum",
        ),
        Counter(f"{name}pool_waits", "Sessions that found all connections in use", of_pool),
        Counter(f"{name}pool_timeouts", "Sessions that waited in vain", of_pool),
        Histogram(
            f"{name}statement_duration_seconds",
            "Run time of the statements, failed ones too",
            ["database", "verb", "table"],
        ),
    )


def _current() -> _Metrics:
    return _metrics(config.settings.prometheus.prefix)


def set_replica_up(database: str, is_up: bool) -> None:
    """Note whether reads use the replica."""
    _current().replica_up.labels(database).set(is_up)


class EngineMetrics:
    """The metrics of one engine: of its pool and of its statements.

    Args:
        database: The name of the database.
        engine: `read_write` or `read_only`.
    """

    def __init__(self, database: str, engine: str) -> None:
        metrics = _current()
        labels = database, engine
        self.wait: Callable[[], None] = metrics.waits.labels(*labels).inc
        self.time_out: Callable[[], None] = metrics.timeouts.labels(*labels).inc
        self._size = metrics.connections.labels(*labels, "size")
        self._checked_out = metrics.connections.labels(*labels, "checked_out")
        self._overflow = metrics.connections.labels(*labels, "overflow")
        self._observer = _observer(database)
        self._limit = 0
        self._open = 0
        self._handlers = {
            "checkout": self._check_out,
            "checkin": self._check_in,
            "connect": self._connect,
            "close": self._close,
            "before_cursor_execute": self._start,
            "after_cursor_execute": self._end,
            "handle_error": self._fail,
        }

    def watch(self, engine: "AsyncEngine") -> None:
        """Measure from now on; engines derived from this one count too."""
        from sqlalchemy import event

        size = getattr(engine.sync_engine.pool, "size", None)  # not every kind of pool has one
        self._limit = size() if size is not None else 0
        self._size.inc(self._limit)
        for name, handler in self._handlers.items():
            event.listen(engine.sync_engine, name, handler)

    def end(self, engine: "AsyncEngine") -> None:
        """Measure no more, and take the pool out of the sum."""
        from sqlalchemy import event

        self._size.dec(self._limit)
        for name, handler in self._handlers.items():
            event.remove(engine.sync_engine, name, handler)

    def _check_out(self, *_: Any) -> None:
        self._checked_out.inc()

    def _check_in(self, *_: Any) -> None:
        self._checked_out.dec()

    def _connect(self, *_: Any) -> None:
        self._open += 1
        if self._open > self._limit:
            self._overflow.inc()

    def _close(self, *_: Any) -> None:
        if self._open > self._limit:
            self._overflow.dec()
        self._open -= 1

    def _start(self, connection: Any, *_: Any) -> None:
        connection.info[_STARTED] = time.perf_counter()

    def _end(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        started = connection.info.pop(_STARTED, None)
        if started is None:
            return
        seconds = time.perf_counter() - started
        self._observer(statement).observe(seconds)
        request = request_tracking.CURRENT.get()
        if request is not None:
            request.database_seconds += seconds

    def _fail(self, context: Any) -> None:
        connection = context.connection
        if connection is not None and not connection.invalidated and context.statement:
            self._end(connection, None, context.statement)


@functools.cache
def _observer(database: str) -> Any:
    """Return a function from a statement to its histogram; most statements come again and again."""
    tables: set[str] = set()
    seconds = _current().seconds

    @functools.lru_cache(maxsize=_KEPT_STATEMENTS)
    def histogram(statement: str) -> Any:
        verb, table = verb_and_table(statement)
        if table not in tables and len(tables) >= _MAX_TABLES:
            table = "other"
        tables.add(table)
        return seconds.labels(database, verb, table)

    return histogram
