"""The states of a process from its start to its end, in the roster and towards operators."""

import asyncio
import datetime
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from c2casgiutils import broadcast, config, instances
from tests.support.fleet import configure, leave
from tests.support.net import SOON_SECONDS, eventually, free_port
from tests.support.processes import RedisServer, Uvicorn
from tests.support.roster import is_settled
from tests.support.starting import start

SECRET = "a-secret-of-the-test"
HEADERS = {"X-API-Key": SECRET}
_APP = """
import asyncio, contextlib, os
from fastapi import FastAPI
import c2casgiutils

@contextlib.asynccontextmanager
async def slow(app):
    await asyncio.sleep(float(os.environ.get("SLOW_START", "0")))
    yield
    await asyncio.sleep(float(os.environ.get("SLOW_END", "0")))

@contextlib.asynccontextmanager
async def around(app):
    async with c2casgiutils.lifespan(app), slow(app):
        yield

installed = FastAPI(lifespan=slow)
c2casgiutils.install(installed)
plain = FastAPI(lifespan=around)
plain.mount("/c2c", c2casgiutils.app)
for app in (installed, plain):
    app.add_api_route("/", lambda: "here")
"""


@pytest.fixture
async def watched(redis_server: RedisServer) -> AsyncIterator[RedisServer]:
    """The test's own process looks at the roster."""
    broadcast.cleanup()
    configure(redis_server.url)
    config.settings.instances.heartbeat = datetime.timedelta(seconds=1)
    await start()
    yield redis_server
    await leave()


def _server(tmp_path: Path, redis: RedisServer, app: str, **env: str) -> Uvicorn:
    (tmp_path / "states_app.py").write_text(_APP)
    settings = {
        "C2C__REDIS__URL": redis.url,
        "C2C__REDIS__BROADCAST_PREFIX": config.settings.redis.broadcast_prefix,
        "C2C__INSTANCES__HEARTBEAT": "1",
        "C2C__AUTH__SECRET": SECRET,
        **env,
    }
    return Uvicorn(f"states_app:{app}", env=settings, cwd=tmp_path, port=free_port())


async def _state(pid: int) -> str | None:
    found = {instance.pid: instance.state for instance in await instances.roster()}
    return found.get(pid)


def _is(pid: int, state: str | None) -> Any:
    async def condition() -> bool:
        return await _state(pid) == state

    return condition


async def test_starting_until_the_server_serves_and_stopping_afterwards(
    watched: RedisServer, tmp_path: Path
) -> None:
    """With `install()` the end of the application's own start-up is seen, without any request."""
    server = _server(tmp_path, watched, "installed", SLOW_START="2", SLOW_END="2")
    super(Uvicorn, server).start()
    try:
        await eventually(_is(server.pid, "starting"), seconds=40, what="the entry")
        assert "startup complete" not in server.output
        await eventually(_is(server.pid, "ready"), what="ready")
        assert "startup complete" in server.output
        server.signal(signal.SIGTERM)
        await eventually(_is(server.pid, "stopping"), what="stopping")
        await eventually(_is(server.pid, None), what="a clean leave")
    finally:
        server.kill()


async def test_without_install_the_first_request_tells(watched: RedisServer, tmp_path: Path) -> None:
    """Any request, also one to a route of the application."""
    server = _server(tmp_path, watched, "plain", SLOW_START="1")
    super(Uvicorn, server).start()
    try:
        await eventually(_is(server.pid, "starting"), seconds=40, what="the entry")

        async def started() -> bool:
            return "startup complete" in server.output

        await eventually(started, what="the start")
        assert await _state(server.pid) == "starting"
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.url}/")).json() == "here"
        await eventually(_is(server.pid, "ready"), what="ready")
    finally:
        server.kill()


async def test_the_only_process_that_serves_is_not_drained(watched: RedisServer, tmp_path: Path) -> None:
    """One that is still starting does not take over: 409 without `force`."""
    starting = _server(tmp_path, watched, "installed", SLOW_START="60")
    with _server(tmp_path, watched, "installed") as serving:
        super(Uvicorn, starting).start()
        try:
            await eventually(_is(starting.pid, "starting"), seconds=40, what="the other")
            async with httpx.AsyncClient(headers=HEADERS, base_url=serving.url) as client:
                refused = await client.post("/c2c/drain", json={})
                assert refused.status_code == 409
                assert "the cluster" in refused.json()["detail"]
                assert (await client.get("/c2c/readyz")).text == "ok"
        finally:
            starting.kill()


async def test_a_script_serves_no_requests(watched: RedisServer, tmp_path: Path) -> None:
    """It is ready, but takes nothing over from a process that drains, and `all` leaves it out."""
    instances.set_script("watch.py")
    with _server(tmp_path, watched, "installed") as serving:
        async with httpx.AsyncClient(headers=HEADERS, base_url=serving.url) as client:

            async def is_seen() -> bool:
                answer = await client.get("/c2c/instances")
                listed = {(entry["script"], entry["state"]) for entry in answer.json()["instances"]}
                return ("watch.py", "ready") in listed and is_settled(answer, [serving.pid])

            await eventually(is_seen, what="the script in a current roster")
            assert (await client.post("/c2c/drain", json={})).status_code == 409
            reply = await client.post("/c2c/drain", json={"instance": "all", "force": True})
            assert [drained.split(":")[1] for drained in reply.json()["drained"]] == [str(serving.pid)]
            assert reply.json()["cluster"]["complete"]


async def test_sigterm_during_the_start_waits_for_nobody(watched: RedisServer, tmp_path: Path) -> None:
    """No balancer sends requests yet, so `C2C__DRAIN_WAIT` is not waited for."""
    server = _server(tmp_path, watched, "installed", SLOW_START="1", C2C__DRAIN_WAIT="60")
    super(Uvicorn, server).start()
    try:
        await eventually(_is(server.pid, "starting"), seconds=40, what="the entry")
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        await asyncio.to_thread(server.wait, 20)
        assert time.monotonic() - began < SOON_SECONDS
    finally:
        server.kill()
