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
            (await client.post("logging/follow", json=_WANTED)).raise_for_status()
        many = (client.post("logging/follow", json=_WANTED) for _ in range(30))
        answers = await asyncio.gather(*many)
        free = 20 - existing
        assert Counter(one.status_code for one in answers) == {200: free, 409: 30 - free}
        for answer in (one for one in answers if one.status_code == 409):
            assert re.match("20 follows are active already; ", answer.json()["detail"])
        one = next(one for one in answers if one.status_code == 200).json()["id"]
        assert (await client.delete(f"logging/follow/{one}")).status_code == 200
        assert (await client.post("logging/follow", json=_WANTED)).status_code == 200


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
        answers = await asyncio.gather(
            *(client.post("logging/follow", json=_WANTED) for client in clients for _ in range(20))
        )
        codes = Counter(one.status_code for one in answers)
        assert codes[409]
        assert codes.keys() <= {200, 409, 503}  # on a busy machine, 2 s may not be enough
        kept = stored(server)
        assert len(kept) == 20
        assert kept >= {one.json()["id"] for one in answers if one.status_code == 200}
        events = (await clients[0].get("audit")).json()["events"]
        others = {event["target"] for event in events} - kept
        assert len(others) == 20
        for client in clients:
            for id_ in others:
                assert (await client.get(f"logging/follow/{id_}")).status_code == 404
        for id_ in kept:
            assert (await clients[0].delete(f"logging/follow/{id_}")).status_code == 200
        assert stored(server) == set()


def stored(server: RedisServer) -> set[str]:
    """Return the ids of the follows in Redis."""
    with redis.Redis.from_url(server.url) as client:
        fields: dict[bytes, Any] = client.hgetall("test_switches")
    return {
        field.decode().removeprefix("follow:")
        for field, entry in fields.items()
        if field.startswith(b"follow:") and "value" in json.loads(entry.partition(b"\n")[2])
    }
