"""Start, end, and start again: settings, event loops, forks, leaks."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from c2casgiutils import broadcast, config, instances, redis_utils
from c2casgiutils.broadcast import BroadcastUnavailable
from c2casgiutils.broadcast._current import current
from tests.support.broadcasting import payloads
from tests.support.fleet import configure, leave
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.starting import connected, start


async def _here() -> str:
    return "here"


@pytest.fixture(autouse=True)
async def _clean(redis_server: RedisServer) -> AsyncIterator[None]:
    broadcast.cleanup()
    configure(redis_server.url)
    yield
    await leave()


async def _answers(channel: str = "here") -> list[str]:
    return payloads(await broadcast.broadcast(channel, expect_answers=True, timeout=2))


async def test_startup_alone_is_a_full_start(redis_server: RedisServer) -> None:
    await start()
    with redis_server.client() as client:
        own = instances.own().id
        assert set(client.hgetall("test_instances")) == {own, f"{own}/static", "token", "rebuilt"}
        assert 0 < client.ttl("test_instances") <= 24 * 3600


async def test_startup_twice_does_nothing_the_second_time() -> None:
    await start()
    first = instances.own().id
    await asyncio.gather(broadcast.startup(), broadcast.startup())
    assert instances.own().id == first
    assert len(await instances.roster()) == 1


async def test_subscriptions_before_startup_move_to_redis(redis_server: RedisServer) -> None:
    await broadcast.subscribe("here", _here)
    call = await broadcast.decorate(_here, expect_answers=True)
    assert await _answers() == ["here"]
    await start()
    assert await _answers() == ["here"]
    assert payloads(await call()) == ["here"]
    with redis_server.client() as client:
        channels = client.pubsub_channels()
    assert {"test_here", f"test_c2c_decorated_{__name__}._here"} <= set(channels)


async def test_decorator_at_import(redis_server: RedisServer) -> None:
    """A function is decorated before the start, which subscribes it; later, the error says what to await."""

    @broadcast.decorator(expect_answers=True)
    async def twice(*, number: int) -> int:
        return 2 * number

    @broadcast.decorator("of_threads", expect_answers=True)
    def plain() -> str:
        return threading.current_thread().name

    assert payloads(await twice(number=1)) == [2]
    await start()
    with redis_server.client() as client:
        assert "test_of_threads" in client.pubsub_channels()
    assert payloads(await twice(number=2)) == [4]
    assert payloads(await plain()) != [threading.current_thread().name]
    with pytest.raises(TypeError, match="keyword arguments only"):
        await twice(1)  # type: ignore[call-arg]  # what is refused
    with pytest.raises(broadcast.BroadcastError, match="await subscribe or decorate for 'late'"):
        broadcast.decorator("late")(_here)
    with pytest.raises(ValueError, match="timeout"):
        broadcast.decorator(timeout=-1)


async def test_registrations_survive_shutdown_and_not_cleanup() -> None:
    await broadcast.subscribe("here", _here)
    await start()
    await broadcast.shutdown()
    assert await _answers() == ["here"]
    await start()
    assert await _answers() == ["here"]
    broadcast.cleanup()
    assert await broadcast.broadcast("here", expect_answers=True) == []


async def test_changed_url_is_used_after_the_cleanups(redis_server: RedisServer) -> None:
    await start()
    with RedisServer() as other:
        config.settings.redis.url = other.url
        broadcast.cleanup()
        redis_utils.cleanup()
        await start()
        with other.client() as client:
            assert client.exists("test_instances")
        config.settings.redis.url = None
        broadcast.cleanup()
        redis_utils.cleanup()
        await broadcast.startup()
        assert instances.scope() == "process"
        assert broadcast.is_listening() is None
        assert redis_utils.get() == (None, None, None)


async def test_shutdown_leaves_the_roster_and_no_connection(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        await start()
        own = instances.own().id
        await broadcast.shutdown()
        await broadcast.shutdown()
        assert client.hget("test_instances", own) is None
        await eventually(lambda: _count_clients(client, 1), what="no connection")
    assert await broadcast.broadcast("here", expect_answers=True) == []


async def _count_clients(client: object, number: int) -> bool:
    return len(client.client_list()) == number  # type: ignore[attr-defined]  # a Redis client


_TWO_LOOPS = """
import asyncio, sys
from c2casgiutils import broadcast, config, instances, redis_utils
from tests.support.starting import start
config.settings.redis.url = sys.argv[1]
config.settings.redis.broadcast_prefix = "test_"
config.settings.redis.broadcast_secret = "a secret of the test"

async def here():
    return "here"

async def ask():
    return [answer.payload for answer in await broadcast.broadcast("here", expect_answers=True, timeout=2)]

async def first():
    await broadcast.subscribe("here", here)
    await start()
    return await ask()

async def without_start():
    try:
        await ask()
    except broadcast.BroadcastUnavailable as error:
        return "startup() again" in str(error) and broadcast.is_listening() is False

async def last():
    await start()
    result = await ask()
    await redis_utils.get()[0].ping()
    await broadcast.shutdown()
    await redis_utils.aclose()
    return result

print(asyncio.run(first()), asyncio.run(without_start()), asyncio.run(last()))
"""

_FORK = """
import asyncio, os, sys
from c2casgiutils import broadcast, config, instances, redis_utils
from tests.support.starting import start
config.settings.redis.url = sys.argv[1]
config.settings.redis.broadcast_prefix = "test_"
config.settings.redis.broadcast_secret = "a secret of the test"

async def who():
    return os.getpid()

async def ask():
    return {answer.payload for answer in await broadcast.broadcast("who", expect_answers=True, timeout=2)}

async def child(parent, write):
    try:
        await ask()
    except broadcast.BroadcastUnavailable:
        pass
    else:
        return "no error"
    await start()
    result = await ask() == {os.getpid(), parent}
    os.write(write, b"answered" if result else b"wrong")
    await broadcast.shutdown()

async def parent():
    await broadcast.subscribe("who", who)
    await start()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        asyncio.events._set_running_loop(None)
        code = 1
        try:
            asyncio.run(child(os.getppid(), write))
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    text = await asyncio.to_thread(os.read, read, 100)
    status = await asyncio.to_thread(os.waitpid, pid, 0)
    print(text.decode(), status[1], len(await ask()))
    await broadcast.shutdown()
    await redis_utils.aclose()

asyncio.run(parent())
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [(_TWO_LOOPS, "['here'] True ['here']"), (_FORK, "answered 0 1")],
    ids=["second event loop", "fork after the start"],
)
async def test_another_loop_or_process_is_noticed(
    redis_server: RedisServer, script: str, expected: str
) -> None:
    """It is an error until `startup` is called there, and then all works; no warning, no task is left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", script),
        redis_server.url,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert (out.decode().strip(), err.decode()) == (expected, "")


async def test_cancelled_listener_is_noticed() -> None:
    await broadcast.subscribe("here", _here)
    await start()
    (listener,) = [task for task in asyncio.all_tasks() if task.get_name() == "c2casgiutils-redis-link"]
    listener.cancel()
    await asyncio.wait([listener])
    assert broadcast.is_listening() is False
    with pytest.raises(BroadcastUnavailable, match=r"startup\(\) again"):
        await _answers()
    await start()
    assert await _answers() == ["here"]


async def test_call_from_another_thread_is_an_error() -> None:
    await start()
    errors = []

    def call() -> None:
        try:
            asyncio.run(_answers())
        except BroadcastUnavailable as error:
            errors.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    await asyncio.to_thread(thread.join, 10)
    assert len(errors) == 1
    assert broadcast.is_listening()


async def test_second_event_loop_takes_nothing_from_the_first() -> None:
    """Two event loops of one process are two members of the cluster, each with its own connection."""
    await broadcast.subscribe("here", _here)
    await start()
    own = instances.own().id
    found: list[object] = []

    async def second() -> None:
        await start()
        found.extend([len(await _answers()), instances.own().id != own])
        await broadcast.shutdown()
        await redis_utils.aclose()

    await asyncio.to_thread(asyncio.run, second())
    assert found == [2, True]
    assert await _answers() == ["here"]
    assert [instance.id for instance in await instances.roster()] == [own]


async def test_thread_sees_the_process() -> None:
    """Code in a thread without an event loop reads the same state as the event loop."""
    await start()
    seen = await asyncio.to_thread(lambda: (instances.own().id, instances.scope(), broadcast.is_listening()))
    assert seen == (instances.own().id, "cluster", True)


async def test_cancelled_call_leaves_nothing() -> None:
    async def slow() -> None:
        await asyncio.sleep(60)

    await broadcast.subscribe("slow", slow)
    await start()
    for pause in (0, 0.05):
        call = asyncio.create_task(broadcast.broadcast("slow", expect_answers=True))
        await asyncio.sleep(pause)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    broadcaster = current()
    assert isinstance(broadcaster, broadcast.redis.RedisBroadcaster)
    assert not broadcaster._incoming.calls


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _links() -> int:
    gc.collect()
    return sum(isinstance(thing, broadcast.redis.RedisBroadcaster) for thing in gc.get_objects())


@pytest.mark.no_cover
@pytest.mark.usefixtures("small_heap")
async def test_fifty_starts_leave_nothing() -> None:
    await broadcast.subscribe("here", _here)
    await start()
    await broadcast.shutdown()
    await redis_utils.aclose()
    before = _descriptors(), len(asyncio.all_tasks()), _links()
    for _ in range(50):
        await start()
        assert await _answers() == ["here"]
        await broadcast.shutdown()
        await redis_utils.aclose()
    await asyncio.sleep(0.05)
    # Fewer is no leak: what another test left behind may be collected meanwhile.
    after = _descriptors(), len(asyncio.all_tasks()), _links()
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)


@pytest.mark.no_cover
@pytest.mark.usefixtures("small_heap")
async def test_many_broadcasts_leave_nothing() -> None:
    """Tasks, descriptors, channels and objects are as before; the long form is in the benchmark."""
    await broadcast.subscribe("here", _here)
    await start()

    async def many(number: int) -> tuple[int, int, int]:
        for _ in range(number // 100):
            await asyncio.gather(*(_answers() for _ in range(100)))
        await asyncio.sleep(0.05)
        gc.collect()
        return _descriptors(), len(asyncio.all_tasks()), len(gc.get_objects())

    await many(1000)
    before = await many(1000)
    after = await many(4000)
    grown = [now - then for now, then in zip(after, before, strict=True)]
    assert grown[0] <= 0, grown
    assert grown[1] <= 0, grown
    assert grown[2] < 500, grown


async def test_default_prefix_and_missing_secret_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    """One each, at the start."""
    config.settings.redis.broadcast_prefix = "broadcast_api_"
    await start()
    warned = [record.getMessage().split()[0] for record in caplog.records if "C2C__" in record.getMessage()]
    assert warned == ["C2C__REDIS__BROADCAST_PREFIX", "C2C__REDIS__BROADCAST_SECRET"]


async def test_services_with_other_prefixes_do_not_hear_each_other(redis_server: RedisServer) -> None:
    await broadcast.subscribe("here", _here)
    await start()
    config.settings.redis.broadcast_prefix = "other_"
    config.settings.redis.url = f"{redis_server.url}/5"
    stranger = broadcast.redis.RedisBroadcaster()
    await stranger.init()
    await connected(stranger)
    try:
        assert await stranger.broadcast("here", expect_answers=True) == []
    finally:
        await stranger.aclose()
