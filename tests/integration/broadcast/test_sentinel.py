"""Redis with Sentinel: a master, a replica, three sentinels, and a process beside the test's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from c2casgiutils import broadcast, config, redis_utils
from tests.support.fleet import PREFIX, complete, leave, who, within
from tests.support.member import Member
from tests.support.net import SOON_SECONDS, eventually, free_port, wait_for
from tests.support.redis_groups import SentinelGroup


def _configure(addresses: str) -> None:
    config.settings.redis.sentinels = addresses
    config.settings.redis.servicename = "service"
    config.settings.redis.broadcast_prefix = PREFIX


@pytest.fixture
async def joined() -> AsyncIterator[tuple[SentinelGroup, set[int]]]:
    with contextlib.ExitStack() as stack:
        group = await asyncio.to_thread(stack.enter_context, SentinelGroup())
        env = {
            "C2C__REDIS__SENTINELS": group.addresses,
            "C2C__REDIS__SERVICENAME": "service",
            "C2C__REDIS__BROADCAST_PREFIX": PREFIX,
        }
        member = stack.enter_context(Member(**env))
        broadcast.cleanup()
        _configure(group.addresses)
        await asyncio.to_thread(member.wait_ready)
        await broadcast.startup()
        await eventually(lambda: complete({member.pid}), what="all answers")
        yield group, {member.pid}
        await leave()


async def test_master_killed(joined: tuple[SentinelGroup, set[int]]) -> None:
    """All works again soon after the sentinels have switched, also the clients of `redis_utils`."""
    group, pids = joined
    master, slave, sentinel = redis_utils.get()
    assert master is not None
    assert slave is not None
    assert sentinel is not None
    await master.set("key", "value")
    group.master.kill()
    await asyncio.to_thread(
        wait_for, lambda: group.sentinels[0].master_port == group.replica.port, seconds=30, what="a switch"
    )
    await eventually(lambda: complete(pids), what="all answers after the switch")
    await master.set("key", "other value")
    with group.replica.client() as client:
        assert client.get("key") == "other value"
        assert sum(client.execute_command("PUBSUB", "NUMSUB", f"{PREFIX}who")[1::2]) == 1


async def test_master_demoted_and_still_alive(joined: tuple[SentinelGroup, set[int]]) -> None:
    """The subscriptions move to the new master, though the old one closes no connection of subscribers."""
    group, pids = joined
    await asyncio.to_thread(group.sentinels[0].ask, "SENTINEL", "FAILOVER", "service")
    await asyncio.to_thread(
        wait_for, lambda: group.sentinels[0].master_port == group.replica.port, seconds=30, what="a switch"
    )

    def moved() -> bool:
        with group.replica.client() as client:
            return bool(sum(client.execute_command("PUBSUB", "NUMSUB", f"{PREFIX}who")[1::2]) == 1)

    await asyncio.to_thread(wait_for, moved, seconds=10, what="the subscriptions on the new master")
    await eventually(lambda: complete(pids), what="all answers")


async def test_sentinels_gone_while_the_master_lives(joined: tuple[SentinelGroup, set[int]]) -> None:
    group, pids = joined
    for sentinel in group.sentinels:
        sentinel.kill()
    group.replica.kill()
    for _ in range(5):
        assert await who() == pids
        await asyncio.sleep(0.3)


async def test_sentinels_away_at_start() -> None:
    broadcast.cleanup()
    _configure(f"127.0.0.1:{free_port()},[::1]:{free_port()}")
    with within(SOON_SECONDS):
        await broadcast.startup()
    assert broadcast.is_listening() is False
    await leave()
