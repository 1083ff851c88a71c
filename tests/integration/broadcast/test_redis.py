"""The broadcaster with Redis, in one process."""

from collections.abc import AsyncIterator

import pytest

from c2casgiutils import broadcast, config, redis_utils
from tests.support.broadcasting import Conformance
from tests.support.processes import RedisServer


@pytest.fixture(autouse=True)
async def _started(redis_server: RedisServer) -> AsyncIterator[None]:
    broadcast.cleanup()
    config.settings.redis.url = redis_server.url
    config.settings.redis.broadcast_prefix = "test_"
    await broadcast.startup()
    yield
    await broadcast.shutdown()
    broadcast.cleanup()
    await redis_utils.aclose()


class TestRedis(Conformance):
    """Everything that both broadcasters do."""
