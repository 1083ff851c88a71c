"""SIGTERM: not ready first, then a wait, then the stop."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.balancer import Balancer
from tests.support.net import eventually, free_port, wait_for
from tests.support.processes import Process, RedisServer, Uvicorn

APP = "tests.support.health_app:app"
SECRET = "a-secret-of-the-test"


def get(server: Uvicorn, path: str) -> tuple[int, str]:
    reply = httpx.get(server.url + path, timeout=5)
    return reply.status_code, reply.text


def drain(server: Uvicorn) -> None:
    headers = {"X-API-Key": SECRET}
    reply = httpx.post(server.url + "/c2c/drain", headers=headers, json={"force": True}, timeout=20)
    assert reply.status_code == 200


@pytest.fixture
def server() -> Iterator[Uvicorn]:
    with Uvicorn(APP, env={"C2C__DRAIN_WAIT": "4", "C2C__AUTH__SECRET": SECRET}) as server:
        yield server


def test_not_ready_first(server: Uvicorn) -> None:
    assert get(server, "/readyz") == (200, "ok")
    started = time.monotonic()
    server.signal(signal.SIGTERM)
    wait_for(lambda: get(server, "/readyz") == (503, "draining"), what="draining")
    assert get(server, "/livez") == (200, "ok")
    assert get(server, "/work")[0] == 200
    httpx.delete(server.url + "/c2c/drain", headers={"X-API-Key": SECRET})
    assert get(server, "/readyz") == (503, "draining")
    server.wait(30)
    assert 3.9 < time.monotonic() - started < 30
    assert "Traceback" not in server.output


def test_drained_before(server: Uvicorn) -> None:
    """SIGTERM waits for what is left of the time since the process was taken out of service."""
    started = time.monotonic()
    drain(server)
    server.signal(signal.SIGTERM)
    assert [get(server, "/work")[0] for _ in range(10)] == [200] * 10
    server.wait(30)
    assert 3.9 < time.monotonic() - started < 30
    assert "Traceback" not in server.output


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "sigint"])
def test_second_signal_stops_at_once(second: signal.Signals) -> None:
    with Uvicorn(APP, env={"C2C__DRAIN_WAIT": "60"}) as server:
        server.signal(signal.SIGTERM)
        wait_for(lambda: get(server, "/readyz")[0] == 503, what="draining")
        server.signal(second)
        server.wait(20)
        assert "Traceback" not in server.output


def test_first_sigint_stops_at_once() -> None:
    with Uvicorn(APP, env={"C2C__DRAIN_WAIT": "60"}) as server:
        server.signal(signal.SIGINT)
        server.wait(20)


@pytest.mark.parametrize(
    "env",
    [{"C2C__DRAIN_WAIT": "0"}, {"C2C__DRAIN_WAIT": "60", "C2C__DEVELOPMENT": "1"}],
    ids=["zero", "development"],
)
def test_no_wait(env: dict[str, str]) -> None:
    with Uvicorn(APP, env=env) as server:
        server.signal(signal.SIGTERM)
        server.wait(20)
        assert "Traceback" not in server.output


def test_running_request_is_finished() -> None:
    async def scenario(server: Uvicorn) -> int:
        async with httpx.AsyncClient(timeout=20) as client:
            request = asyncio.create_task(client.get(server.url + "/work?seconds=2"))
            await asyncio.sleep(0.3)
            server.signal(signal.SIGTERM)
            return (await request).status_code

    with Uvicorn(APP, env={"C2C__DRAIN_WAIT": "1"}) as server:
        assert asyncio.run(scenario(server)) == 200


def test_two_workers() -> None:
    """The supervisor passes SIGTERM on; each worker drains before it stops."""
    with Uvicorn(APP, workers=2, env={"C2C__DRAIN_WAIT": "4"}) as server:
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        wait_for(
            lambda: {get(server, "/readyz") for _ in range(6)} == {(503, "draining")},
            seconds=4,
            what="draining",
        )
        assert get(server, "/work")[0] == 200
        server.wait(30)
        assert 3.9 < time.monotonic() - started < 30


async def test_rolling_restart_loses_no_request(redis_server: RedisServer) -> None:
    """Two workers restarted in turn behind a balancer under constant load: no request fails."""
    env = {
        "C2C__DRAIN_WAIT": "3",
        "C2C__REDIS__URL": redis_server.url,
        "C2C__REDIS__BROADCAST_PREFIX": "rolling_",
    }
    with Uvicorn(APP, env=env) as first, Uvicorn(APP, env=env) as second:
        servers = [first, second]
        async with Balancer([server.port for server in servers], probe="/readyz") as balancer:
            await eventually(_all_ready(balancer), what="both ready")
            load = Load(balancer.url + "/work")
            clients = [asyncio.create_task(load.run()) for _ in range(4)]
            for server in servers:
                await asyncio.sleep(0.5)
                await asyncio.to_thread(server.terminate)
                await asyncio.to_thread(server.start)
                await eventually(_all_ready(balancer), what="both ready again")
            await asyncio.sleep(0.5)
            load.stop = True
            await asyncio.gather(*clients)
        assert load.failed == []
        assert load.done > 100
        assert all(number > 10 for number in balancer.served.values())


def _all_ready(balancer: Balancer) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return all(balancer.ready.values())

    return condition


class Load:
    """Asks again and again, a new connection each time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stop = False
        self.done = 0
        self.failed: list[str] = []

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            while not self.stop:
                try:
                    reply = await client.get(self.url)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                    continue
                self.done += 1
                if reply.status_code != 200:
                    self.failed.append(str(reply.status_code))


def test_second_sigterm_to_the_parent_of_workers_changes_nothing() -> None:
    """Uvicorn passes on the first one only, as the documentation says."""
    with Uvicorn(APP, workers=2, env={"C2C__DRAIN_WAIT": "6"}) as server:
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        wait_for(lambda: get(server, "/readyz") == (503, "draining"), what="draining")
        server.signal(signal.SIGTERM)
        server.wait(40)
        assert time.monotonic() - started > 5.9


class OtherServer(Process):
    """Another server than uvicorn, which serves the same application."""

    def __init__(self, *arguments: str, drain_wait: float) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        arguments = tuple(argument.format(port=self.port) for argument in arguments)
        root = Path(__file__).parents[3]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
        own = {"PYTHONPATH": str(root), "C2C__DRAIN_WAIT": str(drain_wait), "C2C__AUTH__SECRET": SECRET}
        super().__init__([sys.executable, "-m", *arguments, APP], env={**inherited, **own}, cwd=root)

    def get(self, path: str) -> tuple[int, str]:
        try:
            reply = httpx.get(self.url + path, timeout=5)
        except httpx.TransportError:
            return 0, ""
        return reply.status_code, reply.text

    def wait_ready(self) -> None:
        wait_for(lambda: self.get("/readyz") == (200, "ok"), seconds=40, what=self.output)


GRANIAN = ("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1")
HYPERCORN = ("hypercorn", "--bind", "127.0.0.1:{port}", "--workers", "0")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((*GRANIAN, "--loop", "asyncio"), id="granian"),
        pytest.param((*GRANIAN, "--loop", "uvloop"), id="granian-uvloop"),
        pytest.param(HYPERCORN, id="hypercorn"),
        pytest.param((*HYPERCORN, "--worker-class", "uvloop"), id="hypercorn-uvloop"),
    ],
)
def test_other_servers(arguments: tuple[str, ...]) -> None:
    """Other servers go on answering while the process drains, too."""
    with OtherServer(*arguments, drain_wait=4) as server:
        server.wait_ready()
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        wait_for(lambda: server.get("/readyz") == (503, "draining"), what="draining")
        assert server.get("/work")[0] == 200
        server.wait(30)
        assert 3.9 < time.monotonic() - started < 30
        assert "Traceback" not in server.output


def test_second_sigterm_stops_another_server_at_once() -> None:
    with OtherServer(*HYPERCORN, drain_wait=60) as server:
        server.wait_ready()
        server.signal(signal.SIGTERM)
        wait_for(lambda: server.get("/readyz") == (503, "draining"), what="draining")
        server.signal(signal.SIGTERM)
        server.wait(20)


def test_worker_of_hypercorn_ends_without_its_parent_only() -> None:
    """A worker that gets SIGTERM goes on answering: its parent stops it, unless it is dead."""
    with OtherServer("hypercorn", "--bind", "127.0.0.1:{port}", "--workers", "1", drain_wait=0) as server:
        server.wait_ready()
        worker = int(server.get("/work")[1])
        os.kill(worker, signal.SIGTERM)
        wait_for(lambda: server.get("/readyz") == (503, "draining"), what="draining")
        assert server.get("/work") == (200, str(worker))
        server.signal(signal.SIGKILL)
        server.wait(20)
        os.kill(worker, signal.SIGTERM)
        wait_for(lambda: server.get("/livez")[0] == 0, what="the end of the worker")
