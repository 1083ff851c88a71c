"""The local broadcaster."""

import pytest

from c2casgiutils import broadcast
from c2casgiutils.broadcast.local import LocalBroadcaster
from tests.support.broadcasting import Conformance

pytestmark = pytest.mark.usefixtures("local_broadcast")


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
