"""The broadcaster with Redis, in one process."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from c2casgiutils import broadcast, config, redis_utils
from tests.support.broadcasting import Conformance, payloads
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.starting import start


@pytest.fixture(autouse=True)
async def _started(redis_server: RedisServer) -> AsyncIterator[None]:
    broadcast.cleanup()
    config.settings.redis.url = redis_server.url
    config.settings.redis.broadcast_prefix = "test_"
    await start()
    yield
    await broadcast.shutdown()
    broadcast.cleanup()
    await redis_utils.aclose()


class TestRedis(Conformance):
    """Everything that both broadcasters do."""


async def test_standing_event_loop_loses_no_answer() -> None:
    """What arrived while the loop stood still counts, though the time is over."""

    async def blocking() -> str:
        time.sleep(0.6)  # noqa: ASYNC251  # the block is the test
        return "late"

    await broadcast.subscribe("blocking", blocking)
    answers = await broadcast.broadcast("blocking", expect_answers=True, timeout=0.4)
    assert payloads(answers) == ["late"]


async def test_replayed_message_is_dropped(redis_server: RedisServer) -> None:
    calls = []

    async def handler(number: int) -> None:
        calls.append(number)

    await broadcast.subscribe("replay", handler)
    with redis_server.client() as client, client.pubsub() as recorder:
        recorder.subscribe("test_replay")
        await broadcast.broadcast("replay", {"number": 1})
        messages: list[str] = []
        while not messages:
            message = recorder.get_message(timeout=1)
            messages += [message["data"]] if message and message["type"] == "message" else []
        before = _sample("dropped")
        for _ in range(5):
            client.publish("test_replay", messages[0])
    await broadcast.broadcast("replay", {"number": 2}, expect_answers=True)
    assert calls == [1, 2]
    assert _sample("dropped") == before + 5


async def test_metrics_tell_what_happened() -> None:
    async def good() -> int:
        return 1

    async def bad() -> None:
        raise ValueError

    async def slow() -> None:
        await asyncio.sleep(60)

    names = ("sent", "received", "answers", "missing", "failed", "handler_failures")
    before = [_sample(name) for name in names]
    for handler, seconds in ((good, 30), (bad, 30), (slow, 0.2)):
        await broadcast.subscribe("metrics", handler)
        await broadcast.broadcast("metrics", expect_answers=True, timeout=seconds)
    assert [_sample(name) - old for name, old in zip(names, before, strict=True)] == [3, 3, 1, 1, 1, 1]
    assert REGISTRY.get_sample_value("c2casgiutils_broadcast_listener_connected") == 1
    await broadcast.shutdown()
    assert REGISTRY.get_sample_value("c2casgiutils_broadcast_listener_connected") == 0


def _sample(name: str) -> float:
    return REGISTRY.get_sample_value(f"c2casgiutils_broadcast_{name}_total") or 0


async def test_five_hundred_calls_at_once_use_one_connection(redis_server: RedisServer) -> None:
    async def handler() -> int:
        return 1

    await broadcast.subscribe("many", handler)
    calls = [broadcast.broadcast("many", expect_answers=True) for _ in range(500)]
    assert [payloads(answers) for answers in await asyncio.gather(*calls)] == [[1]] * 500
    with redis_server.client() as client:
        assert len([c for c in client.client_list() if c["sub"] != "0"]) == 1


async def test_refused_messages_are_counted() -> None:
    """2,000 slow ones and more than the queue takes, without answers."""
    release = asyncio.Event()

    async def slow() -> None:
        await release.wait()

    await broadcast.subscribe("slow", slow)
    before = _sample("refused")
    for _ in range(10):  # all at once, a slow machine would lose the connection
        await asyncio.gather(*(broadcast.broadcast("slow") for _ in range(500)))

    async def refused() -> bool:
        return _sample("refused") == before + 904

    await eventually(refused, what="the refusals")
    release.set()
