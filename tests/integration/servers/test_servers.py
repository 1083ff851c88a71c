"""Each server with two workers, Redis and JSON lines, from its start to SIGTERM: the commands of the docs."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.roster import is_settled
from tests.support.servers import ACCESS_LOGGERS, SERVERS, Server

KEY = {"X-API-Key": "a-secret-of-the-test"}
LOGGER = "tests.support.log_app"
LOADED = 50
"""Requests of each kind in the load."""


@dataclass
class Run:
    """What was seen of one server."""

    pids: set[int] = field(default_factory=set)
    level: dict[str, Any] = field(default_factory=dict)
    requests: int = LOADED
    measured: float = 0
    probes: list[tuple[int, str]] = field(default_factory=list)
    slow: int = 0
    exit_code: int | None = None
    left_behind: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


class Scenario:
    """What is done with one server, which other servers run beside."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._run = Run()
        # a connection for each request: the next one may reach the other worker
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=server.url, headers=KEY, timeout=30, limits=limits)

    async def play(self) -> Run:
        """Load the server, change a level, and stop it while it works."""
        async with self._client:
            await self._server.load(1)
            await eventually(self._knows_both, what="two workers in the roster")
            await self._change_level()
            await eventually(self._has_measured_all, what="the requests of both workers in the metrics")
            await self._stop()
        self._run.exit_code = await asyncio.to_thread(self._server.join)
        self._run.lines = self._server.lines
        return self._run

    async def _knows_both(self) -> bool:
        answer = await self._client.get("/c2c/instances")
        self._run.pids = {instance["pid"] for instance in answer.json()["instances"]}
        return is_settled(answer, self._run.pids) and len(self._run.pids) == 2

    async def _change_level(self) -> None:
        answer = await self._client.put(f"/c2c/logging/loggers/{LOGGER}", json={"level": "DEBUG"})
        self._run.level = answer.json()
        await eventually(self._both_show_details, what="the level in both workers")

    async def _both_show_details(self) -> bool:
        self._run.requests += 4
        await asyncio.gather(*(self._client.get("/items/1000") for _ in range(4)))
        shown = [json.loads(line) for line in self._server.lines if '"details"' in line]
        return {record["pid"] for record in shown} == self._run.pids

    async def _has_measured_all(self) -> bool:
        answer = await self._client.get("/c2c/metrics")
        self._run.measured = _requests_of(answer.text, "/items/{item}")
        return self._run.measured >= self._run.requests

    async def _stop(self) -> None:
        slow = asyncio.create_task(self._client.get("/slow?seconds=6"))
        await eventually(self._is_at_work, what="the slow request")
        self._server.terminate()
        with contextlib.suppress(httpx.TransportError):
            while True:  # until it accepts no more connections
                answer = await self._client.get("/c2c/readyz")
                self._run.probes.append((answer.status_code, answer.text))
                await asyncio.sleep(0.2)
        with contextlib.suppress(httpx.TransportError):
            self._run.slow = (await slow).status_code

    async def _is_at_work(self) -> bool:
        return any('"begun"' in line for line in self._server.lines)


def _requests_of(text: str, handler: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "http_requests_total" and sample.labels["handler"] == handler
    )


def _environment(server: str, redis: RedisServer, directory: Path) -> Mapping[str, str]:
    return {
        "LOG_TYPE": "json",
        "PYTHONWARNINGS": "always::DeprecationWarning",
        "C2C__TOOLS__LOGGING__APPLICATION_MODULE": "tests",
        "C2C__AUTH__SECRET": KEY["X-API-Key"],
        "C2C__DRAIN_WAIT": "4",
        "C2C__REDIS__URL": redis.url,
        "C2C__REDIS__BROADCAST_PREFIX": f"{server}_",
        "PROMETHEUS_MULTIPROC_DIR": str(directory / server),
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run | BaseException]:
    """The runs of all servers, which are side by side."""

    async def play(servers: list[Server]) -> list[Run | BaseException]:
        return await asyncio.gather(*(Scenario(server).play() for server in servers), return_exceptions=True)

    directory = tmp_path_factory.mktemp("metrics")
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        servers = [
            stack.enter_context(Server(name, _environment(name, redis, directory))) for name in SERVERS
        ]
        found = asyncio.run(play([server.wait() for server in servers]))
        with redis.client() as client:
            for server, run in zip(servers, found, strict=True):
                if isinstance(run, Run):
                    ids = [str(name) for name in client.hkeys(f"{server.name}_instances")]
                    run.left_behind = [id_ for id_ in ids for pid in run.pids if f":{pid}:" in id_]
        return dict(zip(SERVERS, found, strict=True))


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def run(runs: dict[str, Run | BaseException], server: str) -> Run:
    run = runs[server]
    if isinstance(run, BaseException):
        raise run
    return run


def test_a_level_reaches_both_workers(run: Run) -> None:
    cluster = run.level["cluster"]
    assert (cluster["asked"], cluster["answered"], cluster["complete"]) == (2, 2, True)
    assert (cluster["applied"], cluster["of"]) == (2, 2)
    details = [record for record in run.records if record["msg"] == "details"]
    assert {record["pid"] for record in details} == run.pids
    assert {record["path"] for record in details} == {"/items/1000"}


def test_metrics_are_those_of_both_workers(run: Run) -> None:
    assert run.measured == run.requests


@pytest.mark.parametrize("server", [name for name in SERVERS if name != "hypercorn"], indirect=True)
def test_not_ready_before_it_stops(run: Run) -> None:
    """The workers of hypercorn are not told in time."""
    assert set(run.probes) <= {(200, "ok"), (503, "draining")}
    assert run.probes[-1] == (503, "draining")


def test_a_running_request_is_answered(run: Run) -> None:
    assert run.slow == 200
    assert run.exit_code == 0


def test_both_workers_leave_the_roster(run: Run) -> None:
    assert run.left_behind == []


def test_every_line_is_json_and_short(run: Run) -> None:
    for line in run.lines:
        assert isinstance(json.loads(line), dict), line
        assert len(line.encode()) < 4096
    assert any("characters left out" in line for line in run.lines)


def test_the_lines_of_the_server(run: Run, server: str) -> None:
    """Its start and its access log are there, once."""
    names = Counter(record["logger_name"] for record in run.records)
    assert names.keys() & {"uvicorn.error", "gunicorn.error", "hypercorn.error", "_granian"}
    access = [record for record in run.records if record["logger_name"] == ACCESS_LOGGERS[server]]
    answered = Counter((record["path"], record["status_code"]) for record in access)
    assert answered["/items/0", 200] == 1
    assert answered["/boom/2", 500] == 1
    assert {record["client_addr"] for record in access} == {"127.0.0.1"}
    assert {record["method"] for record in access} == {"GET", "PUT"}


def test_the_lines_of_the_application(run: Run) -> None:
    """Those of both workers, with the fields of their requests."""
    asked = [record for record in run.records if record["logger_name"] == LOGGER and "item" in record]
    assert {record["matched_route"] for record in asked} == {"/items/{item}"}
    assert {record["path"] for record in asked} == {f"/items/{4 * n}" for n in [*range(LOADED), 250]}
    assert len({record["request_id"] for record in asked}) == len(asked) == run.requests
    assert any(record["logger_name"] == "py.warnings" for record in run.records)


def test_no_secret_is_in_a_line(run: Run) -> None:
    assert not any("hunter2" in line or KEY["X-API-Key"] in line for line in run.lines)
