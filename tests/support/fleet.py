"""A redis-server with processes that use the broadcast, and helpers to query them."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self

from c2casgiutils import broadcast, config, instances, redis_utils
from c2casgiutils.broadcast import BroadcastResponse, BroadcastUnavailable
from tests.support.member import Member
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.starting import start

PREFIX = "test_"
MEMBERS = 2


def configure(url: str, **more: Any) -> None:
    """Settings of the test's own process."""
    config.settings.redis.url = url
    config.settings.redis.broadcast_prefix = PREFIX
    for name, value in more.items():
        setattr(config.settings.redis, name, value)


def settings(url: str, **more: str) -> dict[str, str]:
    """The same as environment of another process, with a quick heartbeat."""
    return {
        "C2C__REDIS__URL": url,
        "C2C__REDIS__BROADCAST_PREFIX": PREFIX,
        "C2C__INSTANCES__HEARTBEAT": "1",
        **more,
    }


class Fleet:
    """A redis-server and member processes; tests may break them, and `mend` restores them."""

    def __init__(self) -> None:
        self.server = RedisServer()
        self.members: list[Member] = []

    def __enter__(self) -> Self:
        try:
            self.server.start()
            self.members = [self.create_member() for _ in range(MEMBERS)]
            for member in self.members:
                member.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def create_member(self) -> Member:
        return Member(**settings(self.server.url)).start()

    def mend(self) -> None:
        assert self.server.process is not None
        self.server.resume() if self.server.process.poll() is None else self.server.start()
        for index, member in enumerate(self.members):
            assert member.process is not None
            if member.process.poll() is None:
                member.signal(18)  # SIGCONT
            else:
                member.__exit__()
                self.members[index] = self.create_member()
        for member in self.members:
            member.wait_ready()

    @property
    def pids(self) -> set[int]:
        return {member.pid for member in self.members}

    @contextlib.asynccontextmanager
    async def joined(self, *, heartbeat_seconds: float | None = None) -> AsyncIterator[None]:
        """Let the test's own process join, without a handler."""
        broadcast.cleanup()
        configure(self.server.url)
        if heartbeat_seconds is not None:
            config.settings.instances.heartbeat = datetime.timedelta(seconds=heartbeat_seconds)
        await start()
        await eventually(lambda: complete(self.pids), seconds=30, what="a complete fleet")
        yield
        await leave()

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.__exit__()
        self.server.__exit__()


async def leave() -> None:
    """End the broadcast of the test's own process."""
    await broadcast.shutdown()
    broadcast.cleanup()
    await redis_utils.aclose()


async def who(seconds: float = 20) -> set[int]:
    """The processes that answer; a missing answer is an error."""
    answers = await broadcast.broadcast("who", expect_answers=True, timeout=seconds)
    assert answers is not None
    assert all(isinstance(answer, BroadcastResponse) for answer in answers), answers
    return {answer.payload for answer in answers if isinstance(answer, BroadcastResponse)}


async def complete(pids: set[int]) -> bool:
    """Return whether exactly these processes answer."""
    try:
        return await who(1) == pids and instances.currency() == "current"
    except (BroadcastUnavailable, AssertionError):
        return False


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the block takes longer."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    yield
    assert loop.time() - start < seconds


async def in_roster(condition: Callable[[list[instances.Instance]], bool]) -> bool:
    """Return whether the roster meets the condition."""
    return condition(await instances.roster())
