"""The connection of the broadcast, seen from below."""

import asyncio

import pytest

from c2casgiutils import redis_utils
from c2casgiutils.redis_utils._link import Link, LinkDownError
from tests.support.fleet import configure
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.proxy import Proxy


async def _up() -> None: ...


def _create(messages: list[tuple[str, bytes]], check_seconds: float = 0.3) -> Link:
    return Link(
        redis_utils.create_link_connection,
        on_message=lambda channel, data: messages.append((channel, data)),
        on_up=_up,
        check_seconds=check_seconds,
    )


async def test_half_open_connection_is_replaced(redis_server: RedisServer) -> None:
    """A peer that swallows everything without closing is noticed by the check."""
    async with Proxy(redis_server.port) as proxy:
        configure(f"redis://127.0.0.1:{proxy.port}")
        link = _create([])
        link.start()
        assert await link.wait_up(5)
        proxy.swallow = True

        async def down() -> bool:
            return not link.is_up

        await eventually(down, seconds=20, what="the loss")
        proxy.swallow = False
        assert await link.wait_up(12)
        await link.aclose()
    await redis_utils.aclose()


async def test_replies_and_messages_share_the_connection(redis_server: RedisServer) -> None:
    configure(redis_server.url)
    messages: list[tuple[str, bytes]] = []
    link = _create(messages)
    await link.subscribe("test_a", "test_b")
    link.start()
    assert await link.wait_up(5)

    async def ask(number: int) -> None:
        replies = await link.execute(
            ("PUBLISH", "test_a", number), ("ECHO", number), ("HGETALL", "nothing"), ("NO-SUCH-COMMAND",)
        )
        assert replies[:3] == [1, str(number).encode(), {}]
        assert isinstance(replies[3], Exception)

    await asyncio.gather(*(ask(number) for number in range(500)), link.subscribe("test_c"))
    await link.unsubscribe("test_b")
    assert (await link.execute(("PUBLISH", "test_c", "x"), ("PUBLISH", "test_b", "x")))[:2] == [1, 0]
    assert sorted(int(data) for channel, data in messages if channel == "test_a") == list(range(500))
    assert ("test_c", b"x") in messages
    await link.aclose()
    await redis_utils.aclose()


async def test_another_event_loop_is_refused(redis_server: RedisServer) -> None:
    """Such as that of a second test client in the same process: it would wait for ever."""
    configure(redis_server.url)
    link = _create([])
    link.start()
    assert await link.wait_up(5)
    with pytest.raises(LinkDownError, match="another event loop"):
        await asyncio.to_thread(lambda: asyncio.run(link.execute(("ECHO", "x"))))
    assert await link.execute(("ECHO", "y")) == [b"y"]
    await link.aclose()
    await redis_utils.aclose()


async def test_too_many_waiting_commands_are_refused(redis_server: RedisServer) -> None:
    configure(redis_server.url)
    link = _create([])
    link.start()
    assert await link.wait_up(5)

    def flood() -> None:
        for _ in range(30_000):
            link.send(("PING",))

    with pytest.raises(LinkDownError, match="too many"):
        flood()
    await eventually(lambda: _works(link), what="a reply")
    await link.aclose()
    await redis_utils.aclose()


async def _works(link: Link) -> bool:
    try:
        return await link.execute(("PING",)) == [b"PONG"]
    except LinkDownError:
        return False
