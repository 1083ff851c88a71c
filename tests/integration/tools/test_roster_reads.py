"""How often Redis is asked for the roster, by processes with many viewers."""

import asyncio
import collections
import functools
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Self

import httpx
import pytest
import redis

from c2casgiutils import config
from tests.support import crowd
from tests.support.net import eventually
from tests.support.operators import PREFIX, serve
from tests.support.processes import RedisServer, Uvicorn

KEY = {"X-API-Key": "a-secret-of-the-operators"}
ROSTER = f"{PREFIX}instances"
VIEWERS, SECONDS = 16, 4
"""Viewers of each process, and how long they look."""
VIEWS = ("overview", "", "processes", "checks", "levels", "activity")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def services(server: RedisServer) -> Iterator[tuple[Uvicorn, Uvicorn]]:
    """Two processes, each with an address of its own."""
    with serve(server.port) as one, serve(server.port) as other:
        yield one, other


class Watch:
    """The commands that a Redis gets, from the mark `begin` to the mark `end`.

    Args:
        server: The Redis.
    """

    def __init__(self, server: RedisServer) -> None:
        self.commands: list[tuple[float, str, str]] = []
        self._server = server
        self._is_there = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def _listen(self) -> None:
        with redis.Redis.from_url(self._server.url) as client, client.monitor() as monitor:
            self._is_there.set()
            for command in monitor.listen():
                if command["command"] == "ECHO end":
                    return
                address = f"{command['client_address']}:{command['client_port']}"
                self.commands.append((command["time"], address, command["command"]))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_there.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        with self._server.client() as admin:
            admin.echo("end")
        self._thread.join(30)
        assert not self._thread.is_alive()

    def reads(self) -> dict[str, list[float]]:
        """When each connection asked for the whole roster."""
        found = collections.defaultdict(list)
        for at, address, command in self.commands:
            if command.split() == ["HGETALL", ROSTER]:
                found[address].append(at)
        return found


async def look(url: str) -> int:
    """Look at one view after the other, all of them at least once; return how often."""
    end = time.monotonic() + SECONDS
    async with httpx.AsyncClient(base_url=f"{url}/c2c/", headers=KEY, timeout=60) as client:
        for number, view in enumerate(itertools.cycle(VIEWS)):
            if number >= len(VIEWS) and time.monotonic() >= end:
                return number
            answer = await client.get(view)
            assert answer.status_code == 200, answer.text
    raise AssertionError


async def is_settled(url: str) -> bool:
    """Return whether a process knows all others."""
    async with httpx.AsyncClient(base_url=f"{url}/c2c/", headers=KEY, timeout=60) as client:
        return len((await client.get("overview")).json()["processes"]) == 12


async def test_one_read_a_second_for_all_viewers(
    server: RedisServer, services: tuple[Uvicorn, Uvicorn]
) -> None:
    """Each process reads the roster once a second at most, whatever the number of viewers and views."""
    config.settings.redis.broadcast_prefix = PREFIX
    with server.client() as admin:
        crowd.join(admin, processes=10, checks=5)
    urls = [service.url for service in services]
    for url in urls:
        await eventually(functools.partial(is_settled, url), seconds=30, what="the roster")
    with Watch(server) as watch:
        looks = await asyncio.gather(*(look(url) for url in urls for _ in range(VIEWERS)))
    reads = watch.reads()
    assert len(reads) == len(urls)
    for times in reads.values():
        assert len(times) <= 1 + times[-1] - times[0]
        assert len(times) < sum(looks) / len(urls)
