"""An application of c2cwsgiutils, moved by following `docs/migrate-from-c2cwsgiutils.md`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from c2casgiutils import logs
from tests.support.moved import SECRET, Moved, moved_application
from tests.support.net import wait_for
from tests.support.postgres import PostgresServer

PAGE = (Path(__file__).parents[2] / "docs" / "migrate-from-c2cwsgiutils.md").read_text()
KEY = {"X-API-Key": SECRET}
COMPOSE = """
services:
  app:
    image: hello
    command: gunicorn --paste=/app/production.ini
    environment:
      C2C_SECRET: {secret}
      C2C_BASE_PATH: /c2c
      C2C_ENABLE_EXCEPTION_HANDLING: 1
      C2C_LOG_VIEW_ENABLED: 1
      C2C_REDIS_URL: {redis}
      C2C_REDIS_OPTIONS: socket_timeout=3
      C2C_BROADCAST_PREFIX: hello_
      C2C_PROMETHEUS_PORT: {port}
      C2C_PROMETHEUS_PREFIX: hello_
      C2C_SQL_REQUEST_ID: 1
      SQLALCHEMY_URL: {database}
      SQLALCHEMY_POOL_RECYCLE: 30
      SQLALCHEMY_POOL_SIZE: 2
      SENTRY_TAG_SERVICE: hello
      STATSD_ADDRESS: statsd:8125
      GUNICORN_WORKERS: 2
      LOG_TYPE: json
"""


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """The application of the page, with what the script makes of the old compose file."""
    folder = tmp_path_factory.mktemp("moved")
    (block,) = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "install(" in code]
    (folder / "main.py").write_text(block)
    with PostgresServer() as postgres:
        with postgres.connect() as connection:
            connection.execute(
                "CREATE TABLE hello (id serial PRIMARY KEY, value text UNIQUE DEFERRABLE INITIALLY DEFERRED)"
            )
            connection.execute("INSERT INTO hello (value) VALUES ('master')")
        with moved_application(
            folder / "docker-compose.yaml",
            COMPOSE,
            "--log-config",
            str(logs.CONFIG_FILE),
            cwd=folder,
            converted="app.env",
            database=postgres.url("postgresql+psycopg2"),
        ) as running:
            yield running


def test_environment(moved: Moved) -> None:
    """The number of workers goes to the variable that uvicorn reads, and nothing old is left."""
    assert moved.env["WEB_CONCURRENCY"] == "2"
    assert [name for name in moved.env if re.match("C2C_(?!_)|SQLALCHEMY_|STATSD_|GUNICORN_", name)] == []


def test_database(moved: Moved) -> None:
    """What is written is committed before the answer, and a constraint that fails at the commit is a 400."""
    assert moved.client.get("/api/hello").json() == {"value": "master"}
    assert moved.client.put("/api/hello/again").status_code == 204
    duplicate = moved.client.put("/api/hello/again")
    assert (duplicate.status_code, duplicate.json()["status"]) == (400, 400)
    assert "again" not in duplicate.text


def test_errors(moved: Moved) -> None:
    """An error is a message and a status, as before."""
    body = moved.client.get("/api/nothing").json()
    assert {"message", "status"} <= body.keys()


def test_cors(moved: Moved) -> None:
    origin = {"Origin": "https://www.example.com"}
    assert moved.client.get("/api/hello", headers=origin).headers["access-control-allow-origin"] == "*"
    wanted = {**origin, "Access-Control-Request-Method": "PUT"}
    assert moved.client.options("/api/hello", headers=wanted).headers["access-control-max-age"] == "86400"


def test_broadcast(moved: Moved) -> None:
    """A decorated function answers through Redis, for those who may ask."""
    assert moved.client.get("/api/processes").status_code == 403

    def answers() -> bool:
        return bool(moved.client.get("/api/processes", headers=KEY).json() == [moved.server.pid])

    wait_for(answers, what="the answer of the process")


def test_monitoring(moved: Moved) -> None:
    """The old address of the health checks has their old shape, with the checks of both kinds."""
    vital = moved.client.get("/api/c2c/health_check").json()
    assert (set(vital["successes"]), vital["failures"]) == ({"db_default_read_write"}, {})
    everything = moved.client.get("/api/c2c/health_check?max_level=2", headers=KEY).json()
    assert {"db_default_read_write", "licence", "redis"} <= everything["successes"].keys()
    assert everything["successes"]["licence"]["result"] == {"days_left": 200}
    level = moved.client.get("/api/c2c/logging/level?name=root", headers=KEY).json()
    assert level["name"] == "root"
    assert moved.client.get("/api/c2c/logging/level", headers=KEY).json() == {"status": 200, "overrides": {}}


def test_metrics(moved: Moved) -> None:
    """The port and the prefix are those of the old environment."""
    moved.client.get("/api/hello")
    text = httpx.get(moved.metrics, timeout=20).text
    assert "hello_db_statement_duration_seconds" in text
    assert "hello_build_info" in text


def test_log(moved: Moved) -> None:
    """A line is JSON with the old keys, and has the id of the request, even one with blanks."""
    moved.client.get("/api/hello?logged", headers={"X-Request-ID": "42 is the answer"})

    def has_id() -> bool:
        lines = [json.loads(line) for line in moved.server.output.splitlines() if line.startswith("{")]
        return any(line.get("request_id") == "42 is the answer" for line in lines)

    wait_for(has_id, what="the line of the request")
