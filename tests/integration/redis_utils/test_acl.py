"""The Redis user of `docs/security.md`: what it may do is enough, and no more than is used."""

import asyncio
import re
import shlex
from pathlib import Path

import httpx

from tests.support.following import KEY, serve
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.roster import is_settled

PAGE = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
NOT_USED_HERE = {
    *("exists", "hdel", "zrem"),  # sign-ins with GitHub, levels that end, processes that are lost
    *("unsubscribe", "multi", "exec"),  # subscriptions that end, pipelines of redis-py
}


def rights() -> list[str]:
    """The words of the documented `ACL SETUSER`, for a service with the prefix of the test."""
    (block,) = re.findall(r"```text\nACL SETUSER (.*?)```", PAGE, re.DOTALL)
    return [word.replace("myservice_", "test_") for word in shlex.split(block.replace("\\\n", " "))]


async def use(url: str) -> None:
    """Let two processes sign in and out, change a level, throttle, and show what they know."""
    async with httpx.AsyncClient(base_url=f"{url}/c2c", timeout=20) as client:

        async def are_two() -> bool:
            answer = await client.get("/instances", headers=KEY)
            return is_settled(answer, ()) and len(answer.json()["instances"]) == 2

        await eventually(are_two, what="a current list of two processes")
        for _ in range(3):
            body = {"name": "some.module", "level": "DEBUG"}
            changed = await client.post("/logging/level", json=body, headers=KEY)
            assert changed.json()["cluster"]["complete"] is True, changed.text
        follow = (await client.post("/logging/follow", json={}, headers=KEY)).json()
        await client.get("../work", headers={follow["header"]: follow["token"]})
        await asyncio.sleep(0.5)
        lines = await client.get(f"/logging/follow/{follow['id']}?after=", headers=KEY)
        assert "work is done" in lines.text
        ended = await client.delete(f"/logging/follow/{follow['id']}", headers=KEY)
        assert (ended.status_code, ended.json()["scope"], follow["scope"]) == (200, "cluster", "cluster")
        for path in ("/logging/overrides", "/instances", "/health/cluster", "/audit"):
            assert (await client.get(path, headers=KEY)).status_code == 200
        assert (await client.post("/auth/login", data={"secret": KEY["X-API-Key"]})).status_code == 200
        assert (await client.get("/instances")).json()["scope"] == "cluster"
        assert (await client.post("/auth/logout")).status_code == 200
        codes = [
            (await client.get("/instances", headers={"X-API-Key": "wrong"})).status_code for _ in range(22)
        ]
        assert codes[-1] == 429


async def test_rights() -> None:
    """The documented user is refused nothing, and each of its commands is used or has its reason here."""
    user, *words = rights()
    password = next(word for word in words if word.startswith(">")).removeprefix(">")
    granted = {word.removeprefix("+") for word in words if word.startswith("+")}
    with RedisServer() as server, server.client() as redis:
        redis.execute_command("ACL", "SETUSER", user, *words)
        redis.config_resetstat()
        url = f"redis://{user}:{password}@127.0.0.1:{server.port}"
        settings = {"C2C__REDIS__URL": url, "C2C__REDIS__BROADCAST_SECRET": "a secret of the messages"}
        with serve(workers=2, **settings) as service:
            await use(service.url)
            await asyncio.sleep(2)  # two heartbeats
        refused = {(entry["reason"], entry["object"]) for entry in redis.acl_log()}
        used = {name.removeprefix("cmdstat_") for name in redis.info("commandstats")}
    assert refused == set()
    assert granted - used == NOT_USED_HERE & granted
