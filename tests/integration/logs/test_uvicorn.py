"""The packaged logging configuration under a real uvicorn."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from c2casgiutils import logs
from tests.support.net import wait_for
from tests.support.processes import Process, Uvicorn

APPLICATION = "tests.integration.logs.application:app"
MODULE = {"C2C__TOOLS__LOGGING__APPLICATION_MODULE": "my_app"}


def uvicorn(workers: int = 1, **environment: str) -> Uvicorn:
    return Uvicorn(
        APPLICATION, "--log-config", str(logs.CONFIG_FILE), workers=workers, env={**MODULE, **environment}
    )


def ask(server: Uvicorn, path: str) -> int:
    return httpx.get(f"{server.url}{path}", timeout=10).status_code


def lines(server: Uvicorn, *texts: str) -> list[str]:
    """The lines of the log, once each of the texts is in it."""
    wait_for(lambda: all(text in server.output for text in texts), what=f"{texts} in the log")
    return server.output.splitlines()


@pytest.fixture(scope="module")
def loaded() -> list[dict[str, Any]]:
    """The records of two workers under parallel requests, each line read as JSON."""
    paths = ["/?secret=hunter2", "/c2c/readyz", "/missing?code=hunter2", "/boom"]
    with uvicorn(workers=2, LOG_TYPE="json", PYTHONWARNINGS="always") as server:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: ask(server, paths[number % len(paths)]), range(200)))
        ask(server, "/the-last-one")
        return [json.loads(line) for line in lines(server, "the-last-one")]


def named(records: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [record for record in records if record["logger_name"] == name]


def test_every_record_is_json(loaded: list[dict[str, Any]]) -> None:
    paths = Counter(record["path"] for record in named(loaded, "uvicorn.access"))
    assert paths.pop("/") >= 50
    assert paths == {"/missing": 50, "/boom": 50, "/the-last-one": 1}
    assert len({record["pid"] for record in loaded}) >= 3
    assert all(set(record) >= {"msg", "level", "level_name", "timestamp", "host"} for record in loaded)


def test_records_of_the_application(loaded: list[dict[str, Any]]) -> None:
    asked = [record for record in named(loaded, "my_app.views") if record["msg"].startswith("asked")]
    assert {record["request_id"] for record in asked} == {"the id"}
    assert {record["more"] for record in asked} == {"{'a': 'b'}"}


def test_no_secret_is_in_the_log(loaded: list[dict[str, Any]]) -> None:
    assert "hunter2" not in json.dumps(loaded)
    assert any("secret=***" in record["msg"] for record in named(loaded, "uvicorn.access"))
    assert any("token=***" in record.get("full_message", "") for record in named(loaded, "uvicorn.error"))


def test_warnings_are_json(loaded: list[dict[str, Any]]) -> None:
    """What Python's `warnings` module shows is a record too."""
    warned = named(loaded, "py.warnings")
    assert warned
    assert all("DeprecationWarning: an old way" in record["msg"] for record in warned)
    assert {record["level_name"] for record in warned} == {"WARNING"}


def test_successful_probes_are_not_in_the_log(loaded: list[dict[str, Any]]) -> None:
    assert not [record for record in loaded if record.get("path") == "/c2c/readyz"]


def test_console_lines_levels_and_probes() -> None:
    """By default INFO of the application, WARNING of the others; a failing probe is logged."""
    with uvicorn() as server:
        ask(server, "/?secret=hunter2")
        for status in (200, 503, 200, 200):
            ask(server, f"/c2c/readyz?status={status}")
        ask(server, "/the-last-one")
        output = "\n".join(lines(server, "the-last-one"))
    assert "INFO     my_app.views asked\n    for /?secret=*** [the id]" in output
    assert "details" not in output
    assert "SELECT 1" not in output
    assert "chatter" not in output
    assert output.count("/c2c/readyz") == 1
    assert "hunter2" not in output


def test_levels_of_the_environment() -> None:
    with uvicorn(LOG_LEVEL="debug", SQL_LOG_LEVEL="Info", OTHER_LOG_LEVEL="INFO") as server:
        ask(server, "/")
        lines(server, "details", "SELECT 1", "chatter")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_wrong_level_is_one_line(workers: int) -> None:
    server = uvicorn(workers=workers, LOG_LEVEL="LOUD", LOG_TYPE="xml")
    try:
        Process.start(server)
        assert server.wait(30) == 3
        names = [line.partition(":")[0] for line in server.output.splitlines()]
    finally:
        server.kill()
    assert sorted(names) == ["LOG_LEVEL", "LOG_TYPE"]
