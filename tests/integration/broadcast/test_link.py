"""The connection of the broadcast, seen from below."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from c2casgiutils import redis_utils
from c2casgiutils.redis_utils._link import REPLY_SECONDS, Link, LinkDownError, ReplyError
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


@asynccontextmanager
async def _linked(url: str, messages: list[tuple[str, bytes]] | None = None) -> AsyncIterator[Link]:
    """A link that is up and checks itself rarely."""
    configure(url)
    link = _create([] if messages is None else messages, check_seconds=60)
    link.start()
    try:
        assert await link.wait_up(30), link.last_error
        yield link
    finally:
        await link.aclose()
        await redis_utils.aclose()


async def _client_id(link: Link) -> int:
    (client_id,) = await link.execute(("CLIENT", "ID"))
    return int(client_id)


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


async def test_who_got_no_reply_can_wait_for_the_next_connection(redis_server: RedisServer) -> None:
    """The link is down as soon as a command fails: whoever tries again at once does not fail at once."""
    async with _linked(redis_server.url) as link:
        redis_server.pause()
        with pytest.raises(LinkDownError, match="did not reply"):
            await link.execute(("PING",))
        assert not link.is_up
        redis_server.resume()
        assert await link.wait_up(30)
        assert await link.execute(("PING",)) == [b"PONG"]


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
    """A call from another event loop, such as that of a second test client, would wait forever."""
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


@pytest.mark.parametrize(
    "text",
    [
        *(
            "NOPERM no rights",
            "MOVED 1 127.0.0.1:1",
            "READONLY a replica",
            "LOADING the data",
            "BUSY a script",
        ),
        *("NOAUTH first", "OOM full", "MASTERDOWN gone", "ERR max number of clients reached", "ERR syntax"),
    ],
)
async def test_error_is_a_reply_with_its_code(redis_server: RedisServer, text: str) -> None:
    """Whatever redis-py makes of it elsewhere, the connection goes on and replies fit their commands."""
    async with _linked(redis_server.url) as link:
        before = await _client_id(link)
        error, echo = await link.execute(
            ("EVAL", "return redis.error_reply(ARGV[1])", 0, text), ("ECHO", "next")
        )
        assert isinstance(error, ReplyError)
        assert str(error) == text
        assert error.code == text.partition(" ")[0]
        assert echo == b"next"
        assert await _client_id(link) == before


async def test_refused_subscription_is_a_reply_error(redis_server: RedisServer) -> None:
    """The error of a command that is confirmed by a push takes the place of the push."""
    async with _linked(redis_server.url) as link:
        with redis_server.client() as client:
            client.execute_command("ACL", "SETUSER", "default", "resetchannels", "&test_good")
        try:
            with pytest.raises(ReplyError, match="NOPERM"):
                await link.subscribe("test_bad")
            await link.subscribe("test_good")
        finally:
            with redis_server.client() as client:
                client.execute_command("ACL", "SETUSER", "default", "allchannels")


async def test_silence_longer_than_the_socket_timeout_is_no_loss(redis_server: RedisServer) -> None:
    configure(redis_server.url, options={"socket_timeout": 0.2})
    async with _linked(redis_server.url) as link:
        before = await _client_id(link)
        await asyncio.sleep(1)
        assert await _client_id(link) == before


async def test_lost_connection_fails_what_waits_and_is_replaced_once(redis_server: RedisServer) -> None:
    """Commands that are sent around the loss fail as unreachable."""
    async with Proxy(redis_server.port) as proxy, _linked(f"redis://127.0.0.1:{proxy.port}") as link:
        lost = await _client_id(link)
        waiting = link.send(("BLPOP", "test_never", 0))
        with redis_server.client() as client:
            client.client_kill_filter(_id=str(lost))
        problems: list[str] = []
        while link.is_up:
            try:
                await link.execute(("INCR", "test_count"), seconds=1)
            except LinkDownError as error:
                problems.append(str(error))
        with pytest.raises(LinkDownError, match="unreachable"):
            await waiting
        assert problems
        assert all("unreachable" in problem for problem in problems)
        assert await link.wait_up(10)
        assert await _client_id(link) != lost
        assert proxy.connections == 2


async def test_redis_py_does_not_connect_by_itself(redis_server: RedisServer) -> None:
    """Its own new connection would have no subscriptions, and other replies to come."""
    async with Proxy(redis_server.port) as proxy, _linked(f"redis://127.0.0.1:{proxy.port}") as link:
        assert link._wire is not None
        await link._wire.connection.disconnect(nowait=True)
        with pytest.raises(LinkDownError):
            await link.execute(("INCR", "test_count"))
        assert await link.wait_up(10)
        assert proxy.connections == 2


async def test_reply_may_arrive_slowly(redis_server: RedisServer) -> None:
    """A connection on which bytes arrive is alive, however long the rest of the reply takes.

    Tried again when a busy machine let nothing arrive for longer than that.
    """
    long = b"x" * 1_500_000
    async with (
        Proxy(redis_server.port, delay=0.15) as proxy,
        _linked(f"redis://127.0.0.1:{proxy.port}") as link,
    ):
        for _ in range(5):
            with contextlib.suppress(LinkDownError):
                assert await link.wait_up(30), link.last_error
                before = await _client_id(link)
                started = time.monotonic()
                assert await link.execute(("ECHO", long), seconds=60) == [long]
                assert time.monotonic() - started > REPLY_SECONDS
                assert await _client_id(link) == before
                return
    pytest.fail("no reply arrived")


async def test_many_messages_at_once_are_all_read(redis_server: RedisServer) -> None:
    messages: list[tuple[str, bytes]] = []
    async with _linked(redis_server.url, messages) as link:
        await link.subscribe("test_many")
        with redis_server.client() as client, client.pipeline(transaction=False) as pipeline:
            for number in range(5000):
                pipeline.publish("test_many", number)
            pipeline.execute()  # the event loop stands still meanwhile
        await eventually(lambda: _has(messages, 5000), what="all messages")
        assert [int(data) for _, data in messages] == list(range(5000))


async def _has(messages: list[tuple[str, bytes]], number: int) -> bool:
    return len(messages) >= number


async def test_what_was_sent_before_the_end_is_written(redis_server: RedisServer) -> None:
    async with _linked(redis_server.url) as link:
        link.send(("SET", "test_last", "word"))
        await link.aclose()
        with redis_server.client() as client:

            async def is_written() -> bool:
                return bool(client.get("test_last") == "word")

            await eventually(is_written, what="the last command")


async def test_server_that_never_greets_is_named(redis_server: RedisServer) -> None:
    async with Proxy(redis_server.port) as proxy:
        proxy.swallow = True
        configure(f"redis://127.0.0.1:{proxy.port}")
        link = _create([])
        link.start()

        async def is_named() -> bool:
            return "no connection within 5 s" in link.last_error

        await eventually(is_named, seconds=20, what="the reason")
        with pytest.raises(LinkDownError, match=r"unreachable .*no connection"):
            link.send(("PING",))
        await link.aclose()
    await redis_utils.aclose()
