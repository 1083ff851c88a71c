"""The thread that answers for a blocked event loop, with each kind of Redis, and in the child of a fork."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import c2casgiutils
from c2casgiutils import broadcast, config, debug, instances
from c2casgiutils.tools._debug_stacks import QUESTION
from tests.support.fleet import PREFIX, configure
from tests.support.net import SOON_SECONDS, eventually
from tests.support.processes import RedisServer
from tests.support.redis_groups import ClusterGroup, SentinelGroup
from tests.support.starting import connected

THREADS = {"c2casgiutils-watchdog", "c2casgiutils-responder"}


class Neighbour:
    """Another event loop of this process, which counts as another process of the service."""

    def __init__(self) -> None:
        self.id = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="neighbour")

    async def _run(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with c2casgiutils.lifespan():
            self.id = instances.own_id()
            await self._ended.wait()

    def start(self) -> None:
        self._thread.start()

    @contextlib.contextmanager
    def blocked(self) -> Iterator[None]:
        """Block its event loop during a block."""
        assert self._loop is not None
        ended = threading.Event()
        self._loop.call_soon_threadsafe(ended.wait, SOON_SECONDS)
        try:
            yield
        finally:
            ended.set()

    def end(self) -> None:
        if self._loop is not None and self._ended is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()


@contextlib.asynccontextmanager
async def neighbour() -> AsyncIterator[Neighbour]:
    """Start it, and the test's own event loop."""
    broadcast.cleanup()
    other = Neighbour()
    async with c2casgiutils.lifespan():
        await connected()
        other.start()
        try:
            yield other
        finally:
            await asyncio.to_thread(other.end)


async def assert_answers_while_blocked(other: Neighbour) -> None:
    """It answers once with the line that blocks it, although its event loop does not."""

    async def are_two() -> bool:
        reply = await broadcast.ask("c2c_debug_stacks", _nothing, with_blocked=True)
        return bool(other.id) and reply.report.answered == 2 and reply.report.complete

    replies: list[Any] = []

    async def all_answer() -> bool:
        replies.append(await QUESTION.ask("all"))
        return bool(replies[-1].cluster.complete)

    await eventually(are_two, what="two event loops")
    with other.blocked():
        await asyncio.sleep(0.3)
        await eventually(all_answer, what="the answer of the watchdog, which has to connect")
    found = replies[-1]
    assert len(found.answers) == 2
    own = [w for a in found.answers for g in a.groups for w in g.where if w.instance == other.id]
    (main,) = [where for where in own if where.thread == "neighbour"]
    assert main.age_seconds is not None


async def _nothing() -> Any:
    raise NotImplementedError


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


async def test_one_redis(redis_server: RedisServer) -> None:
    """With a plain Redis, signed; the threads end with the event loops, within the time-out of Redis."""
    configure(redis_server.url, broadcast_secret="the secret of the test")  # for this test
    async with neighbour() as other:
        assert set(names()) >= THREADS
        await assert_answers_while_blocked(other)
        began = time.monotonic()
    assert time.monotonic() - began < SOON_SECONDS
    assert not THREADS & set(names())


async def test_another_start_of_the_broadcast(redis_server: RedisServer) -> None:
    """After a start of the broadcast that replaces a cancelled listener, the event loop is watched again."""
    configure(redis_server.url)
    broadcast.cleanup()

    async def is_seen() -> bool:
        return any(stall.ms > 200 for stall in debug.loop().stalls)

    async def is_connected() -> bool:
        with redis_server.client() as client:
            return bool(client.pubsub_numsub(f"{PREFIX}c2c_debug_stacks@deputies")[0][1] == 1)

    async with c2casgiutils.lifespan():
        (listener,) = [task for task in asyncio.all_tasks() if task.get_name() == "c2casgiutils-redis-link"]
        listener.cancel()
        await asyncio.wait([listener])
        await broadcast.startup()
        assert sorted(name for name in names() if name in THREADS) == sorted(THREADS)
        await eventually(is_connected, what="the connection of the new watchdog")
        await asyncio.sleep(0.2)
        time.sleep(0.5)  # noqa: ASYNC251  # what is watched
        await eventually(is_seen, what="the stall")


async def test_sentinel() -> None:
    """With Sentinel, the thread connects to the master that the event loop has found."""
    with contextlib.ExitStack() as stack:
        group = await asyncio.to_thread(stack.enter_context, SentinelGroup())
        config.settings.redis.sentinels = group.addresses
        config.settings.redis.servicename = "service"
        config.settings.redis.broadcast_prefix = PREFIX
        async with neighbour() as other:
            await assert_answers_while_blocked(other)


async def test_cluster() -> None:
    """With Cluster, the thread connects to the node that has the channels."""
    with contextlib.ExitStack() as stack:
        group = await asyncio.to_thread(stack.enter_context, ClusterGroup())
        configure(group.url, cluster=True)
        async with neighbour() as other:
            await assert_answers_while_blocked(other)


async def test_unix_socket(tmp_path: Path) -> None:
    """With a Unix socket."""
    path = tmp_path / "redis.sock"
    with RedisServer("--unixsocket", str(path)):
        configure(f"unix://{path}")
        async with neighbour() as other:
            await assert_answers_while_blocked(other)


FORK = """
import asyncio, os, sys, threading
import c2casgiutils
from c2casgiutils import config, debug

config.settings.redis.url = sys.argv[1]
config.settings.redis.broadcast_prefix = "test_"
config.settings.redis.broadcast_secret = "a secret of the test"

def names():
    found = {thread.name for thread in threading.enumerate()}
    return found & {"c2casgiutils-watchdog", "c2casgiutils-responder"}

async def child():
    before = names()
    async with c2casgiutils.lifespan():
        print("child", len(before), len(names()), debug.loop().stalls, flush=True)

async def parent():
    async with c2casgiutils.lifespan():
        pid = os.fork()
        if pid == 0:
            asyncio.events._set_running_loop(None)
            code = 1
            try:
                asyncio.run(child())
                code = 0
            finally:
                os._exit(code)
        status = await asyncio.to_thread(os.waitpid, pid, 0)
        print("parent", status[1], len(names()), flush=True)

asyncio.run(parent())
"""


async def test_fork(redis_server: RedisServer) -> None:
    """The child of a fork has no watchdog until its own start, and leaves that of its parent alone."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, redis_server.url),
        cwd=Path(__file__).parents[3],
        env={**os.environ, "C2C__HTTP": "True"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert out.decode().splitlines() == ["child 0 2 []", "parent 0 2"], err.decode()
