"""A Pyramid application of c2cwsgiutils, in `older`, moved by `docs/migrate-from-c2cwsgiutils.md`."""

import ast
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from c2casgiutils import logs
from c2casgiutils.acceptance import approx, retry, retry_timeout
from c2casgiutils.acceptance.connection import CacheExpected, Connection
from tests.support.fake_sentry import FakeSentry
from tests.support.moved import SECRET, Moved, moved_application
from tests.support.net import wait_for
from tests.support.postgres import PostgresServer

OLDER = Path(__file__).parent / "older"
PAGE = (Path(__file__).parents[2] / "docs" / "migrate-from-c2cwsgiutils.md").read_text()
KEY = {"X-API-Key": SECRET}
GIT_HASH = "0123456789abcdef"


class Stock(http.server.BaseHTTPRequestHandler):
    """The service that the application asks."""

    def do_GET(self) -> None:
        if self.path == "/status?verbose=1" and self.headers["X-Licence"] == "gold":
            body: object = {"open": True, "items": 12}
        else:
            body = {"request_id": self.headers["X-Request-ID"]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def stock() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stock) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def fake_sentry() -> Iterator[FakeSentry]:
    with FakeSentry() as server:
        yield server


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, stock: str, fake_sentry: FakeSentry) -> Iterator[Moved]:
    """The moved application with two workers, in the environment that is made of the compose file."""
    folder = tmp_path_factory.mktemp("older")
    (folder / "metrics").mkdir()
    shutil.copytree(OLDER / "moved", folder / "moved")
    with PostgresServer() as postgres:
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=folder / "moved",
            env={**os.environ, "C2C__DB__URL": postgres.url("postgresql")},
            check=True,
            timeout=60,
        )
        with moved_application(
            folder / "docker-compose.yaml",
            (OLDER / "docker-compose.yaml").read_text(),
            *("--log-config", str(logs.CONFIG_FILE), "--workers", "2"),
            cwd=folder / "moved",
            app="orders.main:app",
            converted="app.env",
            database=postgres.url("postgresql+psycopg2"),
            stock=stock,
            sentry=fake_sentry.dsn,
            multiproc=str(folder / "metrics"),
        ) as running:
            yield running


@pytest.fixture(scope="module")
def connection(moved: Moved) -> Iterator[Connection]:
    with Connection(f"{moved.server.url}/api/", "http://example.com") as connection:
        yield connection


def test_ping(connection: Connection) -> None:
    """The id of the request is kept, and the version is the old variable."""
    assert connection.get_json("ping", headers={"X-Varnish": "my id"}) == {
        "pong": True,
        "id": "my id",
        "version": GIT_HASH,
    }


def test_order(connection: Connection) -> None:
    """The requests of the old acceptance tests have the old answers."""
    connection.put_json("orders/one", json={"amount": 3}, expected_status=204, cors=False)
    assert connection.get_json("orders/one", cors=False) == approx({"reference": "one", "amount": 3.0})
    assert connection.post_json("search", json={"least": 2})["found"] >= 1
    connection.get_json("orders/two", expected_status=404, cors=False)
    again = connection.put_json("orders/one", json={"amount": 4}, expected_status=400, cors=False)
    assert again["status"] == 400


def test_old(connection: Connection) -> None:
    answer = connection.get_raw("old", expected_status=301, cache_expected=CacheExpected.DONT_CARE)
    assert answer.headers["Location"].endswith("/api/orders")


@retry(AssertionError, tries=3)
def test_health(connection: Connection) -> None:
    """Old monitoring finds its address, its levels and the names that the page tells."""
    vital = connection.get_json("c2c/health_check", cors=False)
    assert (set(vital["successes"]), vital["failures"]) == ({"db_default_read_write", "stock"}, {})
    second = connection.get_json("c2c/health_check", params={"max_level": "2"}, headers=KEY, cors=False)
    assert second["failures"] == {}
    assert second["successes"].keys() - vital["successes"].keys() == {
        *("alembic_default_read_write", "stock_status", "redis", "version", "licence"),
    }
    assert second["successes"]["stock_status"]["result"]["result"] == {"items": 12}
    one = connection.get_json(
        "c2c/health_check",
        params={"max_level": "4", "checks": "backlog"},
        headers=KEY,
        cors=False,
        expected_status=500,
    )
    assert one["failures"]["backlog"]["result"] == {"count": 1000}


def test_cache(connection: Connection) -> None:
    """Both processes answer a broadcast, for those who may ask."""
    connection.delete("cache", expected_status=403, cors=False)

    def answered() -> bool:
        answer = connection.delete("cache", headers=KEY, expected_status=200, cors=False)
        return bool(answer.json() == {"processes": 2, "sizes": [0, 0]})

    retry_timeout(answered)


def test_report(connection: Connection) -> None:
    connection.get_json("report", expected_status=403, cors=False)
    assert connection.get_json("report", headers=KEY, cors=False) == {"allowed": True}


def test_stock(connection: Connection) -> None:
    """The other service gets the id of the request."""
    sent = connection.get_json("stock", headers={"X-Request-ID": "another id"})
    assert sent == {"id_there": "another id"}


def test_views(connection: Connection) -> None:
    """The old addresses that only read answer, those that changed something say no."""

    def get(path: str, status: int = 200) -> httpx.Response:
        return connection.get_raw(f"c2c/{path}", headers=KEY, cors=False, expected_status=status)

    assert get("logging/level").json() == {"status": 200, "overrides": {}}
    assert get("logging/level?name=orders").json()["effective_level"] == "INFO"
    get("logging/level?name=orders&level=DEBUG", 405)
    assert len(get("debug/stacks").json()["groups"]) >= 1
    assert "epoch" in get("debug/time").json()
    assert "x-toto" in str(
        connection.get_json("c2c/debug/headers", headers={**KEY, "X-Toto": "42"}, cors=False)
    )
    assert "readonly" in get("db/maintenance").json()
    assert "enabled" in get("sql_profiler").json()
    get("github-login", 307)
    assert get("versions.json").json()["main"] == {"git_hash": GIT_HASH}
    connection.get("c2c/debug/stacks", expected_status=403, cors=False)


def test_metrics(moved: Moved) -> None:
    """The old port and prefix, with the metric of the application, of both workers together."""
    moved.client.post("/api/search", json={"least": 1})
    text = httpx.get(moved.metrics, timeout=20).text
    assert len(set(re.findall(r'orders_python_memory_info{.*pid="(\d+)"', text))) == 2
    for name in ("orders_db_statement_duration_seconds", "orders_search_seconds", "orders_build_info"):
        assert f"\n{name}" in text


def test_sentry(moved: Moved, fake_sentry: FakeSentry) -> None:
    """What `capture_exceptions` sends has the old tag, environment and release."""
    # the server closes the connection after an exception
    broken = httpx.put(f"{moved.server.url}/api/orders/broken", json={"amount": 1}, timeout=20)
    assert broken.status_code == 500
    event = fake_sentry.wait_for_events()[0]
    assert (event["environment"], event["release"], event["tags"]["service"]) == ("test", GIT_HASH, "orders")


def test_log(moved: Moved) -> None:
    """A line of the application has the old keys."""
    moved.client.get("/api/ping", headers={"X-Varnish": "a line of the log"})

    def has_line() -> bool:
        lines = [json.loads(line) for line in moved.server.output.splitlines() if line.startswith("{")]
        found = [line for line in lines if line["logger_name"] == "orders.services"]
        return any((line.get("request_id"), line.get("order")) == ("a line of the log", 42) for line in found)

    wait_for(has_line, what="the line of the request")


def test_script(moved: Moved) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orders.purge", "--least=2"],
        cwd=moved.folder,
        env={**os.environ, **moved.env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["0"]), done.stderr


def test_start(moved: Moved) -> None:
    """No variable is unknown or old."""
    assert re.findall(r".*(?:is deprecated|is not a known setting).*", moved.server.output) == []


def old_names() -> set[str]:
    """The names of c2cwsgiutils that the old application uses, and the keywords of its functions."""
    names = set[str]()
    for path in OLDER.rglob("*.txt"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("c2cwsgiutils"):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute) and ast.unparse(node).startswith(
                ("c2cwsgiutils.", "health_check.")
            ):
                names.add(node.attr)
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "request":
                names.add(f"request.{node.attr}")
            elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith(
                ("c2cwsgiutils.", "health_check.", "create")
            ):
                names |= {keyword.arg for keyword in node.keywords if keyword.arg}
    modules = {"health_check", "setup_process", "db", "services", "broadcast"}
    return names - modules


@pytest.mark.parametrize("name", sorted(old_names()))
def test_each_name_is_on_the_page(name: str) -> None:
    """What the old application uses is found on the page."""
    assert re.search(rf"`[^`\n]*\b{re.escape(name)}\b[^`\n]*`", PAGE)


def ini_keys() -> list[str]:
    text = (OLDER / "production.ini").read_text()
    return [
        key for key in re.findall(r"^(\S+) =", text, re.MULTILINE) if key.startswith(("c2c.", "sqlalchemy"))
    ]


@pytest.mark.parametrize("key", ini_keys())
def test_each_key_of_the_ini_file_has_a_variable(key: str) -> None:
    """By the rule of the page a key is a variable of its tables."""
    variable = re.sub(r"\W", "_", key).upper()
    variable = re.sub("^C2C_SENTRY_", "SENTRY_", variable)
    assert f"| `{variable}` |" in PAGE
