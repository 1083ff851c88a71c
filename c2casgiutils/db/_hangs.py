"""A server that hangs: stopped, or behind a network that loses everything without saying so.

Neither a driver nor `statement_timeout` ends a query then, as nothing arrives. How long a query may take is
not known here, so a server that answers another question is left alone.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from typing import TYPE_CHECKING, Any

from c2casgiutils._tasks import Failure, caught
from c2casgiutils.db._probe import Probe
from c2casgiutils.request_tracking import create_detached_task

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_LOGGER = logging.getLogger(__name__)

_PATIENCE_SECONDS = 5.0
"""How long a connection is in use before the server is asked, and how often it is asked then."""
_QUESTIONS = 2
_QUESTION = "SELECT 1"


class HangWatch:
    """Cuts the connections of one engine to a PostgreSQL server that hangs; who waits for them gets an error.

    It does nothing while no connection is in use for long. The server hangs if it gives no answer to two
    questions on a connection of their own, which takes 4 s.

    Args:
        name: Of the engine, in the log.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._probe: Probe | None = None
        self._open: dict[int, Any] = {}
        self._since: dict[int, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._handlers = {"checkout": self._check_out, "checkin": self._check_in, "close": self._close}

    def prepare(self, engine: "AsyncEngine") -> None:
        """Create the connection for questions, before anything listens to the pool of the engine."""
        if engine.dialect.name == "postgresql":
            self._probe = Probe(engine)

    def watch(self, engine: "AsyncEngine") -> None:
        """Begin to watch."""
        from sqlalchemy import event

        if self._probe is not None:
            for name, handler in self._handlers.items():
                event.listen(engine.sync_engine, name, handler)

    async def aclose(self, engine: "AsyncEngine") -> None:
        """End the watching."""
        from sqlalchemy import event

        if self._probe is None:
            return
        probe, self._probe = self._probe, None
        for name, handler in self._handlers.items():
            event.remove(engine.sync_engine, name, handler)
        if self._timer is not None:
            self._timer.cancel()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await probe.aclose()

    def begin(self, key: object) -> None:
        """Note that somebody waits for a connection of the pool, which may be tested first."""
        if self._probe is None:
            return
        self._since[id(key)] = time.monotonic()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._look)

    def end(self, key: object) -> None:
        """Note that the waiting has ended."""
        self._since.pop(id(key), None)

    def _check_out(self, dbapi_connection: Any, *_: Any) -> None:
        self._open[id(dbapi_connection)] = dbapi_connection
        self.begin(dbapi_connection)

    def _check_in(self, dbapi_connection: Any, *_: Any) -> None:
        self._since.pop(id(dbapi_connection), None)

    def _close(self, dbapi_connection: Any, *_: Any) -> None:
        self._open.pop(id(dbapi_connection), None)
        self.end(dbapi_connection)

    def _look(self) -> None:
        """Ask the server if a connection is in use for long, and look again later while any is in use."""
        self._timer = None
        if self._probe is None or not self._since:
            return
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._look)
        is_long = time.monotonic() - min(self._since.values()) >= _PATIENCE_SECONDS
        if is_long and (self._task is None or self._task.done()):
            self._task = create_detached_task(self._ask(self._probe))

    async def _ask(self, probe: Probe) -> None:
        for _ in range(_QUESTIONS):
            result = await caught(probe.ask(_QUESTION))
            if not isinstance(result, Failure) or not isinstance(result.error, TimeoutError):
                await caught(probe.aclose())  # keeps no connection of the server
                return
        _LOGGER.warning(
            "The database %s does not answer: its %d connections are closed", self._name, len(self._open)
        )
        for dbapi_connection in list(self._open.values()):
            with contextlib.suppress(Exception):  # each driver has its own error for one that is closed
                _cut(dbapi_connection.driver_connection)


def _cut(connection: Any) -> None:
    """End a connection of a driver that waits for the server, which then raises an error."""
    terminate = getattr(connection, "terminate", None)
    if terminate is not None:  # asyncpg
        terminate()
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
