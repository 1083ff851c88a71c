"""The applications of docs/other-frameworks.md under uvicorn."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from c2casgiutils import logs
from tests.support.net import free_port
from tests.support.pages import ROOT, blocks
from tests.support.processes import RedisServer, Uvicorn

KEY = {"X-API-Key": "a-secret-of-the-test"}
STARLETTE, LITESTAR, MOUNTED = (
    block.code for block in blocks("python") if block.page == "other-frameworks.md"
)
APPLICATIONS = {"starlette": STARLETTE, "litestar": LITESTAR, "mounted in litestar": MOUNTED}


@dataclass
class Served:
    """An application that is served."""

    name: str
    server: Uvicorn
    redis: RedisServer

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.server.url}{path}", headers={**KEY, **headers}, timeout=30)

    def in_roster(self) -> list[str]:
        """The ids of the processes, also of those that are lost."""
        with self.redis.client() as client:
            (roster,) = client.keys("*_instances")
            return [str(id_) for id_ in client.hkeys(roster) if ":" in str(id_)]

    def records(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.server.output.splitlines()]


@pytest.fixture(scope="module", params=APPLICATIONS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("application")
    (folder / "main.py").write_text(APPLICATIONS[request.param])
    with RedisServer() as redis:
        env = {
            "PYTHONPATH": f"{ROOT}:{folder}",
            "LOG_TYPE": "json",
            "C2C__AUTH__SECRET": KEY["X-API-Key"],
            "C2C__HTTP": "True",
            "C2C__PROMETHEUS__PORT": str(free_port()),
            "C2C__REDIS__URL": redis.url,
            "C2C__TOOLS__LOGGING__APPLICATION_MODULE": "main",
        }
        options = ("--log-config", str(logs.JSON_CONFIG_FILE))
        with Uvicorn("main:app", *options, cwd=folder, env=env) as server:
            served = Served(request.param, server, redis)
            yield served
            check_end(served)


def check_end(served: Served) -> None:
    """The process ends without an error, and leaves the roster."""
    assert served.in_roster() != []
    served.server.terminate()
    assert "Finished server process" in served.server.output  # then uvicorn repeats the signal
    assert "Traceback" not in served.server.output
    assert served.in_roster() == []


def test_health(served: Served) -> None:
    assert served.get("/c2c/readyz").text == "ok"
    assert served.get("/c2c/health/").json()["status_code"] == 200


def test_the_routes_of_the_application(served: Served) -> None:
    assert served.get("/").json() == {"message": "Hello world"}
    assert served.get("/missing").status_code == 404
    assert served.get("/c2cx").status_code == 404


def test_a_protected_route(served: Served) -> None:
    if served.name == "starlette":
        assert served.get("/report").json() == {"orders": 3}
        assert httpx.get(f"{served.server.url}/report", timeout=30).status_code == 403


def test_the_page_and_its_links(served: Served) -> None:
    """All are relative to the mount, and lead to pages."""
    assert urljoin("/c2c", served.get("/c2c").headers["location"]).endswith("/c2c/")
    page = served.get("/c2c/", Accept="text/html")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    links = {urljoin("/c2c/", link) for link in re.findall(r'(?:href|src)="([^":#]+)"', page.text)}
    assert len(links) > 10
    assert {link: served.get(link).status_code for link in links} == dict.fromkeys(links, 200)
    assert all(link.startswith("/c2c/") for link in links)


def test_sign_in(served: Served) -> None:
    """The cookie belongs to the mount."""
    answer = httpx.post(f"{served.server.url}/c2c/auth/login", data={"secret": KEY["X-API-Key"]}, timeout=30)
    assert answer.status_code == 200
    assert "; Path=/c2c;" in answer.headers["set-cookie"]


def test_level(served: Served) -> None:
    """It changes the logger of the process, whose lines have the id of their request."""
    address = f"{served.server.url}/c2c/logging/loggers/main"
    answer = httpx.put(address, headers=KEY, json={"level": "DEBUG"}, timeout=30)
    assert (answer.status_code, answer.json()["effective_level"]) == (200, "DEBUG")
    served.get("/", **{"X-Request-ID": "one-of-the-test"})
    lines = [record for record in served.records() if record["msg"] == "asked for a greeting"]
    assert lines
    if served.name != "mounted in litestar":  # has no middlewares of ours
        assert lines[-1]["request_id"] == "one-of-the-test"


def test_metrics(served: Served) -> None:
    assert served.get("/").status_code == 200
    text = served.get("/c2c/metrics").text
    assert "c2casgiutils_process_threads" in text
    handlers = {"starlette": '"/"', "litestar": '"none"'}  # the third one has no middlewares of ours
    assert f"http_requests_total{{handler={handlers.get(served.name)}," in text or served.name not in handlers
