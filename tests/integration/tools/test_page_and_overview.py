"""The page and `/overview` say the same of every kind of trouble, and since when."""

import contextlib
import datetime
import html
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, get_args

import httpx
import pytest

from c2casgiutils import instances
from c2casgiutils._app import create_app
from c2casgiutils.health_checks import FACTORY, Check, Result
from c2casgiutils.instances._roster import Roster
from c2casgiutils.tools import _attention
from tests.support.clients import signed_in
from tests.support.levels import reset_levels
from tests.support.loggers import as_python_starts
from tests.support.net import eventually
from tests.support.processes import RedisServer

DAY = 86_400.0
MIB = 2**20
FORWARDED = {"X-Forwarded-For": "192.0.2.1"}
UNKNOWN = "since not known"


class Broken(Check):
    """A check that fails."""

    async def check(self) -> Result:
        """Fail."""
        raise RuntimeError("made up")


class World:
    """A process, its Redis, and made-up other processes.

    Args:
        redis: The server.
        client: Signed in.
    """

    def __init__(self, redis: RedisServer, client: httpx.AsyncClient) -> None:
        self.redis = redis
        self.client = client
        self.clean_up = contextlib.ExitStack()

    def join(self, pid: int, *, age: float = 1, memory: float = 80, **fields: Any) -> str:
        """Add a process that stays on time for a day.

        Args:
            pid: Its process id.
            age: Seconds since its last heartbeat.
            memory: In MiB, in all of its samples.
            fields: Of its heartbeat; `version`.
        """
        roster, now, id_ = Roster("made-up"), time.time(), f"web:{pid}:aa"
        static = {
            "hostname": "web",
            "pid": pid,
            "version": fields.pop("version", instances.own().version),
            "started": datetime.datetime.fromtimestamp(now - 3_600, tz=datetime.UTC).isoformat(),
            "checks": [{"name": "pool"}],
        }
        figures = {"rss_bytes": memory * MIB}
        beat = {"beat": now - age, "every": DAY, "state": "ready", "figures": figures, **fields}
        _, key, *pairs = roster.entry_command(id_, beat, static, None)
        ring = [(now - age - 5 * turn, memory * MIB, None, None, None) for turn in range(60, 0, -1)]
        with self.redis.client() as admin:
            admin.hset(str(key), items=pairs)
            admin.hset(roster.samples_key, id_, roster.codec.write(id_, {"ring": ring}))
        return id_


@pytest.fixture
async def world() -> AsyncIterator[World]:
    with RedisServer() as server:
        async with signed_in(create_app(), server.url) as client:
            world = World(server, client)
            with world.clean_up:
                yield world


@pytest.fixture(autouse=True)
def _clean_up() -> Iterator[None]:
    yield
    FACTORY.clear()
    reset_levels()


async def check_down(_: World) -> None:
    FACTORY.add(Broken(), name="broken")
    await FACTORY.check()


async def check_degraded(world: World) -> None:
    world.join(1, checks=instances.encode_check("warn", time.time() - 120, 3, 1))


async def late(world: World) -> None:
    world.join(1, age=2 * DAY)


async def lost(world: World) -> None:
    world.join(1, age=3 * DAY + 40)


async def many_lost(world: World) -> None:
    for pid in range(5):
        world.join(pid, age=3 * DAY + 40 + pid)


async def draining(world: World) -> None:
    since = datetime.datetime.now(datetime.UTC).isoformat()
    world.join(1, state="draining", drain={"since": since, "by": "alice"})


async def stopping(world: World) -> None:
    world.join(1, state="stopping")


async def versions(world: World) -> None:
    world.join(1, version="0.0.9")


async def unlike(world: World) -> None:
    memory = instances.own().figures["rss_bytes"] / MIB
    for pid in range(1, 7):
        world.join(pid, memory=memory + 2_000 if pid == 1 else memory)


async def level(world: World) -> None:
    await world.client.put("logging/loggers/c2c.of.the.test", json={"level": "ERROR", "reason": "INC-1"})


async def partial(world: World) -> None:
    await level(world)
    world.join(1, age=-30, applied=1)


async def redis_down(world: World) -> None:
    world.redis.kill()


async def roster(world: World) -> None:
    await world.client.get("overview")  # a look at the roster before
    with world.redis.client() as admin:
        admin.hset(Roster("made-up").key, "web:1:aa", b"nothing of ours")


async def roster_from_the_start(world: World) -> None:
    with world.redis.client() as admin:
        admin.hset(Roster("made-up").key, "web:1:aa", b"nothing of ours")


async def maintenance(world: World) -> None:
    await world.client.put("db/maintenance", json={"readonly": True, "reason": "INC-2"})


async def maintenance_and_down(world: World) -> None:
    await maintenance(world)
    await check_down(world)


async def unwritten(world: World) -> None:
    world.clean_up.enter_context(as_python_starts())
    await world.client.put("logging/loggers/c2c.of.the.test", json={"level": "DEBUG"})


async def proxy(world: World) -> None:
    world.client.headers.update(FORWARDED)


TROUBLES: dict[str, tuple[Callable[[World], Awaitable[None]], str, str, bool]] = {
    "a check that is down": (check_down, "check", "down", True),
    "a check that is degraded": (check_degraded, "check", "degraded", True),
    "late": (late, "late", "degraded", True),
    "lost": (lost, "lost", "degraded", True),
    "several lost": (many_lost, "lost", "degraded", True),
    "draining": (draining, "draining", "ok", True),
    "stopping": (stopping, "draining", "ok", False),
    "versions": (versions, "versions", "degraded", True),
    "unlike for longer than samples last": (unlike, "unlike", "degraded", False),
    "level": (level, "level", "ok", True),
    "partial": (partial, "partial", "degraded", True),
    "Redis": (redis_down, "redis", "degraded", True),
    "roster": (roster, "roster", "degraded", True),
    "roster before the first look": (roster_from_the_start, "roster", "degraded", False),
    "maintenance": (maintenance, "maintenance", "degraded", True),
    "maintenance and a check": (maintenance_and_down, "maintenance", "down", True),
    "unwritten": (unwritten, "unwritten", "ok", True),
    "proxy": (proxy, "proxy", "ok", False),
}
"""What causes it, its kind, the state of the service, and whether since when is known."""


def lines_of(page: str) -> list[tuple[str, str, str]]:
    """What needs attention on the page: the word, the text, and since when."""
    found = re.search('<ul class="problems">(.*?)</ul>', page, re.DOTALL)
    items = found[1].split("<li>")[1:] if found else []
    pattern = r'class="state .*</svg>([a-z]+)</span> <span>(.*?)</span>\s*<span class="muted">(.*?)</span>'
    lines = []
    for item in items:
        line = re.search(pattern, item, re.DOTALL)
        assert line is not None, item
        moment = re.search('datetime="([^"]+)"', line[3])
        assert moment is not None or line[3] == UNKNOWN, item
        lines.append((line[1], html.unescape(line[2]), moment[1] if moment else UNKNOWN))
    return lines


def answered_of(page: str) -> str:
    """Who answered, in the strip."""
    found = re.search(r'<span class="muted" id="answered">(?:.*</time>\s)?(.*?)</span>', page)
    assert found is not None
    return html.unescape(found[1])


def lines_for(attention: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """What the page should show of the JSON."""
    return [
        (
            item["state"] if item["kind"] == "check" else item["kind"],
            item["text"],
            f"{item['since'][:19]}Z" if item["since"] else UNKNOWN,
        )
        for item in attention
    ]


def test_every_kind_is_here() -> None:
    assert {kind for _, kind, _, _ in TROUBLES.values()} == set(get_args(_attention.Kind))


@pytest.mark.parametrize("name", TROUBLES)
async def test_the_same_on_the_page_and_as_json(world: World, name: str) -> None:
    """The strip has the state, and the lines are those of the JSON; anonymous callers get the state alone."""
    cause, kind, state, is_since_known = TROUBLES[name]
    await cause(world)

    async def seen() -> bool:
        found = [item for item in await attention() if item["kind"] == kind]
        # why Redis is unreachable is known a moment later
        return bool(found) and (kind != "redis" or found[0]["since"] is not None)

    async def attention() -> list[dict[str, Any]]:
        return list((await world.client.get("overview")).json()["attention"])

    await eventually(seen, seconds=30, what=name)
    both: list[Any] = []

    async def asked_at_once() -> bool:
        """Ask for the page between two answers of JSON that are the same."""
        first, page, second = [await world.client.get(view) for view in ("overview", "", "overview")]
        both[:] = [page.text, first.json()]
        return first.headers["ETag"] == second.headers["ETag"]

    await eventually(asked_at_once, seconds=30, what="two answers that are the same")
    page, body = both
    items = [item for item in body["attention"] if item["kind"] == kind]
    assert {item["since"] is not None for item in items} == {is_since_known}
    shown, wanted = lines_of(page), lines_for(body["attention"])
    if name == "several lost":
        assert shown == [("lost", "5 processes: web:0:aa, web:1:aa, web:2:aa and 2 more", wanted[-1][2])]
    else:
        assert sorted(shown) == sorted(wanted)
    strip = re.search(r'class="state state-(\w+)"', page)
    assert strip is not None
    assert body["state"] == state
    assert {"fail": "down", "warn": "degraded", "pass": "ok", "skip": "ok"}[strip[1]] == state
    answered = answered_of(page)
    found = [item for item in body["attention"] if item["state"] == state and item["kind"] != "maintenance"]
    since = [item["since"] for item in found if item["since"] is not None and state != "ok"]
    assert re.findall(r'id="answered">(\w+) for <time class="age" datetime="([^"]+)"', page) == (
        [(state, f"{min(since)[:19]}Z")] if since else []
    )
    assert answered.startswith(f"{body['cluster']['answered']} of {body['cluster']['asked']} answered")
    assert ("missing: 1 on web" in answered) is (kind == "late")
    assert ("lost: " in answered) is (kind == "lost")
    assert ("not all are known" in answered) is (kind in ("redis", "roster"))
    del world.client.headers["X-API-Key"]
    assert (await world.client.get("overview")).json() == {"state": state}
    anonymous = re.search(r'class="state state-(\w+)"', (await world.client.get("")).text)
    assert anonymous is not None
    assert {"fail": "down", "warn": "degraded", "pass": "ok"}[anonymous[1]] == state


@pytest.mark.parametrize(
    "name", ["late", "lost", "draining", "versions", "unlike for longer than samples last"]
)
async def test_an_answer_that_stays_the_same(world: World, name: str) -> None:
    """A client that polls gets 304 while the trouble is the same, whenever the roster was read."""
    await TROUBLES[name][0](world)
    first = await world.client.get("overview")
    assert first.json()["attention"]
    end = time.monotonic() + 3
    while time.monotonic() < end:
        again = await world.client.get("overview", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304, (first.text, again.text)


async def test_who_did_not_answer_is_on_each_view(world: World) -> None:
    """Also when something else is wrong; of many the first are named."""
    await check_down(world)
    for pid in range(5):
        world.join(pid, age=2 * DAY)
    world.join(9, age=3 * DAY + 40)

    async def seen() -> bool:
        return "9 on web" in answered_of((await world.client.get("")).text)

    await eventually(seen, seconds=30, what="the lost process")
    text = "1 of 6 answered; missing: 0 on web, 1 on web, 2 on web and 2 more; lost: 9 on web"
    for view in ("", "processes", "checks", "levels", "activity", "configuration"):
        assert answered_of((await world.client.get(view)).text) == text
    del world.client.headers["X-API-Key"]
    assert "answered" not in (await world.client.get("")).text
