"""The view in the shape of c2cwsgiutils."""

from typing import Any

import httpx
import pytest

from c2casgiutils import config
from c2casgiutils.health_checks import FACTORY, Custom, JsonCheckError, Wrong
from tests.unit.health_checks.checks import Fine, Raising

SECRET = "a-secret-of-the-test"


async def ask(client: httpx.AsyncClient, *, known: bool = False, **query: Any) -> tuple[int, Any]:
    config.settings = config.Settings(auth={"secret": SECRET})
    headers = {"X-API-Key": SECRET} if known else {}
    reply = await client.get("/health_check", params=query, headers=headers)
    body = reply.json()
    for items in (body.get("successes", {}), body.get("failures", {})):
        for item in items.values():
            assert item.pop("timing") >= 0
    return reply.status_code, body


async def test_default_level_is_one(client: httpx.AsyncClient) -> None:
    FACTORY.add(Fine(), name="a")
    FACTORY.add(Wrong(), name="b", level=2)
    assert await ask(client) == (200, {"successes": {"a": {"level": 1}}, "failures": {}})


async def test_level_two(client: httpx.AsyncClient) -> None:
    FACTORY.add(Fine(), name="a")
    FACTORY.add(Wrong(), name="b", level=2)
    assert await ask(client, max_level=2) == (
        500,
        {"successes": {"a": {"level": 1}}, "failures": {"b": {"level": 2}}},
    )


async def test_level_zero_runs_nothing(client: httpx.AsyncClient) -> None:
    check = Fine()
    FACTORY.add(check, level=0)
    assert await ask(client, max_level=0) == (200, {"successes": {}, "failures": {}})
    assert check.runs == 0


async def test_names(client: httpx.AsyncClient) -> None:
    for name in "abc":
        FACTORY.add(Fine(), name=name)
    _, body = await ask(client, checks="a,c")
    assert list(body["successes"]) == ["a", "c"]


async def test_reader_sees_results(client: httpx.AsyncClient) -> None:
    FACTORY.add(Custom(lambda: {"some": "json"}), name="good")
    FACTORY.add(Raising(JsonCheckError("bad news", {"other": "json"})), name="bad")
    FACTORY.add(Wrong(), name="wrong")
    status, body = await ask(client, known=True)
    assert status == 500
    assert body["successes"] == {"good": {"level": 1, "result": {"some": "json"}}}
    assert "JsonCheckError: bad news" in body["failures"]["bad"].pop("stacktrace")
    assert body["failures"] == {
        "bad": {"level": 1, "message": "bad news", "result": {"other": "json"}},
        "wrong": {"level": 1, "message": "failed", "result": {"message": "This check always fails"}},
    }


async def test_unknown_name(client: httpx.AsyncClient) -> None:
    FACTORY.add(Fine(), name="a")
    status, body = await ask(client, checks="x")
    assert (status, body["detail"]) == (404, "Unknown check: x")
    status, body = await ask(client, known=True, checks="x")
    assert (status, body["detail"]) == (404, "Unknown check: x; known: a")


async def test_level_that_is_no_number(client: httpx.AsyncClient) -> None:
    assert (await ask(client, max_level="x"))[0] == 422


@pytest.mark.parametrize("severity", ["degrading", "info"])
async def test_degraded_is_200(client: httpx.AsyncClient, severity: Any) -> None:
    FACTORY.add(Wrong(), name="a", severity=severity)
    assert await ask(client) == (200, {"successes": {}, "failures": {"a": {"level": 1}}})


async def test_redis_comes_by_itself(client: httpx.AsyncClient) -> None:
    """Named without its address, at level 2, and not on the contract's endpoint."""
    config.settings = config.Settings(redis={"url": "redis://:hush-hush@127.0.0.1:1"})
    body = (await client.get("/health_check", params={"max_level": 2})).json()
    assert list(body["failures"]) == ["redis"]
    assert (await client.get("/health/")).json()["entities"] == []
