"""SIGTERM under uvicorn: not ready first, then a wait, then the stop."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest

from tests.support.balancer import Balancer
from tests.support.net import eventually, wait_for
from tests.support.processes import RedisServer, Uvicorn

APP = "tests.support.health_app:app"
SECRET = "a-secret-of-the-test"


def get(server: Uvicorn, path: str) -> tuple[int, str]:
    reply = httpx.get(server.url + path, timeout=5)
    return reply.status_code, reply.text


@pytest.fixture
def server() -> Iterator[Uvicorn]:
    with Uvicorn(APP, env={"C2C__DRAIN_WAIT": "4", "C2C__AUTH__SECRET": SECRET}) as server:
        yield server


def test_not_ready_first(server: Uvicorn) -> None:
    assert get(server, "/readyz") == (200, "ok")
    started = time.monotonic()
    server.signal(signal.SIGTERM)
    wait_for(lambda: get(server, "/readyz") == (503, "draining"), seconds=4, what="draining")
    assert get(server, "/livez") == (200, "ok")
    assert get(server, "/work")[0] == 200
    httpx.delete(server.url + "/c2c/drain", headers={"X-API-Key": SECRET})
    assert get(server, "/readyz") == (503, "draining")
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
        "C2C__DRAIN_WAIT": "1",
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
