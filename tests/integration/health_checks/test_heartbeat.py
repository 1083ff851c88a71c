"""What other processes learn of a check that changes."""

import datetime

from fastapi import FastAPI

from c2casgiutils import broadcast, config, health_checks, instances
from c2casgiutils.health_checks import FACTORY, Wrong
from tests.support.fleet import configure, leave
from tests.support.net import eventually
from tests.support.processes import RedisServer


async def test_a_change_does_not_wait_for_the_next_heartbeat(redis_server: RedisServer) -> None:
    """Whichever process is asked tells the same at once, although heartbeats are an hour apart."""
    broadcast.cleanup()
    configure(redis_server.url)
    config.settings.instances.heartbeat = datetime.timedelta(hours=1)
    await broadcast.startup(FastAPI())
    try:
        await health_checks.startup()
        FACTORY.add(Wrong(), name="broken")
        await FACTORY.check()
        own = instances.own_id()
        with redis_server.client() as client:

            async def told() -> bool:
                return '"checks":"f' in str(client.hget("test_instances", own))

            await eventually(told, what="the failure in Redis")
    finally:
        FACTORY.clear()
        await health_checks.shutdown()
        await leave()
