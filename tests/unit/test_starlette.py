"""Redirections to the address with a slash, or without one: never to the host that the client names."""

from collections.abc import Callable
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, RedirectResponse

import c2casgiutils
from c2casgiutils._app import create_app

FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    {"Host": "evil.example:8080", "Forwarded": "host=evil.example"},
]
BROWSER = "https://app.example.com"


def client_of(app: FastAPI, root_path: str = "") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, root_path=root_path), base_url="http://127.0.0.1"
    )


def hand_wired() -> FastAPI:
    """An application as those for 0.x are: mounted and started by hand."""
    app = FastAPI(lifespan=c2casgiutils.lifespan)
    app.mount("/c2c", create_app())
    return app


def installed() -> FastAPI:
    app = FastAPI()
    c2casgiutils.install(app, metrics_port=False)
    return app


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("make_app", [hand_wired, installed])
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/c2c", "/c2c/"),
        ("/c2c?secret=%C3%A9&x=//evil.example", "/c2c/?secret=%C3%A9&x=//evil.example"),
        ("/c2c/auth/status/", "/c2c/auth/status"),
        ("/c2c/logging/level/", "/c2c/logging/level"),
        ("/c2c/headers", "/c2c/headers/"),
    ],
)
async def test_foreign_host(
    make_app: Callable[[], FastAPI], path: str, target: str, headers: dict[str, str]
) -> None:
    """The browser stays where it is, whatever `Host` and forwarded headers say."""
    app = make_app()
    async with app.router.lifespan_context(app), client_of(app) as client:
        for method in ("GET", "HEAD"):
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == 307
            assert urljoin(f"{BROWSER}{path}", answer.headers["location"]) == f"{BROWSER}{target}"


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/own", "/own/"),
        ("/api/bare/", "/api/bare"),
        ("/api/bare/?x=//evil.example", "/api/bare?x=//evil.example"),
    ],
)
async def test_foreign_host_at_own_routes(path: str, target: str, headers: dict[str, str]) -> None:
    """The redirects of the application's own routes are relative too."""
    app = installed()

    @app.get("/own/")
    @app.get("/api/bare")
    async def own() -> PlainTextResponse:
        return PlainTextResponse("own")

    async with client_of(app) as client:
        answer = await client.get(path, headers=headers)
    assert answer.status_code == 307
    assert urljoin(f"{BROWSER}{path}", answer.headers["location"]) == f"{BROWSER}{target}"


async def test_two_slashes() -> None:
    """Each slash is a segment (RFC 3986, 5.2.4), which `urljoin` drops."""
    async with client_of(installed()) as client:
        answer = await client.get("/c2c/auth/status//", headers=FOREIGN[0])
    assert answer.headers["location"] == "../../status"


@pytest.mark.parametrize(
    "target", ["https://127.0.0.1/page/", "http://other.example/page/", "http://127.0.0.1/page", "/page/"]
)
async def test_other_redirects_stay(target: str) -> None:
    """A redirect of a view to another scheme, host or path is unchanged."""
    app = installed()

    @app.get("/page")
    async def page() -> RedirectResponse:
        return RedirectResponse(target)

    async with client_of(app) as client:
        assert (await client.get("/page")).headers["location"] == target


async def test_behind_a_root_path() -> None:
    """It is right behind a proxy that strips a prefix."""
    app = hand_wired()
    async with app.router.lifespan_context(app), client_of(app, root_path="/api") as client:
        answer = await client.get("/api/c2c")
    assert urljoin(f"{BROWSER}/api/c2c", answer.headers["location"]) == f"{BROWSER}/api/c2c/"


async def test_form_of_the_page() -> None:
    """A POST is sent on with its method, as Starlette did for applications of 0.x."""
    app = hand_wired()
    async with app.router.lifespan_context(app), client_of(app) as client:
        answer = await client.post("/c2c", headers=FOREIGN[0])
    assert (answer.status_code, answer.headers["location"]) == (307, "c2c/")


async def test_a_route_of_the_application_stays() -> None:
    """What the application itself answers at the address of the mount is left alone."""
    app = hand_wired()

    @app.get("/c2c")
    async def own() -> PlainTextResponse:
        return PlainTextResponse("own")

    async with app.router.lifespan_context(app), client_of(app) as client:
        assert (await client.get("/c2c")).text == "own"


async def test_started_twice() -> None:
    """Starting again adds no second route, and none is in the OpenAPI document."""
    app = hand_wired()
    for _ in range(2):
        async with c2casgiutils.lifespan(app):
            pass
    assert [getattr(route, "path", "") for route in app.routes].count("/c2c") == 2
    assert "/c2c" not in app.openapi()["paths"]


async def test_mounted_at_a_parameter() -> None:
    """A mount whose path has parameters starts and serves too."""
    app = FastAPI(lifespan=c2casgiutils.lifespan)
    app.mount("/{tenant}/c2c", create_app())
    async with app.router.lifespan_context(app), client_of(app) as client:
        assert (await client.get("/t/c2c/")).status_code == 200
