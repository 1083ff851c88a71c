"""Row 16: `EntityResult` made from a name and tags alone."""

import httpx
from fastapi import FastAPI

from c2casgiutils.health_checks import EntityResult, GlobalResult

app = FastAPI()


@app.get("/own-health")
async def own_health() -> GlobalResult:
    return GlobalResult(entities=[EntityResult(name="queue", tags=["all"])])


async def test_it_is_a_success() -> None:
    """What is not said is a success that took no time."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        (entity,) = (await client.get("/own-health")).json()["entities"]
    assert (entity["name"], entity["tags"], entity["status_code"]) == ("queue", ["all"], 200)
    assert (entity["payload"], entity["time_taken"]) == ({}, 0)
