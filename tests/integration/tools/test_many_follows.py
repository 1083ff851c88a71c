"""Follows that start at the same moment, with Redis."""

import asyncio
import re
from collections import Counter

import pytest
from fastapi import FastAPI

from tests.support.clients import signed_in
from tests.support.processes import RedisServer
from tests.support.starting import connected


@pytest.mark.parametrize("existing", [0, 15])
async def test_the_limit_holds(redis_server: RedisServer, operations: FastAPI, existing: int) -> None:
    """Of 30 that start at once, 20 are active in the end; the others are told how many there are."""
    async with signed_in(operations, redis_server.url) as client:
        await connected()
        wanted = {"level": "CRITICAL"}
        for _ in range(existing):
            (await client.post("logging/follow", json=wanted)).raise_for_status()
        many = (client.post("logging/follow", json=wanted) for _ in range(30))
        answers = await asyncio.gather(*many)
        free = 20 - existing
        assert Counter(one.status_code for one in answers) == {200: free, 409: 30 - free}
        for answer in (one for one in answers if one.status_code == 409):
            told = re.findall(r"(\d+) (?:more start|follows are active)", answer.json()["detail"])
            assert sum(map(int, told)) == 20
        one = next(one for one in answers if one.status_code == 200).json()["id"]
        assert (await client.delete(f"logging/follow/{one}")).status_code == 200
        assert (await client.post("logging/follow", json=wanted)).status_code == 200
