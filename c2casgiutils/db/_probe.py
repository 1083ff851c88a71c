"""Questions to a server that may never answer."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from c2casgiutils._tasks import Failure, caught, unwrapped

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_ANSWER_SECONDS = 2.0
_GIVE_UP_SECONDS = 10.0
_END_SECONDS = 1.0
_MOST_CANCELLATIONS = 3


async def end(task: "asyncio.Task[Any]") -> None:
    """Cancel a task until it ends: a driver goes on waiting for the server after the first time."""
    for _ in range(_MOST_CANCELLATIONS):
        if task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=_END_SECONDS)


class Probe:
    """A connection of its own to a server, beside the pool.

    One question is asked at a time: a server that hangs keeps one connection busy, and when it goes on, the
    answer is there.

    Args:
        engine: Of the server.
    """

    def __init__(self, engine: "AsyncEngine") -> None:
        self._engine = _apart_from(engine)
        self._task: asyncio.Task[Any] | None = None
        self._asked_at = 0.0
        self._is_suspect = False

    @property
    def is_suspect(self) -> bool:
        """Return whether `suspect` was called and no connection was made since."""
        return self._is_suspect

    def suspect(self) -> None:
        """Have the next question fail unless one more connection can be made: others could make none."""
        self._is_suspect = True

    async def ask(self, statement: str) -> Any:
        """Return the row of the answer.

        Raises:
            TimeoutError: No answer within 2 s.
            Exception: What the driver raised.
        """
        if self._task is None:
            self._asked_at = time.monotonic()
            self._task = asyncio.create_task(caught(self._ask(statement)))
        task = self._task
        await asyncio.wait({task}, timeout=_ANSWER_SECONDS)
        if not task.done():
            if time.monotonic() - self._asked_at > _GIVE_UP_SECONDS:
                task.cancel()
            raise TimeoutError(f"no answer within {_ANSWER_SECONDS:g} s")
        self._task = None
        if task.cancelled():
            raise TimeoutError(f"no answer within {_GIVE_UP_SECONDS:g} s")
        return unwrapped(task.result())

    async def _ask(self, statement: str) -> Any:
        async with self._engine.connect() as connection:
            if self._is_suspect:
                await self._connect_once_more()
                self._is_suspect = False
            return (await connection.exec_driver_sql(statement)).one()

    async def _connect_once_more(self) -> None:
        other = _apart_from(self._engine)
        try:
            await (await other.connect()).close()
        finally:
            await other.dispose()

    async def aclose(self) -> None:
        """End the question, and close the connection."""
        task, self._task = self._task, None
        if task is not None:
            # a connection that is cancelled while it is being made stays open until it is garbage
            await asyncio.wait({task}, timeout=_END_SECONDS)
            await end(task)
        await self._engine.dispose()


def _apart_from(engine: "AsyncEngine") -> "AsyncEngine":
    """Return an engine for the same server whose connections are not those of the other one."""
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(engine.url, pool=engine.sync_engine.pool.recreate())


async def give_back(task: "asyncio.Task[Any]", session: Any) -> None:
    """Wait for the checkout that nobody waits for any more, and return its connection to the pool."""
    try:
        await asyncio.wait({task}, timeout=_GIVE_UP_SECONDS)
    finally:
        await end(task)
        await caught(session.close())


def failure_of(task: "asyncio.Task[Any]") -> BaseException | None:
    """Return what a task that ran within `caught` raised."""
    result = task.result()
    return result.error if isinstance(result, Failure) else None
