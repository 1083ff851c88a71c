"""The local broadcaster."""

from collections.abc import AsyncIterator

import pytest

from c2casgiutils import broadcast
from c2casgiutils.broadcast.local import LocalBroadcaster
from tests.support.broadcasting import Conformance


@pytest.fixture(autouse=True)
async def _started() -> AsyncIterator[None]:
    broadcast.cleanup()
    await broadcast.startup()
    yield
    await broadcast.shutdown()
    broadcast.cleanup()


class TestLocal(Conformance):
    """Everything that both broadcasters do."""


async def test_subscribers_are_told() -> None:
    async def handler() -> None: ...

    broadcaster = LocalBroadcaster()
    await broadcaster.subscribe("channel", handler)
    assert broadcaster.get_subscribers() == {"channel": handler}


async def test_a_quick_handler_is_done_when_the_call_returns() -> None:
    called = []

    async def handler() -> None:
        called.append(1)

    await broadcast.subscribe("channel", handler)
    await broadcast.broadcast("channel")
    assert called == [1]
