"""The listeners that record the statements of an engine; it has none while the profiler is off."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from c2casgiutils.db._profiler import _explain
from c2casgiutils.db._profiler._figures import Figures
from c2casgiutils.db._profiler._recording import Recording
from c2casgiutils.db._profiler._text import without_values

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_LOGGER = logging.getLogger(__name__)

_BEGUN = "c2casgiutils_profiler"


class Listener:
    """Records the statements of one engine, and of engines derived from it.

    The list of listeners must not change while SQLAlchemy goes through it. It waits there while a plan is
    fetched, so the removal waits until none is.

    Args:
        engine: The engine.
        database: The name of its database.
    """

    def __init__(self, engine: "Engine", database: str) -> None:
        self._database = database
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._recording: Recording | None = None
        self._is_attached = False
        self._explaining = 0
        self._handlers = {
            "before_cursor_execute": self._begin,
            "after_cursor_execute": self._end,
            "handle_error": self._fail,
        }

    def record(self, engine: "Engine", recording: Recording | None) -> None:
        """Record from now on, or with `None` no more.

        Args:
            engine: That of the constructor, which a listener does not keep alive.
            recording: Where the figures are kept.
        """
        from sqlalchemy import event

        self._recording = recording
        if self._explaining or self._is_attached is (recording is not None):
            return
        self._is_attached = recording is not None
        change: Callable[[Any, str, Any], None] = event.listen if self._is_attached else event.remove
        for name, handler in self._handlers.items():
            change(engine, name, handler)

    def _begin(self, connection: "Connection", _cursor: Any, statement: str, *_: Any) -> None:
        connection.info[_BEGUN] = time.perf_counter(), statement

    def _end(  # noqa: PLR0917  # as SQLAlchemy calls it
        self,
        connection: "Connection",
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        executemany: bool,
    ) -> None:
        begun = connection.info.pop(_BEGUN, None)
        recording = self._recording
        if begun is None or recording is None:
            return
        seconds = time.perf_counter() - begun[0]
        # of many rows in one statement the event has only the text for one
        sql = begun[1] if executemany else statement
        try:
            figures, text = self._add(recording, sql, seconds, max(cursor.rowcount, 0), is_error=False)
            if not recording.is_explaining or executemany:
                return
            question = _explain.Question(connection, cursor, sql, parameters, context, text)
            if question.can_be_asked() and recording.may_explain(figures.fingerprint):
                self._explain(question, figures, recording)
        except Exception:
            _LOGGER.exception("A statement could not be profiled")

    def _fail(self, context: Any) -> None:
        connection = context.connection
        if connection is None or connection.invalidated:
            return
        begun = connection.info.pop(_BEGUN, None)
        if begun is None or self._recording is None:
            return
        try:
            self._add(self._recording, begun[1], time.perf_counter() - begun[0], 0, is_error=True)
        except Exception:
            _LOGGER.exception("A statement could not be profiled")

    def _add(
        self, recording: Recording, sql: str, seconds: float, rows: int, *, is_error: bool
    ) -> tuple[Figures, Any]:
        text = without_values(sql, is_sqlite=self._is_sqlite)
        return recording.add(self._database, text, seconds, rows, is_error=is_error), text

    def _explain(self, question: "_explain.Question", figures: Figures, recording: Recording) -> None:
        self._explaining += 1
        try:
            figures.plan = _explain.fetch(question, analyze=recording.is_analyzing)
        finally:
            self._explaining -= 1
            if self._recording is None:
                asyncio.get_running_loop().call_soon(self._remove_late, question.connection.engine)

    def _remove_late(self, engine: "Engine") -> None:
        if self._recording is None:
            self.record(engine, None)
