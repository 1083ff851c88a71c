"""The durations of the commands of all kinds of clients."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import prometheus_client
import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from c2casgiutils import config, redis_utils
from tests.support.processes import RedisServer
from tests.support.redis_groups import ClusterGroup, SentinelProcess


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    redis_utils.cleanup()
    yield
    await redis_utils.aclose()


@contextlib.contextmanager
def single() -> Iterator[dict[str, Any]]:
    with RedisServer() as server:
        yield {"url": server.url}


@contextlib.contextmanager
def behind_sentinel() -> Iterator[dict[str, Any]]:
    with RedisServer() as server, SentinelProcess(server.port) as sentinel:
        yield {"sentinels": f"127.0.0.1:{sentinel.port}", "servicename": "service"}


@contextlib.contextmanager
def cluster() -> Iterator[dict[str, Any]]:
    with ClusterGroup() as group:
        yield {"url": f"redis://127.0.0.1:{group.nodes[0].port}", "cluster": True}


def counts() -> dict[str, float]:
    """How often each command was measured."""
    return {
        sample.labels["command"]: sample.value
        for family in prometheus_client.REGISTRY.collect()
        if family.name == f"{config.settings.prometheus.prefix}redis_command_duration_seconds"
        for sample in family.samples
        if sample.name.endswith("_count")
    }


async def use() -> None:
    master: Any = redis_utils.get()[0]
    await master.set("secret-key", "1")
    assert await master.get("secret-key") == "1"
    with pytest.raises(ResponseError):
        await master.lpush("secret-key", "x")
    async with master.pipeline() as pipeline:
        assert await pipeline.incr("secret-key").incr("secret-key").execute() == [2, 3]


@pytest.mark.parametrize("servers", [single, behind_sentinel, cluster])
async def test_commands(servers: Any) -> None:
    """Each is measured once, also one that fails; a pipeline counts as one."""
    config.settings = config.Settings(prometheus={"prefix": f"of_{servers.__name__}_"})
    with servers() as addresses:
        config.settings.redis = config.Redis(metrics=True, **addresses)
        await use()
        await redis_utils.aclose()
    found = counts()
    assert {name: found[name] for name in ("SET", "GET", "LPUSH", "PIPELINE")} == {
        "SET": 1,
        "GET": 1,
        "LPUSH": 1,
        "PIPELINE": 1,
    }
    assert "INCR" not in found


async def test_labels_are_bounded(redis_server: RedisServer) -> None:
    """Whatever an application sends."""
    config.settings = config.Settings(
        prometheus={"prefix": "bounded_"}, redis={"url": redis_server.url, "metrics": True}
    )
    master: Any = redis_utils.get()[0]
    commands = ["client info", b"PING", "a secret", "s€cret", *(f"made-up-{number}" for number in range(150))]
    for command in commands:
        with contextlib.suppress(ResponseError):
            await master.execute_command(command)
    found = counts()
    assert len(found) == 101
    assert found["CLIENT"] == found["PING"] == found["A"] == 1
    assert found["other"] == 1 + 150 - 97


async def test_off_by_default(redis_server: RedisServer) -> None:
    """Then the clients are those of redis-py, and there is no metric."""
    config.settings = config.Settings(prometheus={"prefix": "off_"}, redis={"url": redis_server.url})
    await use()
    assert type(redis_utils.get()[0]) is Redis
    assert counts() == {}
