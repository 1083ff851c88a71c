"""The Redis user of `docs/security.md`: what it may do is enough, and no more than is used."""

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
from redis.exceptions import ResponseError

from tests.support.following import KEY, serve
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.roster import is_settled

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text()
NOT_USED_HERE = {
    *("exists", "hdel", "zrem"),  # sign-ins with GitHub, levels that end, processes that are lost
    "zrange",  # a time line that is full
    *("unsubscribe", "multi", "exec"),  # subscriptions that end, pipelines of redis-py
}


def rights() -> list[str]:
    """The words of the documented `ACL SETUSER`, for a service with the prefix of the test."""
    (block,) = re.findall(r"```text\nACL SETUSER (.*?)```", PAGE, re.DOTALL)
    return [word.replace("myservice_", "test_") for word in shlex.split(block.replace("\\\n", " "))]


def granted() -> set[str]:
    """The commands that the documented user may use."""
    return {word.removeprefix("+") for word in rights() if word.startswith("+")}


async def use(url: str) -> None:
    """Let two processes sign in and out, change a level, throttle, and show what they know."""
    async with httpx.AsyncClient(base_url=f"{url}/c2c", timeout=60) as client:

        async def are_two() -> bool:
            answer = await client.get("/instances", headers=KEY)
            return is_settled(answer, ()) and len(answer.json()["instances"]) == 2

        async def is_changed() -> bool:
            body = {"name": "some.module", "level": "DEBUG"}
            changed = await client.post("/logging/level", json=body, headers=KEY)
            return bool(changed.json()["cluster"]["complete"])

        await eventually(are_two, what="a current list of two processes")
        for _ in range(3):
            await eventually(is_changed, what="a level in both processes")
        follow = (await client.post("/logging/follow", json={}, headers=KEY)).json()
        await client.get("../work", headers={follow["header"]: follow["token"]})

        async def is_there() -> bool:
            lines = await client.get(f"/logging/follow/{follow['id']}?after=", headers=KEY)
            return "work is done" in lines.text

        await eventually(is_there, what="the followed line")
        ended = await client.delete(f"/logging/follow/{follow['id']}", headers=KEY)
        assert (ended.status_code, ended.json()["scope"], follow["scope"]) == (200, "cluster", "cluster")
        for path in ("/logging/overrides", "/instances", "/health/cluster", "/audit"):
            assert (await client.get(path, headers=KEY)).status_code == 200

        async def are_complete() -> bool:
            return bool((await client.get("/events", headers=KEY)).json()["complete"])

        await eventually(are_complete, what="the time line")
        assert (await client.post("/auth/login", data={"secret": KEY["X-API-Key"]})).status_code == 200
        assert (await client.get("/instances")).json()["scope"] == "cluster"
        assert (await client.post("/auth/logout")).status_code == 200

        async def is_throttled() -> bool:
            answer = await client.get("/instances", headers={"X-API-Key": "wrong"})
            return answer.status_code == 429

        await eventually(is_throttled, what="the throttle")


async def test_rights() -> None:
    """The documented user is refused nothing, and each of its commands is used or has its reason here."""
    user, *words = rights()
    password = next(word for word in words if word.startswith(">")).removeprefix(">")
    with RedisServer() as server, server.client() as redis:
        redis.execute_command("ACL", "SETUSER", user, *words)
        with contextlib.suppress(ResponseError):  # unknown before Redis 7.2, see the page
            redis.execute_command("ACL", "SETUSER", user, "+client|setinfo")
        redis.config_resetstat()
        url = f"redis://{user}:{password}@127.0.0.1:{server.port}"
        settings = {"C2C__REDIS__URL": url, "C2C__REDIS__BROADCAST_SECRET": "a secret of the messages"}

        async def are_used() -> bool:
            used = {name.removeprefix("cmdstat_") for name in redis.info("commandstats")}
            return granted() - used <= NOT_USED_HERE

        with serve(workers=2, **settings) as service:
            await use(service.url)
            await eventually(are_used, what="the use of each command")
        refused = {(entry["reason"], entry["object"]) for entry in redis.acl_log()}
    assert refused == set()


def commands_of(source: str, names: set[str]) -> Iterator[str]:
    """The commands that a module sends itself: the first word of a tuple or a call, or called by a script."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Tuple(elts=[ast.Constant(value=str(word)), *_])
                | ast.Call(args=[ast.Constant(value=str(word)), *_])
            ) if word.isupper() and word.lower() in names:
                yield word.lower()
    yield from re.findall(r"redis\.call\(\s*'(\w+)'", source.lower())


def test_no_command_is_forgotten(redis_server: RedisServer) -> None:
    """Those that are only sent in rare states are granted, too."""
    with redis_server.client() as redis:
        names = {str(name) for name in redis.command_list()}
    sent: set[str] = set()
    for path in (ROOT / "c2casgiutils").rglob("*.py"):
        if "redis_utils" in (source := path.read_text()):
            sent.update(commands_of(source, names))
    assert {"hgetall", "xadd", "zrange"} <= sent
    assert sent - {name.partition("|")[0] for name in granted()} == set()
