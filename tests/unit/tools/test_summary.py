"""The whole service in one answer."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from c2casgiutils import config, instances
from c2casgiutils.health_checks import FACTORY, Check, Result


@pytest.fixture(autouse=True)
def _checks() -> Iterator[None]:
    yield
    FACTORY.clear()


class Broken(Check):
    """A check that fails."""

    async def check(self) -> Result:
        """Fail."""
        raise RuntimeError("made up")


async def test_anonymous_callers_get_the_state_only(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("overview")
    assert (answer.status_code, answer.json()) == (200, {"state": "ok"})


async def test_readers_get_everything(client: httpx.AsyncClient) -> None:
    FACTORY.add(Broken(), name="broken")
    await FACTORY.check()
    body = (await client.get("overview")).json()
    assert set(body) == {"state", "attention", "processes", "checks", "levels", "cluster"}
    own = instances.own_id()
    assert body["state"] == "down"
    assert [(item["kind"], item["processes"]) for item in body["attention"]] == [("check", [own])]
    assert [process["id"] for process in body["processes"]] == [own]
    (row,) = body["checks"]
    assert (row["name"], row["severity"], row["worst"]) == ("broken", "critical", "fail")
    assert row["cells"][own][0] == "fail"
    assert body["cluster"]["complete"] is True


async def test_nothing_changed(client: httpx.AsyncClient) -> None:
    """A client that polls gets 304 and no body; a reader never gets the tag of an anonymous answer."""
    first = await client.get("overview")
    tag = first.headers["etag"]
    for given in (tag, f'"other", {tag}', f"W/{tag}"):
        again = await client.get("overview", headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get("overview", headers={"If-None-Match": '"other"'})).status_code == 200
    del client.headers["X-API-Key"]
    assert (await client.get("overview")).headers["etag"] != tag


async def test_a_level_is_shown(client: httpx.AsyncClient) -> None:
    await client.put("logging/loggers/c2c.of.the.test", json={"level": "DEBUG", "reason": "INC-1"})
    body = (await client.get("overview")).json()
    assert body["levels"]["c2c.of.the.test"]["level"] == "DEBUG"
    assert [item["kind"] for item in body["attention"]] == ["level"]
    assert body["state"] == "ok"


async def test_one_read_for_all_viewers(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    roster = instances.roster

    async def counted(**options: bool) -> list[instances.Instance]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.01)
        return await roster(**options)

    monkeypatch.setattr(instances, "roster", counted)
    began = time.monotonic()
    views = ("overview", "", "processes", "checks")
    answers = await asyncio.gather(*(client.get(view) for _ in range(5) for view in views))
    assert {answer.status_code for answer in answers} == {200}
    assert 1 <= reads <= 1 + (time.monotonic() - began)


@pytest.mark.parametrize("path", ["overview", "versions", "health/cluster"])
async def test_redis_is_unreachable(client: httpx.AsyncClient, path: str) -> None:
    """Other processes may exist: what is read from the roster does not claim to be all."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    cluster = (await client.get(path)).json()["cluster"]
    assert (cluster["complete"], cluster["roster"]) == (False, "stale")


async def test_list_while_redis_is_unreachable(client: httpx.AsyncClient) -> None:
    """The list of this process alone does not claim that there are no others."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    found = (await client.get("instances")).json()
    assert (found["scope"], found["roster"], len(found["instances"])) == ("process", "stale", 1)
