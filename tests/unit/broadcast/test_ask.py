"""Ask the cluster, as one process that has nobody else to ask or cannot reach the others."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from c2casgiutils import broadcast, config, instances, redis_utils
from c2casgiutils.broadcast import BroadcastUnavailable, ClusterReport, FailedAnswer, MissingAnswer
from tests.support.net import free_port


async def _double(number: int = 0) -> int:
    return 2 * number


@pytest.fixture(autouse=True)
async def _clean() -> AsyncIterator[None]:
    broadcast.cleanup()
    yield
    await broadcast.shutdown()
    broadcast.cleanup()
    await redis_utils.aclose()


@pytest.fixture
async def unreachable() -> None:
    """The broadcast is started with a Redis that does not exist."""
    config.settings.redis.url = f"redis://127.0.0.1:{free_port()}"
    config.settings.redis.broadcast_prefix = "test_"
    await broadcast.startup()


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("subscribed", [False, True])
async def test_alone(started: bool, subscribed: bool) -> None:
    """Without Redis the process answers for itself, also when nothing was started or subscribed."""
    if started:
        await broadcast.startup()
    if subscribed:
        await broadcast.subscribe("double", _double)
    reply = await broadcast.ask("double", _double, {"number": 3})
    assert (reply.payloads, reply.report) == ([6], ClusterReport.alone())
    assert reply.report.result == "ok"


@pytest.mark.parametrize("subscribed", [False, True])
async def test_some_instances(subscribed: bool) -> None:
    """A process alone answers when it is one of them; the others have left."""
    if subscribed:
        await broadcast.subscribe("double", _double)
    own = instances.own().id
    reply = await broadcast.ask("double", _double, {"number": 3}, to=[own])
    assert (reply.payloads, reply.report) == ([6], ClusterReport.alone())
    reply = await broadcast.ask("double", _double, {"number": 3}, to=["web:1:x"])
    assert (reply.payloads, reply.report.asked, reply.report.complete) == ([], 1, False)
    assert reply.report.missing[0].model_dump() == {"hostname": "web", "pid": 1, "reason": "left"}


async def test_without_parameters() -> None:
    """The parameters may be left out."""
    assert (await broadcast.ask("double", _double)).payloads == [0]


async def test_failure_is_reported() -> None:
    """A handler that raises is a failed process with its error, never an exception of the caller."""

    async def broken() -> None:
        raise ValueError("no such thing")

    payloads, report = await broadcast.ask("broken", broken)
    assert payloads == []
    assert (report.asked, report.answered, report.complete, report.result) == (1, 0, False, "partial")
    assert [failed.error for failed in report.failed] == ["ValueError: no such thing"]


async def test_answer_of_another_type_is_a_failure() -> None:
    """What a handler returns is checked where the question says its type; the payloads are of it."""
    reply = await broadcast.ask("double", _double, {"number": 3}, answer=int)
    assert reply == ([6], ClusterReport.alone())
    payloads, report = await broadcast.ask("double", _double, {"number": 3}, answer=dict[str, int])
    assert (payloads, report.answered, report.complete) == ([], 0, False)
    assert "not of the expected type" in report.failed[0].error


async def test_silence_is_reported() -> None:
    """A handler that takes too long is a missing process."""

    async def slow() -> None:
        await asyncio.sleep(60)

    payloads, report = await broadcast.ask("slow", slow, timeout=0.1)
    assert (payloads, report.answered, len(report.missing), report.complete) == ([], 0, 1, False)


@pytest.mark.usefixtures("unreachable")
async def test_unreachable_redis() -> None:
    """With Redis unreachable a question is refused, unless it may be answered by this process alone."""
    called = []

    async def handler() -> str:
        called.append(1)
        return "here"

    await broadcast.subscribe("handler", handler)
    with pytest.raises(BroadcastUnavailable):
        await broadcast.ask("handler", handler)
    assert called == []
    payloads, report = await broadcast.ask("handler", handler, or_alone=True)
    assert payloads == ["here"]
    assert (report.asked, report.answered, report.complete, report.roster) == (1, 1, False, "stale")
    assert report.result == "partial"


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        pytest.param([], "ok", id="nobody"),
        pytest.param([MissingAnswer("web", 1)], "partial", id="missing"),
        pytest.param([FailedAnswer("web", 1, error="ValueError")], "partial", id="failed"),
    ],
)
def test_result(answers: list[MissingAnswer], result: str) -> None:
    """The audit tells a change that reached everybody from one that did not."""
    assert ClusterReport.of(answers).result == result
