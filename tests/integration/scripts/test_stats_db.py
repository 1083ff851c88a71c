"""The statistics of a database, read by a real Prometheus client or pushed to an HTTP server."""

import base64
import importlib
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from c2casgiutils.scripts.stats_db import main
from tests.support.net import free_port
from tests.support.postgres import PASSWORD, PASSWORD_QUOTED, USER, PostgresServer
from tests.support.scripts import call, on_terminal, refusal

Samples = dict[tuple[str, str], float]
TRIES = {"try_number": 2, "sleep": "100ms", "password": PASSWORD}


def samples(text: str) -> Samples:
    """The values by the name and the labels, without the prefix."""
    return {
        (
            sample.name.removeprefix("c2casgiutils_database_"),
            ",".join(sorted(sample.labels.values())),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Scraper:
    """Reads the metrics in a thread, once they are served."""

    def __init__(self, *paths: str) -> None:
        self.port = free_port()
        self.settings = {"prometheus": {"port": self.port}, "stats_db": TRIES}
        self.texts: list[str] = []
        self._paths = list(paths)
        self._thread = threading.Thread(target=self._scrape)
        self._thread.start()

    def _scrape(self) -> None:
        end = time.monotonic() + 60
        while self._paths and time.monotonic() < end:
            try:
                self.texts.append(httpx.get(f"http://127.0.0.1:{self.port}{self._paths[0]}", timeout=5).text)
                self._paths.pop(0)
            except httpx.TransportError:
                time.sleep(0.05)

    def result(self) -> str:
        """What was read last."""
        self._thread.join()
        return self.texts[-1]


def url(postgres: PostgresServer, driver: str = "postgresql") -> str:
    """Without the password."""
    return f"{driver}://{USER}@127.0.0.1:{postgres.port}/postgres"


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+asyncpg"])
def test_one_scrape(postgres: PostgresServer, driver: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends after it, with all metrics; what is asked on the command line is a metric, too."""
    extra = [
        "--extra",
        "SELECT 'toto:x 100%', 42",
        "--extra-gauge",
        "SELECT 'toto', 42.5",
        "toto",
        "toto help",
    ]
    scraper = Scraper("/healthz", "/metrics")
    schemas = ["--schema=public", "--schema=other"]
    assert call(main, "--db", url(postgres, driver), *schemas, *extra, **scraper.settings) == 0
    text = scraper.result()
    found = samples(text)
    assert found["table_count", "item,public"] == 1000
    assert ("table_count", "never_analysed,public") not in found
    assert found["table_size", "item,public"] > 8192
    assert found["table_size", "public,view_of_item"] > 8192
    assert {"part,public", 'a "quoted" name; DROP,other'} <= {
        key for name, key in found if name == "table_size"
    }
    assert found["table_index_size", "item,item_pkey,main,public"] > 8192
    assert found["table_index_size", "fsm,item,item_pkey,public"] >= 0
    for action in ("fetch", "read", "scan"):
        labels = ",".join(sorted([action, "item", "item_pkey", "public"]))
        assert found["table_index_usage", labels] >= 0
    assert found["extra", "toto:x 100%"] == 42
    assert found["toto", "toto"] == 42.5
    assert "toto help" in text
    assert capsys.readouterr().err == ""


def test_nobody_reads(postgres: PostgresServer) -> None:
    """It waits until SIGTERM ends it; on a terminal it says what it does, without leaving a trace."""
    env = {"C2C__PROMETHEUS__PORT": str(free_port()), "C2C__STATS_DB__PASSWORD": PASSWORD}
    until, number = "waiting for a scrape of 127.0.0.1 port ", signal.SIGTERM
    code, shown = on_terminal("stats_db", "--db", url(postgres), until=until, number=number, env=env)
    assert code == 143
    assert "\r\x1b[Kreading table 1 of " in shown
    assert shown.endswith("\r\x1b[K")


def test_several_scrapes(postgres: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--db", url(postgres), "--wait-scrapes=2"]
    scraper = Scraper("/metrics", "/")
    assert call(main, *options, **scraper.settings) == 0
    assert scraper.result() == scraper.texts[0]
    scraper = Scraper("/metrics")
    assert call(main, *options, "--wait-timeout=2s", **scraper.settings) == 5
    assert capsys.readouterr().err == "c2casgiutils-stats-db: nobody read the metrics within --wait-timeout\n"


def test_a_part_fails(postgres: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is there, one line for each failure says what it is, and the exit code is 1."""
    queries = [
        "SELEC 1",
        "SELECT 'one'",
        "SELECT 'one', 'x'",
        "INSERT INTO item VALUES (0)",
        "SELECT NULL, NULL",
    ]
    extras = [part for query in queries for part in ("--extra", query)]
    scraper = Scraper("/metrics")
    schemas = ["--schema=public", "--schema=absent"]
    with postgres.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE never_analysed IN ACCESS EXCLUSIVE MODE")
        assert call(main, "--db", url(postgres), *schemas, *extras, **scraper.settings) == 1
    found = samples(scraper.result())
    assert found["table_count", "item,public"] == 1000
    assert ("table_size", "never_analysed,public") not in found
    errors = capsys.readouterr().err
    assert [line.removeprefix("c2casgiutils-stats-db: ") for line in errors.splitlines()] == [
        "table public.never_analysed: canceling statement due to lock timeout",
        "--schema: there is no schema absent",
        '--extra SELEC 1: syntax error at or near "SELEC"',
        "--extra SELECT 'one': accepted are rows of a metric and a value, got 1 columns",
        "--extra SELECT 'one', 'x': the second column must be a number, got str",
        "--extra INSERT INTO item VALUES (0): cannot execute INSERT in a read-only transaction",
    ]


class Gateway(BaseHTTPRequestHandler):
    """Keeps what is pushed."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.pushed.append((self.path, self.headers.get("Authorization"), body))  # type: ignore[attr-defined]  # of the test
        self.send_response(self.server.status)  # type: ignore[attr-defined]  # of the test
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        server.pushed, server.status = [], 200  # type: ignore[attr-defined]  # of the test
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def test_push(postgres: PostgresServer, gateway: HTTPServer) -> None:
    """Without any port; the instance is a part of the group, the credentials are in the header."""
    address = f"http://me:made-up%40word@127.0.0.1:{gateway.server_port}"
    options = ["--db", url(postgres), "--prometheus_url", address, "--prometheus-instance", "one"]
    assert call(main, *options, prometheus={"port": 0}, stats_db=TRIES) == 0
    ((path, authorization, body),) = gateway.pushed  # type: ignore[attr-defined]  # of the test
    assert path == "/metrics/job/db_counts/instance/one"
    assert authorization == "Basic " + base64.b64encode(b"me:made-up@word").decode()
    assert samples(body)["table_count", "item,public"] == 1000


@pytest.mark.parametrize("status", [None, 400])
def test_the_gateway_fails(
    postgres: PostgresServer, gateway: HTTPServer, capsys: pytest.CaptureFixture[str], status: int | None
) -> None:
    gateway.status = status  # type: ignore[attr-defined]  # of the test
    port = gateway.server_port if status else free_port()
    options = ["--db", url(postgres), "--prometheus-url", f"me:made-up@127.0.0.1:{port}"]
    assert call(main, *options, stats_db=TRIES) == 4
    errors = capsys.readouterr().err
    assert errors.startswith("c2casgiutils-stats-db: the Pushgateway 127.0.0.1: ")
    assert errors.count("\n") == 1
    assert "made-up" not in errors
    assert len(gateway.pushed) == (2 if status else 0)  # type: ignore[attr-defined]  # of the test


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+asyncpg"])
def test_the_database_is_unreachable(
    postgres: PostgresServer, driver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It tries again, and the last failure is one line without the password; so is a wrong password."""
    nobody, wrong = f"{driver}://{USER}@127.0.0.1:{free_port()}/x", "made-up-wrong"
    for address, password in ((nobody, PASSWORD), (url(postgres, driver), wrong)):
        assert call(main, "--db", address, stats_db={**TRIES, "password": password}) == 4
        errors = capsys.readouterr().err
        assert errors.startswith("c2casgiutils-stats-db: the database is unreachable: ")
        assert errors.count("\n") == 1
        assert password not in errors


def test_a_database_that_comes_up_later(postgres: PostgresServer) -> None:
    postgres.stop()
    timer = threading.Timer(1, postgres.ensure_up)
    timer.start()
    scraper = Scraper("/metrics")
    settings = {**scraper.settings, "stats_db": {"password": PASSWORD, "try_number": 30}}
    assert call(main, "--db", url(postgres), **settings) == 0
    timer.join()
    assert samples(scraper.result())["table_count", "item,public"] == 1000


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param([], "--db: is missing, and C2C__DB__URL is not set", id="no database"),
        pytest.param(
            ["--db", f"mysql://u:{PASSWORD_QUOTED}@h/d"], "--db: must be a URL that starts with", id="mysql"
        ),
        pytest.param(
            ["--db", f"postgresql://u:{PASSWORD_QUOTED}@h:x/d"], "--db: is not a valid URL", id="port"
        ),
        pytest.param(["--db", "sqlite:///x"], "--db: must be the URL of a PostgreSQL database", id="sqlite"),
        pytest.param(
            ["--extra-gauge", "SELECT 1", "a-b", "x"], "'a-b' is not the name of a metric", id="name"
        ),
        pytest.param(
            ["--extra-gauge", "SELECT 1", "table_count", "x"], "already a metric table_count", id="taken"
        ),
        pytest.param(["--prometheus-url", "ftp://u:secret@h"], "must be an http or https URL", id="gateway"),
        pytest.param(
            ["--prometheus-url", "http://u:secret@h:x"], "must be an http or https URL", id="its port"
        ),
        pytest.param(["--wait-scrapes", "0"], "must be a whole number, at least 1", id="scrapes"),
        pytest.param(
            ["--wait-timeout", "soon"], "Invalid time delta: 'soon'; accepted are ISO 8601", id="time-out"
        ),
        pytest.param(["--nonsense"], "unrecognized arguments: --nonsense", id="unknown"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str) -> None:
    """One line, without the password."""
    code, line = refusal(main, arguments, capsys)
    assert code == 2
    assert problem in line
    assert "secret" not in line
    assert PASSWORD_QUOTED not in line


def test_without_a_port_and_without_a_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, "--db", "postgresql://h/d", prometheus={"port": 0}) == 2
    assert "C2C__PROMETHEUS__PORT is 0" in capsys.readouterr().err


def test_a_port_in_use(
    postgres: PostgresServer, gateway: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    port = gateway.server_port
    assert call(main, "--db", url(postgres), prometheus={"port": port}, stats_db=TRIES) == 3
    errors = capsys.readouterr().err
    assert errors == f"C2C__PROMETHEUS__PORT: cannot listen on {port}: Address already in use\n"


@pytest.mark.parametrize("script", ["genversion", "grade", "migrate_env", "models_graph", "stats_db", "wait"])
def test_help(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With examples and the exit codes."""
    module = importlib.import_module(f"c2casgiutils.scripts.{script}")
    assert call(module.main, "--help") == 0
    shown = capsys.readouterr().out
    assert "examples:\n  " in shown
    assert "exit codes:\n  0  " in shown
