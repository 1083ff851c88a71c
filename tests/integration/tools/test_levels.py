"""Log levels with a real Redis that fails in many ways."""

import logging
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import redis
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from c2casgiutils._app import create_app
from tests.support.levels import reset_levels
from tests.support.net import eventually
from tests.support.processes import RedisServer

SECRET = "s3cret-of-the-test"
PREFIX = "c2c_logging_level_"


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A redis-server that the test may break."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def admin(own_redis: RedisServer) -> "Iterator[redis.Redis]":
    """A synchronous client of that server."""
    with own_redis.client() as client:
        yield client


@pytest.fixture
def name() -> str:
    logger = f"tests.{uuid.uuid4().hex}"
    logging.getLogger(logger)
    return logger


@pytest.fixture
async def client(own_redis: RedisServer) -> AsyncIterator[httpx.AsyncClient]:
    """A signed-in client of a started application."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    config.settings.redis = config.settings.redis.model_copy(
        update={"url": own_redis.url, "broadcast_prefix": "tests_of_levels_"}
    )
    main = FastAPI()
    main.mount("/c2c", create_app())
    transport = httpx.ASGITransport(main)
    headers = {"X-API-Key": SECRET}
    async with (
        c2casgiutils.lifespan(main),
        httpx.AsyncClient(transport=transport, base_url="http://testserver/c2c/", headers=headers) as http,
    ):
        yield http
    reset_levels()


async def post(client: httpx.AsyncClient, name: str, level: str) -> httpx.Response:
    started = time.monotonic()
    answer = await client.post("logging/level", json={"name": name, "level": level})
    assert time.monotonic() - started < 8
    return answer


async def test_stored_by_the_name_of_the_level(
    client: httpx.AsyncClient, admin: "redis.Redis", name: str
) -> None:
    answer = await post(client, name, "warn")
    assert answer.json()["cluster"]["complete"]
    assert admin.get(PREFIX + name) == "WARNING"


async def test_not_stored_is_not_applied(client: httpx.AsyncClient, admin: "redis.Redis", name: str) -> None:
    """Store first, apply then: a Redis without memory refuses, and nothing changes."""
    admin.config_set("maxmemory", 1)
    answer = await post(client, name, "DEBUG")
    assert answer.status_code == 503
    assert "not changed" in answer.json()["detail"]
    assert answer.headers["Retry-After"]
    assert logging.getLogger(name).level == logging.NOTSET


async def test_stored_but_not_told(client: httpx.AsyncClient, admin: "redis.Redis", name: str) -> None:
    """A partial result says so: the level is kept, the processes could not be told."""
    admin.acl_setuser("default", commands=["-publish"])
    answer = await post(client, name, "DEBUG")
    assert answer.status_code == 503
    assert "kept in Redis" in answer.json()["detail"]
    assert admin.get(PREFIX + name) == "DEBUG"
    admin.acl_setuser("default", commands=["+publish"])
    assert (await post(client, name, "DEBUG")).status_code == 200


async def test_bad_entries_are_skipped(
    client: httpx.AsyncClient, admin: "redis.Redis", name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each bad entry is logged on one line, and the good ones are found."""
    caplog.set_level(logging.WARNING, logger="c2casgiutils")
    admin.set(f"{PREFIX}{name}", "DEBUG")
    admin.set(f"{PREFIX}bad.level", "LOUD")
    admin.set(f"{PREFIX}root", "NOTSET")
    admin.set(f"{PREFIX}bad\nname", "DEBUG")
    admin.set(PREFIX, "DEBUG")
    admin.set(PREFIX + "x" * 100_000, "DEBUG")
    admin.set(PREFIX.encode() + b"\xff", "DEBUG")
    admin.set(f"{PREFIX}bad.value", b"\xff")
    admin.rpush(f"{PREFIX}bad.type", "DEBUG")
    answer = await client.get("logging/overrides")
    assert answer.json() == {"overrides": [{"name": name, "level": "DEBUG"}]}
    skipped = [record.getMessage() for record in caplog.records if "is skipped" in record.getMessage()]
    assert len(skipped) == 8
    assert all("\n" not in line and len(line) < 400 for line in skipped)


async def test_only_our_prefix(client: httpx.AsyncClient, admin: "redis.Redis", name: str) -> None:
    """The prefix is no pattern."""
    config.settings.tools = config.settings.tools.model_copy(
        update={"logging": config.settings.tools.logging.model_copy(update={"redis_prefix": "[a]*?_"})}
    )
    admin.set(f"a--_{name}", "DEBUG")
    admin.set(f"[a]*?_{name}", "ERROR")
    answer = await client.get("logging/overrides")
    assert answer.json() == {"overrides": [{"name": name, "level": "ERROR"}]}


async def test_many_overrides(client: httpx.AsyncClient, admin: "redis.Redis") -> None:
    with admin.pipeline() as pipeline:
        for number in range(1200):
            pipeline.set(f"{PREFIX}tests.many.{number}", "INFO")
        pipeline.execute()
    found = (await client.get("logging/overrides")).json()["overrides"]
    assert len(found) == 1200


async def test_flushed(client: httpx.AsyncClient, admin: "redis.Redis", name: str) -> None:
    """Levels stay in force when Redis loses them, and the list says so."""
    await post(client, name, "DEBUG")
    admin.flushall()
    answer = await client.get("logging/overrides")
    assert answer.json() == {"overrides": [{"name": name, "level": "DEBUG"}]}


async def test_restored_when_redis_is_back(
    client: httpx.AsyncClient, own_redis: RedisServer, name: str
) -> None:
    """What was stored while this process could not listen is applied after the reconnection."""
    own_redis.restart()
    with own_redis.client() as admin:
        admin.set(PREFIX + name, "DEBUG")

    async def applied() -> bool:
        return logging.getLogger(name).level == logging.DEBUG

    await eventually(applied, seconds=10, what="the level restored")
    assert (await post(client, name, "INFO")).json()["cluster"]["complete"]


async def test_page_while_redis_is_away(client: httpx.AsyncClient, own_redis: RedisServer, name: str) -> None:
    """The page answers in time, says what is wrong and shows the levels of this process."""
    await post(client, name, "DEBUG")
    own_redis.kill()
    started = time.monotonic()
    page = (await client.get("")).text
    assert time.monotonic() - started < 8
    assert "Redis cannot be reached" in page
    assert name in page
    failed = await client.post("", data={"name": name, "level": "INFO"})
    assert failed.status_code == 503
    assert "Not done." in failed.text
