"""The check of Redis against a real server, in good and bad days."""

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from c2casgiutils import broadcast, config, redis_utils
from c2casgiutils.health_checks import EntityResult, Factory, Redis
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.starting import start

PASSWORD = "made-up-hush"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A redis-server that the test may break."""
    with RedisServer(password=PASSWORD) as server:
        config.settings = config.Settings(redis={"url": server.url, "broadcast_prefix": "health_"})
        yield server


@pytest.fixture(autouse=True)
async def _clean() -> AsyncIterator[None]:
    yield
    await broadcast.shutdown()
    broadcast.cleanup()
    await redis_utils.aclose()


async def timed(factory: Factory) -> tuple[EntityResult, float]:
    started = time.monotonic()
    (entity,) = (await factory.check()).entities
    return entity, time.monotonic() - started


async def recovers(factory: Factory) -> None:
    async def passes() -> bool:
        return (await factory.check()).entities[0].status == "pass"

    await eventually(passes, what="the check passes again")


async def test_answers(factory: Factory, server: RedisServer) -> None:
    factory.add(Redis(tags=["redis"]))
    entity, _ = await timed(factory)
    assert entity.status == "pass"
    assert entity.payload["master"]["role"] == "master"


async def test_paused_and_back(factory: Factory, server: RedisServer) -> None:
    factory.add(Redis(), timeout=0.5, ttl=0)
    await factory.check()
    server.pause()
    for _ in range(3):
        entity, seconds = await timed(factory)
        assert entity.status == "fail"
        assert seconds < 20
    server.resume()
    await recovers(factory)
    with server.client() as client:
        assert len(client.client_list()) <= 6


async def test_killed_and_back(factory: Factory, server: RedisServer) -> None:
    factory.add(Redis(), ttl=0)
    await factory.check()
    server.kill()
    entity, seconds = await timed(factory)
    assert entity.status == "fail"
    assert seconds < 20
    server.start()
    await recovers(factory)


async def test_full_of_connections_and_back(factory: Factory, server: RedisServer) -> None:
    factory.add(Redis(), ttl=0)
    with server.client() as client:
        client.config_set("maxclients", 1)
        entity, seconds = await timed(factory)
        assert entity.status == "fail"
        assert seconds < 20
        client.config_set("maxclients", 100)
    await recovers(factory)


async def test_wrong_password(factory: Factory, server: RedisServer) -> None:
    url = server.url.replace(PASSWORD, "wrong-hush")
    config.settings = config.Settings(redis={"url": url})
    factory.add(Redis())
    entity, _ = await timed(factory)
    assert entity.status == "fail"
    assert "hush" not in entity.model_dump_json()


@pytest.mark.parametrize(("write", "status"), [(False, "pass"), (True, "fail")], ids=["read", "write"])
async def test_out_of_memory(factory: Factory, server: RedisServer, write: bool, status: str) -> None:
    """The check with `write` detects a server that does not accept writes."""
    with server.client() as client:
        client.config_set("maxmemory", 1)
    factory.add(Redis(write=write))
    entity, _ = await timed(factory)
    assert entity.status == status
    if write:
        assert "does not accept writes" in entity.payload["message"]


async def test_written_value_expires(factory: Factory, server: RedisServer) -> None:
    factory.add(Redis(write=True))
    await factory.check()
    with server.client() as client:
        (key,) = client.scan_iter("health_*")
        assert 0 < client.pttl(key) <= 10_000


async def test_unsubscribed_process(factory: Factory, server: RedisServer) -> None:
    """The check fails if the server replies, but messages of other processes are not received."""

    async def hear() -> None:
        pass

    await broadcast.subscribe("x", hear)
    await start()
    factory.add(Redis(), ttl=0)
    await recovers(factory)
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "resetchannels")
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await eventually(lambda: _says(factory, "not subscribed"), what="the failure")
        client.execute_command("ACL", "SETUSER", "default", "allchannels")
    await recovers(factory)


async def _says(factory: Factory, word: str) -> bool:
    entity, _ = await timed(factory)
    return entity.status == "fail" and word in entity.payload["message"]
