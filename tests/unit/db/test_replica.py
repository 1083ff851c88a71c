"""A replica of which some connections fail and others do not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from c2casgiutils.db._replica import Replica
from tests.support.net import eventually


class RefusedSession(AsyncSession):
    """A session for which the server has no connection left."""

    async def connection(self, *_: Any, **__: Any) -> Any:
        raise sqlalchemy.exc.OperationalError("SELECT", None, Exception())


class Gate:
    """Holds the answers of a server back, one at a time."""

    def __init__(self) -> None:
        self._held = asyncio.Queue[asyncio.Event]()
        self._is_open = False

    def hold(self, connection: Any, *_: Any) -> None:
        connection.run_async(self._hold)

    async def _hold(self, _: Any) -> None:
        if not self._is_open:
            proceed = asyncio.Event()
            self._held.put_nowait(proceed)
            await proceed.wait()

    async def next(self) -> asyncio.Event:
        """Wait for an answer that is held back; set the event to let it through."""
        return await self._held.get()

    def open(self) -> None:
        self._is_open = True
        while not self._held.empty():
            self._held.get_nowait().set()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/replica.db")
    yield engine
    await engine.dispose()


async def test_an_answer_from_before_a_failure_is_no_return(engine: AsyncEngine) -> None:
    """A question that was under way when a checkout failed does not make the replica usable again."""
    gate = Gate()
    sqlalchemy.event.listen(engine.sync_engine.pool, "reset", gate.hold)
    states: list[bool] = []
    replica = Replica("default", engine, engine, max_lag=None, on_change=states.append)
    replica.watch()
    async with asyncio.timeout(30):
        answer = await gate.next()
        assert await replica.open(RefusedSession) is None
        answer.set()
        answer = await gate.next()
        at_next_question = [*states]
        answer.set()
        gate.open()

    async def is_up() -> bool:
        return replica.is_up

    await eventually(is_up, what="the replica is used again")
    await replica.aclose()
    assert at_next_question == [True, False]
    assert states == [True, False, True]
