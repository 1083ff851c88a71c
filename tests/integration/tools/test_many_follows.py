"""Follows that start at the same moment, with Redis."""

import asyncio
import contextlib
import json
import re
from collections import Counter
from typing import Any

import httpx
import pytest
import redis
from fastapi import FastAPI

from tests.support.clients import signed_in
from tests.support.following import KEY, serve
from tests.support.net import SOON_SECONDS
from tests.support.processes import RedisServer
from tests.support.starting import connected

_WANTED = {"level": "CRITICAL"}


@pytest.mark.parametrize("existing", [0, 15])
async def test_the_limit_holds(redis_server: RedisServer, operations: FastAPI, existing: int) -> None:
    """Of 30 that start at once, 20 are active in the end; the others are told so."""
    async with signed_in(operations, redis_server.url) as client:
        await connected()
        for _ in range(existing):
            (await start(client))[-1].raise_for_status()
        before = stored(redis_server)
        answers = await start_many([client] * 30)
        codes = Counter(one.status_code for one in answers)
        kept = stored(redis_server)
        assert len(kept) == 20
        started = {one.json()["id"] for one in answers if one.status_code == 200}
        assert started <= kept - before
        assert (codes[200] + codes[409], codes.keys() - {503}) == (30, {200, 409})
        if not codes[503]:  # some of these are stored
            assert codes[200] == 20 - existing
        for answer in (one for one in answers if one.status_code == 409):
            assert re.match("20 follows are active already; ", answer.json()["detail"])
        assert (await client.delete(f"logging/follow/{started.pop()}")).status_code == 200
        assert (await start(client))[-1].status_code == 200


async def test_the_limit_holds_for_all_processes() -> None:
    """Of 40 that start at once in two processes, 20 are active, and nothing is left of the others."""
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(RedisServer())
        pair = [stack.enter_context(serve(C2C__REDIS__URL=server.url)) for _ in range(2)]
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"{one.url}/c2c", headers=KEY, timeout=SOON_SECONDS)
            )
            for one in pair
        ]
        answers = await start_many(clients * 20)
        codes = Counter(one.status_code for one in answers)
        assert codes[409]
        assert codes.keys() <= {200, 409, 503}
        kept = stored(server)
        assert len(kept) == 20
        assert kept >= {one.json()["id"] for one in answers if one.status_code == 200}
        events = (await clients[0].get("audit")).json()["events"]
        others = {event["target"] for event in events} - kept
        assert len(others) == len(answers) - 20
        for client in clients:
            for id_ in others:
                assert (await client.get(f"logging/follow/{id_}")).status_code == 404
        for id_ in kept:
            assert (await clients[0].delete(f"logging/follow/{id_}")).status_code == 200
        assert stored(server) == set()


async def start(client: httpx.AsyncClient) -> list[httpx.Response]:
    """Start a follow; asks again after a 503, as on a busy machine 2 s may not be enough for many at once."""
    answers: list[httpx.Response] = []
    async with asyncio.timeout(SOON_SECONDS):
        while not answers or answers[-1].status_code == 503:
            answers.append(await client.post("logging/follow", json=_WANTED))
    return answers


async def start_many(clients: list[httpx.AsyncClient]) -> list[httpx.Response]:
    """Start a follow with each at the same moment; returns all answers."""
    found = await asyncio.gather(*(start(client) for client in clients))
    return [answer for answers in found for answer in answers]


def stored(server: RedisServer) -> set[str]:
    """Return the ids of the follows in Redis."""
    with redis.Redis.from_url(server.url) as client:
        key = next(client.scan_iter("*switches"), "")
        fields: dict[bytes, Any] = client.hgetall(key)
    return {
        field.decode().removeprefix("follow:")
        for field, entry in fields.items()
        if field.startswith(b"follow:") and "value" in json.loads(entry.partition(b"\n")[2])
    }
