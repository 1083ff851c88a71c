"""The check of Redis behind Sentinel."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from c2casgiutils import config, redis_utils
from c2casgiutils.health_checks import Factory, Redis
from tests.support.net import eventually
from tests.support.redis_groups import SentinelGroup


@pytest.fixture
async def group() -> AsyncIterator[SentinelGroup]:
    group = SentinelGroup()
    await asyncio.to_thread(group.__enter__)
    config.settings = config.Settings(redis={"sentinels": group.addresses, "servicename": "service"})
    yield group
    await redis_utils.aclose()
    await asyncio.to_thread(group.__exit__, None, None, None)


async def test_replica_and_sentinels(factory: Factory, group: SentinelGroup) -> None:
    """The payload contains what the sentinels know; an unreachable sentinel or replica is a warning."""
    factory.add(Redis(), ttl=0)

    async def passes() -> bool:
        return (await factory.check()).entities[0].status == "pass"

    await eventually(passes, what="the replica is in step")
    (entity,) = (await factory.check()).entities
    assert entity.payload["master"]["role"] == "master"
    assert entity.payload["slave"]["role"] == "slave"
    assert [state["num-slaves"] for state in entity.payload["sentinels"]] == [1, 1, 1]

    group.sentinels[2].kill()
    (entity,) = (await factory.check()).entities
    assert entity.status == "warn"
    assert ["error" in state for state in entity.payload["sentinels"]] == [False, False, True]

    group.replica.kill()

    async def warns() -> bool:
        (entity,) = (await factory.check()).entities
        return entity.status == "warn" and entity.status_code == 200

    await eventually(warns, what="a warning")
