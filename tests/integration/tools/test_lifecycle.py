"""Start and end with a real Redis: in time, once, completely, and again on another event loop."""

import asyncio
import logging
import time

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import broadcast, config, instances, redis_utils
from c2casgiutils._app import create_app
from tests.support.net import SOON_SECONDS, eventually, free_port
from tests.support.processes import RedisServer
from tests.support.starting import connected


def use_redis(url: str) -> None:
    config.settings.redis = config.settings.redis.model_copy(
        update={"url": url, "broadcast_prefix": "tests_of_the_lifecycle_"}
    )


def connections(server: RedisServer) -> int:
    with server.client() as client:
        return len(client.client_list()) - 1


async def test_start_and_end(redis_server: RedisServer) -> None:
    """While it runs the process is in the roster; at the end no connection and no task is left."""
    use_redis(redis_server.url)
    tasks = asyncio.all_tasks()
    before = connections(redis_server)
    async with c2casgiutils.lifespan(FastAPI(title="The service")):
        await connected()
        assert broadcast.is_listening()
        (found,) = await instances.roster()
        # ready once the server, which is not there, has the application start
        assert (found.application, found.state) == ("The service", "starting")
    assert asyncio.all_tasks() == tasks

    async def closed() -> bool:
        return connections(redis_server) == before

    await eventually(closed, what="all connections closed")


async def test_started_once(redis_server: RedisServer) -> None:
    use_redis(redis_server.url)
    async with c2casgiutils.lifespan():
        await connected()
        (first,) = await instances.roster()
        await asyncio.gather(*(c2casgiutils.startup() for _ in range(5)))
        (second,) = await instances.roster()
        assert first.id == second.id


def test_again_on_another_event_loop(redis_server: RedisServer) -> None:
    """Also when the first loop ended without a shutdown."""
    use_redis(redis_server.url)

    async def start_and_end() -> bool | None:
        async with c2casgiutils.lifespan():
            await connected()
            return broadcast.is_listening()

    assert asyncio.run(start_and_end())
    assert asyncio.run(start_and_end())


@pytest.mark.parametrize("times", [20])
async def test_many_times(redis_server: RedisServer, times: int) -> None:
    use_redis(redis_server.url)
    before = connections(redis_server)
    for _ in range(times):
        async with c2casgiutils.lifespan():
            pass

    async def closed() -> bool:
        return connections(redis_server) == before

    await eventually(closed, what="all connections closed")


@pytest.mark.parametrize("starts_broadcast", [True, False])
async def test_parts_that_were_started_alone_are_ended(
    redis_server: RedisServer, starts_broadcast: bool
) -> None:
    """As a script does with `cli.init`, or with a Redis client only."""
    use_redis(redis_server.url)
    before = connections(redis_server)
    if starts_broadcast:
        await broadcast.startup()
    client = redis_utils.get()[0]
    assert client is not None
    await client.ping()
    await c2casgiutils.shutdown()

    async def closed() -> bool:
        return connections(redis_server) == before

    await eventually(closed, what="all connections closed")


async def test_starts_anew_after_the_cleanups(redis_server: RedisServer) -> None:
    """With the settings of then, in tests of applications say."""
    await c2casgiutils.startup()
    assert broadcast.is_listening() is None
    use_redis(redis_server.url)
    broadcast.cleanup()
    redis_utils.cleanup()
    await c2casgiutils.startup()
    await connected()
    assert broadcast.is_listening()
    await c2casgiutils.shutdown()


async def test_redis_away_at_start() -> None:
    """The start takes a second at most, and the views answer."""
    use_redis(f"redis://127.0.0.1:{free_port()}")
    main = FastAPI()
    main.mount("/c2c", create_app())
    started = time.monotonic()
    async with c2casgiutils.lifespan(main):
        assert time.monotonic() - started < SOON_SECONDS
        transport = httpx.ASGITransport(main)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            assert (await client.get("/c2c/")).status_code == 200


async def test_a_failing_step_does_not_keep_the_others_from_ending(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    use_redis(redis_server.url)
    await c2casgiutils.startup()
    client = redis_utils.get()[0]
    assert client is not None

    async def fail() -> None:
        raise RuntimeError("cannot close")

    from c2casgiutils import _app

    steps = _app._LIFECYCLES.get()._steps
    assert steps is not None
    steps.push_async_callback(_app._guarded, fail)
    caplog.set_level(logging.ERROR, logger="c2casgiutils")
    await c2casgiutils.shutdown()
    assert "A step of the shutdown failed" in caplog.text
    assert not broadcast.is_listening()


def test_an_unfinished_loop_is_noticed(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    config.settings.redis = config.settings.redis.model_copy(update={"url": None})

    async def run() -> None:
        await c2casgiutils.startup()

    asyncio.run(run())
    caplog.set_level(logging.WARNING, logger="c2casgiutils")
    asyncio.run(run())
    asyncio.run(c2casgiutils.shutdown())
    assert "The event loop ended without a shutdown" in caplog.text
