"""Processes whose clocks are wrong: what they tell together is by the clock of Redis."""

import asyncio
import contextlib
import datetime
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.net import eventually
from tests.support.operators import Operator, operators, serve, settle
from tests.support.processes import RedisServer
from tests.support.proxy import Proxy

HOUR = 3600
CLOSE_SECONDS = 15 * 60
"""More than anything here lasts, the ten minutes of a level included."""
PATHS = (
    "instances",
    "overview",
    "events",
    "audit",
    "health/cluster?history=true",
    "logging/overrides",
    "debug/exchanges?instance=all",
    "debug/loop?instance=all",
    "runtime?instance=all",
)
VIEWS = ("./", "processes", "checks", "levels", "requests", "diagnostics", "activity", "configuration")
_TIME_REPLY = re.compile(rb"\*2\r\n\$10\r\n(\d{10})\r\n(?=\$\d\r\n\d{1,6}\r\n)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


def later(data: bytes, seconds: int) -> bytes:
    """Change the replies of Redis to TIME."""
    return _TIME_REPLY.sub(lambda found: b"*2\r\n$10\r\n%d\r\n" % (int(found[1]) + seconds), data)


def is_close(moment: str, shift: int) -> bool:
    """Return whether a moment is now, by the clock of Redis."""
    seconds = datetime.datetime.fromisoformat(moment).timestamp() - time.time() - shift
    return abs(seconds) < CLOSE_SECONDS


def hour_of(shift: int) -> str:
    """Return the hour by the clock of Redis."""
    return f"{datetime.datetime.fromtimestamp(time.time() + shift, tz=datetime.UTC):%H}"


@contextlib.asynccontextmanager
async def two_processes(shift: int) -> AsyncIterator[list[Operator]]:
    """Two processes whose clocks differ from that of their Redis."""
    with RedisServer() as redis:
        async with Proxy(redis.port, change=lambda data: later(data, shift)) as proxy:
            app = "tests.support.debug_app:app"
            settings: dict[str, Any] = {"C2C__DEBUG__ENABLED": "True", "C2C__DEBUG__STALL": "0.2"}
            with contextlib.ExitStack() as stack:
                servers = [serve(proxy.port, app=app, **settings) for _ in range(2)]
                for server in servers:
                    stack.callback(server.close)
                    await asyncio.to_thread(server.start)  # the proxy works meanwhile
                async with operators(*servers) as found:
                    await settle(found)
                    yield found


@pytest.mark.parametrize("shift", [-HOUR, HOUR], ids=["ahead", "behind"])
async def test_an_hour(shift: int) -> None:
    """Nobody is late, and every time of every answer is by the clock of Redis: changes and stalls, too."""
    async with two_processes(shift) as (one, two):
        hours = [hour_of(shift)]
        page = await one.request("GET", "/c2c/", headers={"Accept": "text/html"})
        hours.append(hour_of(shift))
        (hour,) = re.findall(r"2 of 2 processes answered at (\d\d):", page.text)
        assert hour in hours
        assert (await two.put("orders.db", "DEBUG", ttl="10m")).status_code == 200
        await two.request("GET", "/busy/0.5")

        async def is_stalled() -> bool:
            return "busy" in (await one.get("debug/loop?instance=all")).text

        await eventually(is_stalled, what="the stall in the answer of the other process")
        found = (await one.get("instances")).json()["instances"]
        assert [instance["liveness"] for instance in found] == ["ok", "ok"]
        assert all(0 <= instance["beat_age_seconds"] < CLOSE_SECONDS for instance in found)
        wrong: dict[str, list[str]] = {}
        assert (await one.get("events")).json()["complete"]  # no event is rejected as of the future
        for path in PATHS:
            moments = _MOMENT.findall((await one.get(path)).text)
            assert moments, path
            wrong[path] = [moment for moment in moments if not is_close(moment, shift)]
        for path in VIEWS:
            answer = await one.request("GET", f"/c2c/{path}", headers={"Accept": "text/html"})
            moments = re.findall(r'datetime="([^"]+)"', answer.text)
            assert moments, path
            wrong[path] = [moment for moment in moments if not is_close(moment, shift)]
        assert {path: moments for path, moments in wrong.items() if moments} == {}
