"""A second event loop in one process starts and ends everything for itself."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import broadcast, instances, prometheus
from c2casgiutils.broadcast import BroadcastResponse
from c2casgiutils.health_checks import FACTORY, Custom
from tests.support.fleet import configure
from tests.support.net import eventually, free_port
from tests.support.processes import RedisServer


async def in_thread(function: Callable[[], Any]) -> None:
    """Run a coroutine function on an event loop of its own, in a thread."""
    thread = threading.Thread(target=lambda: asyncio.run(function()))
    thread.start()
    await asyncio.to_thread(thread.join)


async def answers(channel: str) -> list[Any]:
    found = await broadcast.broadcast(channel, expect_answers=True, timeout=5)
    return [answer.payload for answer in found or [] if isinstance(answer, BroadcastResponse)]


@pytest.mark.parametrize("with_redis", [True, False], ids=["redis", "alone"])
async def test_second_loop_takes_nothing_from_the_first(
    redis_server: RedisServer, with_redis: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The first goes on when the second has come and gone, and the log says that there are two."""
    app = FastAPI()
    c2casgiutils.install(app, metrics=False)
    if with_redis:
        configure(redis_server.url, broadcast_secret="a secret of the test")
    c2casgiutils.config.settings.prometheus.port = port = free_port()
    runs: list[int] = []
    FACTORY.add(Custom(lambda: runs.append(1)), name="of both", every=0.2)

    async def where() -> str:
        return threading.current_thread().name

    await broadcast.subscribe("where", where)
    second = FastAPI()
    c2casgiutils.install(second, metrics=False)
    caplog.set_level(logging.WARNING, "c2casgiutils")
    try:
        async with app.router.lifespan_context(app):
            before = instances.own()

            async def start_and_end() -> None:
                async with second.router.lifespan_context(second):
                    assert threading.current_thread().name in await answers("where")

            caplog.clear()
            await in_thread(start_and_end)
            (warning,) = [record.getMessage() for record in caplog.records]
            assert "another event loop" in warning

            assert await answers("where") == ["MainThread"]
            assert broadcast.is_listening() is (True if with_redis else None)
            after = instances.own()
            assert (after.id, after.state, set(after.figures)) == (
                before.id,
                before.state,
                set(before.figures),
            )
            assert [instance.id for instance in await instances.roster()] == [before.id]
            number = len(runs)

            async def ran() -> bool:
                return len(runs) > number + 1

            await eventually(ran, what="runs in the background")
            assert [entry.in_background for entry in FACTORY.entries if entry.name == "of both"] == [True]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            assert reader is not None
    finally:
        FACTORY.clear()
        broadcast.cleanup()
        await asyncio.to_thread(prometheus.stop)
