"""Who may use the diagnostic views, and which of them exist."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI

import c2casgiutils
from c2casgiutils import config
from c2casgiutils._app import create_app
from c2casgiutils.tools import _debug_access
from tests.unit.tools.conftest import SECRET

CROSS = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
COSTLY = "debug/costly"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The mounted application with a further view that exists only with the setting."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    router = APIRouter()
    router.add_api_route("/debug/costly", lambda number: number, dependencies=_debug_access.ENABLED)
    ours = create_app()
    ours.include_router(router)
    main = FastAPI()
    main.mount("/c2c", ours)
    async with (
        c2casgiutils.lifespan(main),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(main),
            base_url="http://localhost/c2c/",
            headers={"X-API-Key": SECRET},
        ) as http,
    ):
        yield http


async def sign_in(client: httpx.AsyncClient) -> None:
    """Use a session from now on, as a browser does."""
    config.settings.http = True
    answer = await client.post("auth/login", data={"secret": SECRET})
    assert answer.status_code < 400
    del client.headers["X-API-Key"]


async def test_disabled_view_names_the_setting_to_administrators(client: httpx.AsyncClient) -> None:
    """Who may use a view is told how to enable it, before anything about the parameters."""
    answer = await client.get(COSTLY)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "This view is disabled: set C2C__DEBUG__ENABLED=True to enable it"


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}], ids=["anonymous", "wrong secret"])
async def test_disabled_view_is_unknown_to_others(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """h/D34: others get exactly the answer for an unknown path, also once they are throttled."""
    config.settings.auth.throttle_per_client = 3
    del client.headers["X-API-Key"]
    unknown = await client.get("debug/nothing", headers=headers)
    for _ in range(5):
        answer = await client.get(COSTLY, headers=headers)
        assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content)
        assert answer.headers == unknown.headers


async def test_disabled_view_is_unknown_to_a_page_of_another_site(client: httpx.AsyncClient) -> None:
    """The session of an administrator does not tell another site what is enabled."""
    await sign_in(client)
    assert (await client.get(COSTLY)).json()["detail"].startswith("This view is disabled")
    assert (await client.get(COSTLY, headers=CROSS)).json()["detail"] == "Not Found"


async def test_enabled_view(client: httpx.AsyncClient) -> None:
    """Once enabled, the view is there for administrators alone."""
    config.settings.debug.enabled = True
    assert (await client.get(COSTLY, params={"number": "4"})).json() == "4"
    assert (await client.get(COSTLY)).status_code == 422
    del client.headers["X-API-Key"]
    assert (await client.get(COSTLY)).status_code == 403


@pytest.mark.parametrize("path", ["debug/headers", COSTLY])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_other_site(client: httpx.AsyncClient, path: str, method: str) -> None:
    """h/D01: a page of another site can use no session, also by a link; a key in a header works."""
    config.settings.debug.enabled = True
    params = {"number": "4"}
    assert (await client.request(method, path, params=params, headers=CROSS)).status_code == 200
    await sign_in(client)
    assert (await client.request(method, path, params=params)).status_code == 200
    assert (await client.request(method, path, params=params, headers=CROSS)).status_code == 403
    by_origin = {"Origin": "https://evil.example"}
    assert (await client.request(method, path, params=params, headers=by_origin)).status_code == 403
    prefetch = {"Sec-Purpose": "prefetch;prerender"}
    assert (await client.request(method, path, params=params, headers=prefetch)).status_code == 503


@pytest.mark.parametrize("headers", [CROSS, {"Origin": "https://evil.example"}, {"Origin": "null"}])
async def test_dump_by_another_site(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A form of another site cannot make the browser of an administrator download a dump."""
    await sign_in(client)
    assert (await client.post("debug/dump", headers=headers)).status_code == 403
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    assert (await client.post("debug/dump", headers=own)).status_code == 200


async def test_not_cached(client: httpx.AsyncClient) -> None:
    """h/D33: neither an answer nor a refusal is kept by a cache."""
    for path in ("debug/headers", "debug/time", COSTLY):
        assert "no-store" in (await client.get(path)).headers["cache-control"]
