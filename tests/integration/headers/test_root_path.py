"""Behind a proxy that strips a prefix, under a real uvicorn."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.processes import Uvicorn

SECRET = "s3cret-of-the-test"
ENVIRONMENT = {"C2C__AUTH__SECRET": SECRET, "C2C__PROMETHEUS__PORT": "0", "C2C__HTTP": "True"}


@pytest.fixture(scope="module", params=["/api", "/api/"])
def server(request: pytest.FixtureRequest) -> Iterator[Uvicorn]:
    application = "tests.support.installed_app:app"
    with Uvicorn(application, "--root-path", request.param, env=ENVIRONMENT) as server:
        yield server


def test_sign_in(server: Uvicorn) -> None:
    """Addresses and the path of the cookie are those that the browser knows: `/api/c2c/`."""
    with httpx.Client(base_url=server.url) as http:
        reply = http.post("/c2c/auth/login", data={"secret": SECRET}, headers={"Accept": "text/html"})
        assert (reply.status_code, reply.headers["location"]) == (303, "../")
        assert "Path=/api/c2c;" in reply.headers["set-cookie"]
        session = reply.headers["set-cookie"].partition(";")[0]
        page = http.get("/c2c/", headers={"Cookie": session})
        assert page.status_code == 200
        assert "/api//" not in page.text
        assert "Needs attention" in page.text


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/c2c", "c2c/"),
        ("/c2c/headers?a=b", "./headers/?a=b"),
        ("/c2c/logging/level/", "../level"),
    ],
)
def test_redirections_are_relative(server: Uvicorn, path: str, location: str) -> None:
    """No proxy needs to tell its scheme, its host or its prefix."""
    reply = httpx.get(server.url + path)
    assert (reply.status_code, reply.headers["location"]) == (307, location)


@pytest.mark.parametrize("path", ["/livez", "/c2c/livez", "/c2c/health_checks"])
def test_probes(server: Uvicorn, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 200
