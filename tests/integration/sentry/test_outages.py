"""What is expected to fail now and then is at most one Sentry event; a fault of the code is one."""

import collections
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.fake_github import FakeGitHub
from tests.support.fake_sentry import FakeSentry
from tests.support.net import free_port, wait_for
from tests.support.processes import RedisServer, Uvicorn

KEY = {"X-API-Key": "a-secret-for-tests"}
CHECKS = ["critical", "degrading", "info", "background", "thread", "url", "database", "databases"]


@pytest.fixture
def fake_sentry() -> Iterator[FakeSentry]:
    """An ingest server."""
    with FakeSentry() as fake:
        yield fake
        assert fake.problems == []


def serve(fake: FakeSentry, **env: str) -> Uvicorn:
    """The application, not started yet; what it sends to Sentry is complete once it has crashed."""
    variables = {
        "CLOSED_PORT": str(free_port()),
        "C2C__SENTRY__DSN": fake.dsn,
        "C2C__AUTH__SECRET": KEY["X-API-Key"],
        "C2C__PROMETHEUS__PORT": "0",
        "C2C__REDIS__BROADCAST_PREFIX": "outages_",
    }
    return Uvicorn("tests.integration.sentry.application:app", env=variables | env)


def titles(fake: FakeSentry, server: Uvicorn) -> list[str]:
    """The events so far, after one for a fault of the application, which shows that events arrive."""
    httpx.get(f"{server.url}/crash", timeout=20)
    wait_for(lambda: any("a fault of the application" in title(event) for event in fake.events), what="crash")
    found = [title(event) for event in fake.events]
    return [text for text in found if "a fault of the application" not in text]


def title(event: dict[str, object]) -> str:
    """The last exception of an event, or its message."""
    exceptions = event.get("exception", {}).get("values", [])  # type: ignore[attr-defined]  # JSON
    if exceptions:
        return f"{exceptions[-1]['type']}: {exceptions[-1]['value']}"
    return str(event.get("logentry"))


def test_failing_checks(fake_sentry: FakeSentry) -> None:
    """Several runs of a failing check, of whatever kind, are one change of state."""
    with (
        serve(fake_sentry, WITH_FAILING_CHECKS="1") as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        for _ in range(3):
            assert client.get("/readyz").status_code == 503
            time.sleep(1.1)  # a result is kept for a second
        assert max(collections.Counter(titles(fake_sentry, server)).values(), default=0) <= 1
        assert [server.output.count(f"Health check {name}: fail") for name in CHECKS] == [1] * len(CHECKS)


def test_redis_is_unreachable_from_the_start(fake_sentry: FakeSentry) -> None:
    """Probes and views that use Redis tell of one outage, not of one for each request."""
    url = f"redis://127.0.0.1:{free_port()}"
    with (
        serve(fake_sentry, C2C__REDIS__URL=url) as server,
        httpx.Client(base_url=server.url, timeout=20, headers=KEY) as client,
    ):
        for _ in range(3):
            assert client.get("/readyz").status_code == 503
            client.get("/c2c/health/cluster")
            assert client.post("/c2c/logging/level", json={"name": "x", "level": "INFO"}).status_code == 503
            assert client.get("/c2c/logging/overrides").json()["scope"] == "process"
            client.get("/c2c/audit")
            client.get("/c2c/")
            time.sleep(1.1)
        assert len(titles(fake_sentry, server)) <= 1


def test_redis_breaks_and_comes_back(fake_sentry: FakeSentry) -> None:
    """Two outages are two changes for the worse."""
    with (
        RedisServer() as redis_server,
        serve(fake_sentry, C2C__REDIS__URL=redis_server.url) as server,
        httpx.Client(base_url=server.url, timeout=20, headers=KEY) as client,
    ):
        for _ in range(2):
            wait_for(lambda: client.get("/readyz").status_code == 200, seconds=20, what="ready")
            redis_server.kill()
            for _ in range(3):
                wait_for(lambda: client.get("/readyz").status_code == 503, seconds=20, what="not ready")
                client.get("/c2c/health/cluster")
                time.sleep(1.1)
            redis_server.start()
        assert len(titles(fake_sentry, server)) <= 2


def test_github_is_unreachable(fake_sentry: FakeSentry) -> None:
    """Requests that GitHub would have to vouch for get 503 and are no event each."""
    github = FakeGitHub()  # not started
    env = {
        **github.environment(),
        "C2C__AUTH__SECRET": "",
        "C2C__AUTH__JWT__SECRET": "k" * 40,
        "C2C__AUTH__GITHUB__BEARER": "True",
    }
    with (
        serve(fake_sentry, **env) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        for number in range(3):
            headers = {"Authorization": f"Bearer ghu_{number}abcdefghijklmnopqrstuvwxyz"}
            assert client.get("/c2c/versions.json", headers=headers).status_code == 503
            assert client.get("/c2c/", headers=headers).status_code == 200
            time.sleep(1.1)
        assert len(titles(fake_sentry, server)) <= 1
        assert server.output.count("GitHub") == 1


@pytest.mark.parametrize("with_redis", [False, True], ids=["alone", "redis"])
def test_a_handler_that_raises(
    fake_sentry: FakeSentry, redis_server: RedisServer, *, with_redis: bool
) -> None:
    """A broadcast handler that raises is one event, with its exception."""
    env = {"C2C__REDIS__URL": redis_server.url} if with_redis else {}
    with serve(fake_sentry, **env) as server:
        httpx.get(f"{server.url}/broadcast", timeout=20)
        assert titles(fake_sentry, server) == ["RuntimeError: a fault of the handler"]
