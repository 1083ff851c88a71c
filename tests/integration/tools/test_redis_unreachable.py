"""The page while Redis is unreachable."""

import datetime
import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config, instances
from c2casgiutils._app import create_app
from tests.support import crowd
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.starting import connected

SECRET = "s3cret-of-the-test"


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A redis-server that the test stops."""
    with RedisServer() as server:
        yield server


@pytest.fixture
async def client(own_redis: RedisServer) -> AsyncIterator[httpx.AsyncClient]:
    """A signed-in client of a process that has seen three others."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    config.settings.redis.url = own_redis.url
    main = FastAPI()
    main.mount("/c2c", create_app())
    transport = httpx.ASGITransport(main)
    headers = {"X-API-Key": SECRET}
    async with (
        c2casgiutils.lifespan(main),
        httpx.AsyncClient(
            transport=transport, base_url="http://testserver/c2c/", headers=headers, timeout=60
        ) as http,
    ):
        await connected()
        yield http


async def test_the_others_are_shown_as_they_were(client: httpx.AsyncClient, own_redis: RedisServer) -> None:
    """Since when, why, and what is as of when; it is back when Redis is."""
    with own_redis.client() as admin:
        ids = crowd.join(admin, processes=3, checks=3)

    async def seen() -> bool:
        return f'id="p-{ids[2]}"' in (await client.get("processes")).text

    async def is_cut_off() -> bool:
        return instances.is_cut_off() and (instances.outage() or ("", None))[1] is not None

    await eventually(seen, seconds=30, what="the others")
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    own_redis.kill()
    await eventually(is_cut_off, seconds=30, what="the outage")

    async def shown() -> bool:
        return "as of" in (await client.get("")).text

    await eventually(shown, seconds=30, what="what was known before")
    page = (await client.get("")).text
    only = r"Only the process that answers is known: Redis is unreachable \(.+\)"
    assert re.search(only + "; the health checks of 3 other processes cannot be seen", page)
    assert "everywhere (" not in page
    since = r"Redis cannot be reached since \d\d:\d\d:\d\d UTC \(.*[Cc]onnect.*\)\."
    since += r" Shown: this process, \d+ on \S+, now"
    others = r", 3 others as of \d\d:\d\d:\d\d UTC\."
    own = r" Levels can be set in this process only \(<code>scope=process</code>\)\.</p>"
    assert re.search(since + others + own, page)
    rows = (await client.get("processes", params={"state": "unseen"})).text
    assert re.search(since + others + "</p>", rows)
    assert re.search(since + "; others are not known\\." + own, (await client.get("levels")).text)
    assert re.search(since + "; others are not known\\.</p>", (await client.get("configuration")).text)
    assert re.findall(r'<tr id="p-([^"]+)">', rows) == [ids[0], ids[2]]  # the other one was lost before
    one = await client.get("process", params={"id": ids[2]})
    assert one.status_code == 200
    assert "this is what was known of the process before" in one.text
    assert 'name="drain"' not in one.text
    body = (await client.get("overview")).json()
    (item,) = [item for item in body["attention"] if item["kind"] == "redis"]
    assert datetime.datetime.fromisoformat(item["since"]) >= before - datetime.timedelta(seconds=2)
    assert [process["id"] for process in body["processes"]] == [instances.own_id()]
