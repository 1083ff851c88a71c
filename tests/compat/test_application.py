"""The application of contract section 12, run by uvicorn as it stands."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.net import free_port
from tests.support.processes import RedisServer, Uvicorn

SECRET = "a-secret-for-tests"
KEY = {"X-API-Key": SECRET}


@pytest.fixture(scope="module")
def client(application: Path) -> Iterator[httpx.Client]:
    with RedisServer() as redis_server:
        yield from _client(application, redis_server)


def _client(application: Path, redis_server: RedisServer) -> Iterator[httpx.Client]:
    env = {
        "C2C__REDIS__URL": redis_server.url,
        "C2C__REDIS__BROADCAST_PREFIX": "compat_",
        "C2C__AUTH__SECRET": SECRET,
        "C2C__PROMETHEUS__PORT": "0",
        "C2C__HTTP": "True",
        "C2C__PROXY_HEADERS__TYPE": "x-forwarded",
        "C2C__SENTRY__DSN": f"http://key@127.0.0.1:{free_port()}/1",
        "C2C__SENTRY__TAG_SERVICE": "compat",
    }
    with (
        Uvicorn("main:app", cwd=application, env=env, workers=2) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        yield client


def test_health(client: httpx.Client) -> None:
    """The three checks of the library and one of the application's own, on both paths."""
    for path in ("/c2c/health/", "/c2c/health_checks", "/c2c/health_checks/", "/c2c/health"):
        reply = client.get(path, params={"tags": "all"}, headers=KEY, follow_redirects=True)
        assert reply.status_code == 200, reply.text
        assert set(reply.json()) >= {"status_code", "time_taken", "entities"}
        names = [entity["name"] for entity in reply.json()["entities"]]
        assert sorted(names) == ["Alembic", "Mine", "Redis", "SQLAlchemy"]
    reply = client.get("/c2c/health/", params={"name": "Mine"}, headers=KEY)
    assert reply.json()["entities"][0]["payload"] == {"message": "fine"}
    assert client.get("/c2c/health/", params={"tags": "unknown"}).json()["entities"] == []


def test_echo_reaches_both_workers(client: httpx.Client) -> None:
    """The late-assigned decorated handler answers once for each process, as models."""
    replies = client.get("/echo").json()
    assert len(replies) == 2
    assert {reply["text"] for reply in replies} == {"hi"}
    assert len({reply["pid"] for reply in replies}) == 2
    assert all(reply["pid"] == reply["by"] for reply in replies)


def test_log_level(client: httpx.Client) -> None:
    """One POST changes the level; the replies have the documented shape."""
    url = "/c2c/logging/level"
    assert client.get(url, params={"name": "compat"}).status_code == 403
    written = client.post(url, json={"name": "compat", "level": "debug"}, headers=KEY).json()
    report = {"asked": 2, "answered": 2, "missing": [], "failed": [], "complete": True}
    assert report.items() <= written["cluster"].items()
    for _ in range(6):
        read = client.get(url, params={"name": "compat", "secret": SECRET}).json()
        assert read.pop("warning") == "no log handler writes records below WARNING"
        assert read == {"name": "compat", "level": "DEBUG", "effective_level": "DEBUG"}
    overrides = client.get("/c2c/logging/overrides", headers=KEY).json()
    (override,) = overrides["overrides"]
    assert (override["name"], override["level"]) == ("compat", "DEBUG")


def test_private_route(client: httpx.Client) -> None:
    """The protected route asks for a sign-in."""
    assert client.get("/private").status_code == 403
    assert client.get("/private", headers=KEY).json() == {"private": True}


def test_security_headers(client: httpx.Client) -> None:
    """The default headers are there, and the rule of the application removed one."""
    headers = client.get("/echo").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "Strict-Transport-Security" not in headers


def test_nonce_page(application: Path) -> None:
    """The nonce of the header is the nonce of the page, another one for each request."""
    with Uvicorn("nonce_page:app", cwd=application) as server:
        nonces = set()
        for _ in range(2):
            reply = httpx.get(server.url + "/my-page", timeout=10)
            found = re.search(r'nonce="([^"]+)"', reply.text)
            assert found is not None
            assert f"script-src 'self' 'nonce-{found[1]}'" in reply.headers["Content-Security-Policy"]
            nonces.add(found[1])
    assert len(nonces) == 2


@pytest.mark.parametrize("with_redis", [False, True], ids=["alone", "redis"])
def test_script(application: Path, redis_server: RedisServer, *, with_redis: bool) -> None:
    """The script starts, logs through the configuration and ends by itself."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    if with_redis:
        env["C2C__REDIS__URL"] = redis_server.url
    done = subprocess.run(
        [sys.executable, "-X", "dev", "script.py"],
        cwd=application,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the script ran" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "was destroyed" not in done.stderr


def test_metrics_port(application: Path) -> None:
    """The metrics port that the application opens itself shows the library's names."""
    port = free_port()
    with Uvicorn("main:app", cwd=application, env={"C2C__PROMETHEUS__PORT": str(port)}) as server:
        httpx.get(server.url + "/c2c/health/", timeout=10)
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    assert 'c2casgiutils_health_checks_failure{name="Mine"} 0.0' in text
    assert "http_requests_inprogress" in text
