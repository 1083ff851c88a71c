"""Each server with two workers and `LOG_TYPE=json`: all of its lines, under load, through one pipe."""

import asyncio
import json
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.log_servers import ACCESS_LOGGERS, SERVERS, LogServer

ENVIRONMENT = {
    "LOG_TYPE": "json",
    "PYTHONWARNINGS": "always::DeprecationWarning",
    "C2C__TOOLS__LOGGING__APPLICATION_MODULE": "tests",
}


@pytest.fixture(scope="module")
def lines() -> dict[str, list[str]]:
    """The lines of all servers, which run side by side."""

    async def load(servers: list[LogServer]) -> None:
        await asyncio.gather(*(server.load(1) for server in servers))

    with ExitStack() as stack:
        servers = [stack.enter_context(LogServer(name, ENVIRONMENT)) for name in SERVERS]
        asyncio.run(load([server.wait() for server in servers]))
        return dict(zip(SERVERS, (server.stop() for server in servers), strict=True))


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def records(lines: dict[str, list[str]], server: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines[server]]


def test_every_line_is_json_and_short(lines: dict[str, list[str]], server: str) -> None:
    for line in lines[server]:
        assert isinstance(json.loads(line), dict), line
        assert len(line.encode()) < 4096
    assert any("characters left out" in line for line in lines[server])


def test_the_lines_of_the_server(records: list[dict[str, Any]], server: str) -> None:
    """Its start and its access log are there, once."""
    names = Counter(record["logger_name"] for record in records)
    assert names.keys() & {"uvicorn.error", "gunicorn.error", "hypercorn.error", "_granian"}
    access = [record for record in records if record["logger_name"] == ACCESS_LOGGERS[server]]
    answered = Counter((record["path"], record["status_code"]) for record in access)
    assert answered["/items/0", 200] == 1
    assert answered["/boom/2", 500] == 1
    assert {record["client_addr"] for record in access} == {"127.0.0.1"}
    assert {record["method"] for record in access} == {"GET"}


def test_the_lines_of_the_application(records: list[dict[str, Any]]) -> None:
    """Those of both workers, with the fields of their requests and the level of `LOG_LEVEL`."""
    asked = [
        record for record in records if record["logger_name"] == "tests.support.log_app" and "item" in record
    ]
    assert len(asked) == 50
    assert {record["matched_route"] for record in asked} == {"/items/{item}"}
    assert {record["path"] for record in asked} == {f"/items/{4 * n}" for n in range(50)}
    assert len({record["request_id"] for record in asked}) == 50
    assert not any(record["msg"] == "details" for record in records)
    assert any(record["logger_name"] == "py.warnings" for record in records)


def test_no_secret_is_in_a_line(lines: dict[str, list[str]], server: str) -> None:
    assert not any("hunter2" in line for line in lines[server])
