"""Waiting for servers that come up, and for some that do not."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from c2casgiutils.scripts.wait import main
from tests.support.net import SOON_SECONDS, free_port
from tests.support.postgres import PASSWORD, PASSWORD_QUOTED, PostgresServer
from tests.support.processes import RedisServer
from tests.support.scripts import call, on_terminal, refusal


def test_a_database(postgres: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    """It is ready once the server is; a server that hangs is not."""
    database = {"url": postgres.url("postgresql")}
    postgres.stop()
    with contextlib.closing(Later(postgres.ensure_up)):
        assert call(main, "db", db=database) == 0
    postgres.pause()
    capsys.readouterr()
    assert call(main, "db", "--timeout=1s", db=database) == 1
    error = capsys.readouterr().err
    assert error.startswith("c2casgiutils-wait: db is not ready after ")
    assert error.count("\n") == 1


class Later:
    """Does something in a second."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._timer = threading.Timer(1, work)
        self._timer.start()

    def close(self) -> None:
        self._timer.join()


def test_migrations(postgres: PostgresServer, tmp_path: Path) -> None:
    """Until they are run."""
    (tmp_path / "alembic.ini").write_text(f"[alembic]\nscript_location = {tmp_path}/migrations\n")
    versions = tmp_path / "migrations/versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").touch()
    (versions / "one.py").write_text("revision = 'one'\ndown_revision = None\n")
    database = {"url": postgres.url("postgresql")}
    arguments = ["alembic", "--config", str(tmp_path / "alembic.ini"), "--timeout=1s"]
    assert call(main, *arguments, db=database) == 1
    with postgres.connect() as connection:
        connection.execute("CREATE TABLE alembic_version AS SELECT 'one' AS version_num")
    assert call(main, *arguments, db=database) == 0
    with postgres.connect() as connection:
        connection.execute("DROP TABLE alembic_version")


class Service(BaseHTTPRequestHandler):
    """Ready at the third request."""

    def do_GET(self) -> None:
        self.server.requests += 1  # type: ignore[attr-defined]  # of the test
        self.send_response(200 if self.server.requests > 2 else 503)  # type: ignore[attr-defined]  # of the test
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        server.requests = 0  # type: ignore[attr-defined]  # of the test
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_service(service: HTTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, "url", f"http://127.0.0.1:{service.server_port}/readyz") == 0
    assert service.requests == 3  # type: ignore[attr-defined]  # of the test
    assert call(main, "url", f"http://me:made-up@127.0.0.1:{free_port()}", "--timeout=200ms") == 1
    error = capsys.readouterr().err
    assert error.startswith("c2casgiutils-wait: url is not ready after ")
    assert "made-up" not in error


def test_redis(redis_server: RedisServer) -> None:
    assert call(main, "redis", redis={"url": redis_server.url}) == 0
    with RedisServer(password="made-up-word") as other:
        assert call(main, "redis", redis={"url": other.url}) == 0
        other.pause()
        started = time.monotonic()
        assert call(main, "redis", "--timeout=1s", redis={"url": other.url}) == 1
        assert time.monotonic() - started < SOON_SECONDS


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_and_progress(number: int, code: int) -> None:
    """On a terminal it says what it waits for, until a signal ends it."""
    shown = on_terminal(
        "wait", "url", f"http://127.0.0.1:{free_port()}", until="waiting for", number=number, env={}
    )
    assert shown[0] == code
    assert "\r\x1b[Kwaiting for url since " in shown[1]
    assert shown[1].endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        pytest.param([], 2, "required: WHAT", id="nothing"),
        pytest.param(["moon"], 2, "invalid choice: 'moon'", id="unknown"),
        pytest.param(["url"], 2, "required: ADDRESS", id="no address"),
        pytest.param(["url", "ftp://me:made-up@host"], 2, "must be an http or https URL", id="address"),
        pytest.param(["url", "http://h", "--timeout=soon"], 2, "Invalid time delta: 'soon'", id="time-out"),
        pytest.param(["db"], 3, "C2C__DB__URL: is missing", id="no database"),
        pytest.param(["alembic"], 3, "C2C__DB__URL: is missing", id="no database of migrations"),
        pytest.param(["redis"], 3, "C2C__REDIS__URL: is missing", id="no Redis"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, problem: str) -> None:
    assert_code, line = refusal(main, arguments, capsys)
    assert assert_code == code
    assert problem in line
    assert "made-up" not in line


def test_a_file_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, "alembic", "--config=absent.ini", db={"url": "sqlite:///x"}) == 2
    assert "argument --config: absent.ini does not exist" in capsys.readouterr().err


def test_a_wrong_password(postgres: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not shown."""
    wrong = postgres.url("postgresql", password="made-up-wrong")
    assert call(main, "db", "--timeout=200ms", db={"url": wrong}) == 1
    error = capsys.readouterr().err
    assert "password authentication failed" in error
    for password in ("made-up-wrong", PASSWORD, PASSWORD_QUOTED):
        assert password not in error
