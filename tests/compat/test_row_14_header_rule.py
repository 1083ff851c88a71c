"""Row 14: the header rule of the README of 0.x makes nothing of the operations side public."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

import c2casgiutils
from c2casgiutils import config, headers, health_checks
from tests.support.asgi import client as make_client

SECRET = "s3cret-of-the-test"
KEY = {"X-API-Key": SECRET}
PRIVATE = "no-cache, no-store"
PUBLIC = "public, max-age=3600"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    monkeypatch.setenv("C2C__AUTH__SECRET", SECRET)
    monkeypatch.setenv("C2C__HTTP", "True")
    config.settings = config.Settings()
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)
    health_checks.probes(app)
    app.add_middleware(
        headers.ArmorHeaderMiddleware,
        headers_config={
            "cache": {"status_code": (200, 299), "headers": {"Cache-Control": ["public", "max-age=3600"]}},
            "policy": {"headers": {"Content-Security-Policy": {"default-src": ["*"]}}},
        },
    )

    @app.get("/catalogue")
    async def catalogue() -> list[str]:
        return ["a page for everybody"]

    @app.get("/basket")
    async def basket(response: Response, cache: str = "") -> None:
        response.set_cookie("basket", "of-one-user")
        if cache:
            response.headers["Cache-Control"] = cache

    return make_client(app)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        pytest.param("/c2c/", {"headers": KEY}, id="signed-in page"),
        pytest.param("/c2c/audit", {"headers": KEY}, id="audit"),
        pytest.param("/c2c/livez", {}, id="probe"),
        pytest.param("/c2c/livez?verbose", {}, id="verbose probe"),
        pytest.param("/livez", {}, id="probe at the root"),
        pytest.param("/c2c/health_checks", {}, id="health checks"),
        pytest.param("/c2c/headers/", {"headers": KEY}, id="headers"),
        pytest.param("/c2c/auth/status", {"headers": KEY}, id="status"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_no_store_is_final(
    client: httpx.AsyncClient, method: str, path: str, options: dict[str, Any]
) -> None:
    reply = await client.request(method, path, **options)
    assert reply.status_code == 200
    assert reply.headers.get_list("cache-control") == [PRIVATE]


async def test_an_answer_with_a_cookie(client: httpx.AsyncClient) -> None:
    """A page that clears the cookie of a session that ended."""
    reply = await client.get("/c2c/", headers={"Cookie": "c2c-jwt-auth=ended"})
    assert (reply.status_code, "set-cookie" in reply.headers) == (200, True)
    assert reply.headers.get_list("cache-control") == [PRIVATE]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", [], id="nothing of its own"),
        pytest.param("?cache=no-store", ["no-store"], id="no-store of its own"),
        pytest.param("?cache=public", ["public"], id="public of its own"),
    ],
)
async def test_a_cookie_of_the_application(
    client: httpx.AsyncClient, query: str, expected: list[str]
) -> None:
    """The rule makes no answer public that sets a cookie, also after it was applied to others."""
    await client.get("/catalogue")
    for _ in range(2):  # the second answer of its kind is decided from memory
        reply = await client.get(f"/basket{query}")
        assert "set-cookie" in reply.headers
        assert reply.headers.get_list("cache-control") == expected


async def test_the_policy_of_the_page_is_final(client: httpx.AsyncClient) -> None:
    (policy,) = (await client.get("/c2c/", headers=KEY)).headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy


async def test_the_rule_holds_for_the_application(client: httpx.AsyncClient) -> None:
    """Also where it replaces what the operations side does not set."""
    reply = await client.get("/catalogue")
    assert reply.headers.get_list("cache-control") == [PUBLIC]
    assert reply.headers.get_list("content-security-policy") == ["default-src *"]
