"""The addresses of c2cwsgiutils, with `install(legacy_paths=True)`."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config, health_checks
from tests.support.auth import BASE_URL, KEY, SECRET, ask_github
from tests.support.fake_github import FakeGitHub

MOUNTS = {
    "default": ("/c2c", "", "/c2c"),
    "another path": ("/ops", "", "/ops"),
    "nested path": ("/api/c2c", "", "/api/c2c"),
    "root path": ("/c2c", "/behind", "/behind/c2c"),
}
NEW = ["login", "callback", "logout"]
API_KEY = {"X-API-Key": SECRET}
Start = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def start() -> Start:
    """A function that starts an application and gives a client of it."""

    @asynccontextmanager
    async def client_of(
        *, path: str = "/c2c", root_path: str = "", legacy_paths: bool = True
    ) -> AsyncIterator[httpx.AsyncClient]:
        health_checks.FACTORY.clear()
        app = FastAPI()
        c2casgiutils.install(app, path=path, logging=False, legacy_paths=legacy_paths)
        transport = httpx.ASGITransport(app, client=("10.1.1.1", 1234), root_path=root_path)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
        ):
            yield client

    return client_of


@pytest.fixture
def by_secret() -> None:
    """The settings of the sign-in with the secret."""
    config.settings = config.Settings(auth={"secret": SECRET}, prometheus={"port": 0})


@pytest.fixture
def by_github(github: FakeGitHub) -> FakeGitHub:
    """The settings of the sign-in with GitHub."""
    config.settings = config.Settings(
        auth={"jwt": {"secret": KEY}, "github": github.settings()}, prometheus={"port": 0}
    )
    return github


@pytest.mark.parametrize("mount", MOUNTS)
async def test_sign_in(by_github: FakeGitHub, start: Start, mount: str) -> None:
    """Someone signs in and out by the old addresses; GitHub, which knows the old callback, is sent that."""
    path, root_path, base = MOUNTS[mount]
    async with start(path=path, root_path=root_path) as client:
        redirect = await client.get(f"{base}/github-login", params={"came_from": f"{base}/instances"})
        assert redirect.status_code == 307
        to_github = await client.get(urljoin(str(redirect.url), redirect.headers["location"]))
        (callback,) = parse_qs(urlsplit(to_github.headers["location"]).query)["redirect_uri"]
        assert callback == f"{BASE_URL}{base}/github-callback"
        back = await client.get(await ask_github(to_github.headers["location"]), follow_redirects=True)
        assert (back.status_code, back.url.path) == (200, f"{base}/instances")
        out = await client.get(f"{base}/github-logout", follow_redirects=True)
        assert (out.status_code, out.url.path) == (200, f"{base}/")
        assert (await client.get(f"{base}/instances")).status_code == 403
    assert by_github.forms[0]["redirect_uri"] == callback


async def test_the_proxy_of_the_callback(by_github: FakeGitHub, start: Start) -> None:
    """A proxy that serves several applications gets the old callback of this one."""
    config.settings.auth.github.proxy_url = "https://auth.example.com/proxy"
    async with start() as client:
        to_github = await client.get("/c2c/auth/github/login")
    (redirect,) = parse_qs(urlsplit(to_github.headers["location"]).query)["redirect_uri"]
    assert parse_qs(urlsplit(redirect).query) == {"came_from": [f"{BASE_URL}/c2c/github-callback"]}


@pytest.mark.parametrize("query", ["", "?code=a&state=b%26c", "?came_from=%2F%2Fexample.com"])
@pytest.mark.parametrize("name", NEW)
async def test_redirects(by_github: FakeGitHub, start: Start, name: str, query: str) -> None:
    """The whole query goes along, and the target is relative, so that no proxy and no client changes it."""
    async with start() as client:
        for method in ("GET", "HEAD"):
            answer = await client.request(method, f"/c2c/github-{name}{query}")
            assert (answer.status_code, answer.headers["location"]) == (307, f"auth/github/{name}{query}")
            assert answer.headers["cache-control"] == "no-cache, no-store"


async def test_no_redirect_after_the_sign_in(by_github: FakeGitHub, start: Start) -> None:
    """The old views for the sign-in and the sign-out are refused as the place to return to, like the new."""
    async with start() as client:
        for name in NEW:
            answer = await client.get(f"/c2c/auth/github/login?came_from=/c2c/github-{name}")
            assert (answer.status_code, "came_from is refused" in answer.text) == (400, True)


@pytest.mark.parametrize("mount", MOUNTS)
async def test_monitoring(by_secret: None, start: Start, mount: str) -> None:
    """What monitoring asks for is answered at the old addresses themselves, with the same levels."""
    path, root_path, base = MOUNTS[mount]
    async with start(path=path, root_path=root_path) as client:
        health = await client.get(f"{base}/health_check?max_level=1")
        assert (health.status_code, set(health.json())) == (200, {"successes", "failures"})
        assert (await client.head(f"{base}/health_check/")).status_code == 200
        for protected in ("versions.json", "logging/level", "logging/level?name=root", "db/maintenance"):
            answer = await client.get(f"{base}/{protected}")
            assert (answer.status_code, protected) == (403, protected)
        level = await client.get(f"{base}/logging/level?name=root&secret={SECRET}")
        assert level.json()["name"] == "root"


async def test_list_of_levels(by_secret: None, start: Start) -> None:
    """Without a name the view of the levels lists what was set, in the old form."""
    async with start() as client:
        assert (await client.get("/c2c/logging/level", headers=API_KEY)).json() == {
            "status": 200,
            "overrides": {},
        }
        wanted = {"name": "legacy.test", "level": "debug"}
        assert (await client.post("/c2c/logging/level", json=wanted, headers=API_KEY)).status_code == 200
        answer = await client.get("/c2c/logging/level", headers=API_KEY)
        assert answer.json() == {"status": 200, "overrides": {"legacy.test": "DEBUG"}}
        assert (await client.head("/c2c/logging/level", headers=API_KEY)).status_code == 200
        await client.delete("/c2c/logging/loggers/legacy.test", headers=API_KEY)


async def test_no_change_by_link(by_secret: None, start: Start) -> None:
    """GET changes no level: a page of another site could make its visitors send it."""
    async with start() as client:
        url = f"/c2c/logging/level?name=legacy.test&level=DEBUG&secret={SECRET}"
        assert (await client.get(url)).status_code == 405
        assert (await client.get(f"/c2c/logging/level?level=DEBUG&secret={SECRET}")).status_code == 405
    assert logging.getLogger("legacy.test").level == logging.NOTSET


@pytest.mark.parametrize("name", NEW)
async def test_off_by_default(by_github: FakeGitHub, start: Start, name: str) -> None:
    """Without the keyword the old addresses are unknown paths, and GitHub is sent the new callback."""
    async with start(legacy_paths=False) as client:
        unknown = await client.get("/c2c/unknown")
        answer = await client.get(f"/c2c/github-{name}")
        assert (answer.status_code, answer.json()["detail"]) == (404, unknown.json()["detail"])
        assert (await client.get("/c2c/logging/level")).status_code in {403, 422}
        location = (await client.get("/c2c/auth/github/login")).headers["location"]
        assert parse_qs(urlsplit(location).query)["redirect_uri"] == [f"{BASE_URL}/c2c/auth/github/callback"]


async def test_two_applications(by_github: FakeGitHub, start: Start) -> None:
    """In one process, only the application that asked for the old addresses has them."""
    async with start() as with_, start(legacy_paths=False) as without:
        assert (await with_.get("/c2c/github-login")).status_code == 307
        assert (await without.get("/c2c/github-login")).status_code == 404


async def test_not_in_the_schema(by_secret: None, start: Start) -> None:
    """New clients do not find the old addresses."""
    async with start() as client:
        paths: dict[str, Any] = (await client.get("/c2c/openapi.json", headers=API_KEY)).json()["paths"]
    assert [path for path in paths if "github-" in path] == []
