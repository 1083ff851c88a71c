"""Log levels with a real Redis that fails in many ways."""

import contextlib
import json
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import redis
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config, switches
from c2casgiutils._app import create_app
from tests.support.levels import reset_levels
from tests.support.net import SOON_SECONDS, Waited, eventually
from tests.support.processes import RedisServer
from tests.support.roster import is_settled

SECRET = "s3cret-of-the-test"
PREFIX = "c2c_logging_level_"
"""Of the keys of 0.x."""
STORE = "tests_of_levels_switches"
BY_SECRET = {"expires": None, "by": "secret", "reason": None, "scope": "cluster"}
INHERITED = {"expires": None, "by": None, "reason": None, "scope": "cluster"}


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


def stored(admin: "redis.Redis", name: str) -> dict[str, Any]:
    """The entry of a level in Redis."""
    entry: dict[str, Any] = json.loads(str(admin.hget(STORE, f"level:{name}")).partition("\n")[2])
    return entry


@contextlib.asynccontextmanager
async def started(server: RedisServer, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """A signed-in client of a started application."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    config.settings.redis = config.settings.redis.model_copy(
        update={"url": server.url, "broadcast_prefix": "tests_of_levels_", **settings}
    )
    main = FastAPI()
    main.mount("/c2c", create_app())
    transport = httpx.ASGITransport(main)
    headers = {"X-API-Key": SECRET}
    async with (
        c2casgiutils.lifespan(main),
        httpx.AsyncClient(transport=transport, base_url="http://testserver/c2c/", headers=headers) as http,
    ):

        async def knows_itself() -> bool:
            return is_settled(await http.get("instances"), [os.getpid()])

        await eventually(knows_itself, what="a current list of one process")
        yield http
    reset_levels()


@pytest.fixture
async def client(own_redis: RedisServer) -> AsyncIterator[httpx.AsyncClient]:
    """Such a client; Redis was empty at the start."""
    async with started(own_redis) as http:
        yield http


async def listed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The levels that were set at run time."""
    found: list[dict[str, Any]] = (await client.get("logging/overrides")).json()["overrides"]
    return found


async def post(client: httpx.AsyncClient, name: str, level: str) -> httpx.Response:
    started = time.monotonic()
    answer = await client.post("logging/level", json={"name": name, "level": level})
    assert time.monotonic() - started < SOON_SECONDS
    return answer


async def test_stored_by_the_name_of_the_level(
    client: httpx.AsyncClient, admin: "redis.Redis", name: str
) -> None:
    answer = await post(client, name, "warn")
    assert answer.json()["cluster"]["complete"]
    assert stored(admin, name)["value"] == "WARNING"


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
    assert stored(admin, name)["value"] == "DEBUG"
    admin.acl_setuser("default", commands=["+publish"])
    assert (await post(client, name, "DEBUG")).status_code == 200


async def test_levels_of_0x_are_taken_over(
    own_redis: RedisServer, admin: "redis.Redis", name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each bad entry is logged on one line, the good ones are set, stored and listed."""
    caplog.set_level(logging.WARNING, logger="c2casgiutils")
    admin.set(f"{PREFIX}{name}", "warn")
    admin.set(f"{PREFIX}bad.level", "LOUD")
    admin.set(f"{PREFIX}root", "NOTSET")
    admin.set(f"{PREFIX}bad\nname", "DEBUG")
    admin.set(PREFIX, "DEBUG")
    admin.set(PREFIX + "x" * 100_000, "DEBUG")
    admin.set(PREFIX.encode() + b"\xff", "DEBUG")
    admin.set(f"{PREFIX}bad.value", b"\xff")
    admin.rpush(f"{PREFIX}bad.type", "DEBUG")
    async with started(own_redis) as client:
        assert logging.getLogger(name).level == logging.WARNING
        assert await listed(client) == [{"name": name, "level": "WARNING", **INHERITED}]
    assert stored(admin, name)["value"] == "WARNING"
    skipped = [record.getMessage() for record in caplog.records if "was skipped" in record.getMessage()]
    assert len(skipped) == 8
    assert all("\n" not in line and len(line) < 400 for line in skipped)


async def test_levels_of_0x_are_taken_over_once(
    own_redis: RedisServer, admin: "redis.Redis", name: str
) -> None:
    """A level that was removed since does not come back with the next start, nor do later keys of 0.x."""
    admin.set(f"{PREFIX}{name}", "DEBUG")
    async with started(own_redis) as client:
        assert len(await listed(client)) == 1
        await switches.remove("level", name)
    assert logging.getLogger(name).level == logging.NOTSET
    admin.set(f"{PREFIX}{name}.child", "DEBUG")
    async with started(own_redis) as client:
        assert await listed(client) == []
        assert logging.getLogger(name).level == logging.NOTSET


async def test_levels_of_0x_where_switches_are_signed(
    own_redis: RedisServer, admin: "redis.Redis", name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """They are not signed, so they are named in the log and not taken over, once."""
    caplog.set_level(logging.WARNING, logger="c2casgiutils")
    admin.set(f"{PREFIX}{name}", "DEBUG")
    for _ in range(2):
        async with started(own_redis, broadcast_secret="the secret of the messages") as client:
            assert await listed(client) == []
            assert logging.getLogger(name).level == logging.NOTSET
    lines = [record.getMessage() for record in caplog.records if "not taken over" in record.getMessage()]
    assert len(lines) == 1
    assert name in lines[0]


async def test_a_stored_level_wins_over_one_of_0x(
    own_redis: RedisServer, admin: "redis.Redis", name: str
) -> None:
    """What somebody set in this release is newer."""
    async with started(own_redis) as client:
        await post(client, name, "ERROR")
        admin.hdel(STORE, "inherited:level")
    admin.set(f"{PREFIX}{name}", "DEBUG")
    async with started(own_redis) as client:
        assert await listed(client) == [{"name": name, "level": "ERROR", **BY_SECRET}]


async def test_only_our_prefix(own_redis: RedisServer, admin: "redis.Redis", name: str) -> None:
    """The prefix is no pattern."""
    config.settings.tools = config.settings.tools.model_copy(
        update={"logging": config.settings.tools.logging.model_copy(update={"redis_prefix": "[a]*?_"})}
    )
    admin.set(f"a--_{name}", "DEBUG")
    admin.set(f"[a]*?_{name}", "ERROR")
    async with started(own_redis) as client:
        assert await listed(client) == [{"name": name, "level": "ERROR", **INHERITED}]


async def test_many_levels_of_0x(own_redis: RedisServer, admin: "redis.Redis") -> None:
    """All of them are taken over, though not within the time of the start."""
    with admin.pipeline() as pipeline:
        for number in range(1200):
            pipeline.set(f"{PREFIX}tests.many.{number}", "INFO")
        pipeline.execute()
    async with started(own_redis) as client:

        async def taken_over() -> bool:
            return len(await listed(client)) == 1200

        await eventually(taken_over, seconds=20, what="1200 levels")


async def test_flushed(client: httpx.AsyncClient, admin: "redis.Redis", name: str) -> None:
    """Levels stay in force when Redis loses them, and are stored again."""
    await post(client, name, "DEBUG")
    admin.flushall()
    assert await listed(client) == [{"name": name, "level": "DEBUG", **BY_SECRET}]
    assert stored(admin, name)["value"] == "DEBUG"


async def test_changed_while_redis_was_restarted(
    client: httpx.AsyncClient, own_redis: RedisServer, name: str
) -> None:
    """A change works again once Redis is back, empty, and what it lost is there again."""
    await post(client, name, "DEBUG")
    own_redis.restart()

    async def changed() -> bool:
        answer = await post(client, f"{name}.child", "INFO")
        return answer.status_code == 200 and bool(answer.json()["cluster"]["complete"])

    await eventually(changed, seconds=20, what="a change after the restart")
    assert {item["name"]: item["level"] for item in await listed(client)} == {
        name: "DEBUG",
        f"{name}.child": "INFO",
    }


async def test_a_level_ends_while_redis_is_unreachable(
    client: httpx.AsyncClient, own_redis: RedisServer, name: str
) -> None:
    """The process has a timer of its own, and does not bring the level back with Redis."""
    await switches.put("level", name, "DEBUG", ttl=1.5)
    assert (await listed(client))[0]["expires"] is not None
    own_redis.kill()

    async def has_ended() -> bool:
        return logging.getLogger(name).level == logging.NOTSET

    await eventually(has_ended, what="the end of the level")
    own_redis.start()

    async def is_listed_as_ended() -> bool:
        answer = await client.get("logging/overrides")
        return answer.status_code == 200 and answer.json()["overrides"] == []

    await eventually(is_listed_as_ended, what="an empty list")
    assert await has_ended()


@pytest.mark.parametrize("view", ["", "instances", "logging/overrides", "health/cluster"])
async def test_view_while_redis_does_not_reply(
    client: httpx.AsyncClient, own_redis: RedisServer, name: str, view: str
) -> None:
    """All parts of an answer share one time limit, and it says that it speaks for this process alone."""
    await post(client, name, "DEBUG")
    own_redis.pause()
    try:
        async with Waited() as waited:
            answer = await client.get(view)
    finally:
        own_redis.resume()
    assert answer.status_code == 200
    assert waited.seconds < 2 * 2
    if view == "logging/overrides":
        assert [item["name"] for item in answer.json()["overrides"]] == [name]
    if view:
        assert answer.json()["scope"] == "process"


async def test_overrides_while_redis_is_unreachable(
    client: httpx.AsyncClient, own_redis: RedisServer, name: str
) -> None:
    """The levels in this process are shown, and that they are those of this process."""
    await post(client, name, "DEBUG")
    assert (await client.get("logging/overrides")).json()["scope"] == "cluster"
    own_redis.kill()
    answer = await client.get("logging/overrides")
    assert (answer.status_code, answer.json()["scope"]) == (200, "process")
    assert [(item["name"], item["level"]) for item in answer.json()["overrides"]] == [(name, "DEBUG")]


async def test_page_while_redis_is_away(client: httpx.AsyncClient, own_redis: RedisServer, name: str) -> None:
    """The page answers in time, says what is wrong and shows the levels of this process."""
    await post(client, name, "DEBUG")
    own_redis.kill()
    started = time.monotonic()
    page = (await client.get("")).text
    assert time.monotonic() - started < SOON_SECONDS
    assert "Redis is unreachable" in page
    assert name in page
    failed = await client.post("levels", data={"set": f"20 {name}", "reason": "to keep"})
    assert failed.status_code == 503
    assert "Not changed." in failed.text
    assert 'value="to keep"' in failed.text
    done = await client.post("levels", data={"set": f"20 {name}", "scope": "process"})
    after = await client.get(str(done.url.join(done.headers["Location"])))
    assert "Levels can be set in this process only" in after.text
    assert "INFO</strong> only in" in after.text
