"""Draining one process, by code and by HTTP."""

import asyncio
import logging
import math
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config, health_checks, instances
from tests.support.net import free_port

SECRET = "a-secret-of-the-test"
HEADERS = {"X-API-Key": SECRET}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    config.settings = config.Settings(auth={"secret": SECRET})
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)

    @app.get("/work")
    async def work() -> str:
        return "done"

    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        yield client


async def test_draining_is_not_ready_and_goes_on(client: httpx.AsyncClient) -> None:
    await c2casgiutils.drain(force=True)
    replies = [await client.get(path) for path in ("/c2c/readyz", "/c2c/livez", "/c2c/startupz", "/work")]
    assert [reply.status_code for reply in replies] == [503, 200, 200, 200]
    assert replies[0].text == "draining"
    assert instances.own().state == "draining"


async def test_health_json_says_draining(client: httpx.AsyncClient) -> None:
    await c2casgiutils.drain(force=True)
    reply = await client.get("/c2c/readyz", headers={"Accept": "application/health+json"})
    assert (reply.status_code, reply.json()) == (503, {"status": "fail", "output": "draining"})


async def test_last_process_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/c2c/readyz")).text == "ok"
    with pytest.raises(health_checks.DrainRefused):
        await c2casgiutils.drain()
    assert instances.state() == "ready"


async def test_ends_by_itself(client: httpx.AsyncClient) -> None:
    await c2casgiutils.drain(seconds=0.1, force=True)
    assert instances.state() == "draining"
    await asyncio.sleep(0.2)
    assert instances.state() == "ready"


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -1, 1e300, True, "60"])
async def test_duration_that_is_none(client: httpx.AsyncClient, seconds: Any) -> None:
    """The error says what is accepted, and nothing is drained."""
    with pytest.raises(ValueError, match=r"seconds is .*; it must be a number of seconds, from 0 to"):
        await c2casgiutils.drain(seconds=seconds, force=True)
    assert instances.state() != "draining"


@pytest.mark.parametrize("seconds", ["NaN", '"nan"', "Infinity", "1e999", '"inf"', "-1", "0", "1e300", "[]"])
async def test_duration_that_is_none_by_http(client: httpx.AsyncClient, seconds: str) -> None:
    """It is refused, and nothing is drained."""
    headers = {**HEADERS, "Content-Type": "application/json"}
    body = f'{{"force": true, "seconds": {seconds}}}'
    reply = await client.post("/c2c/drain", content=body, headers=headers)
    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["body", "seconds"])
    assert instances.state() != "draining"


async def test_a_second_drain_replaces_the_time(client: httpx.AsyncClient) -> None:
    await c2casgiutils.drain(seconds=0.1, force=True)
    await c2casgiutils.drain(force=True)
    await asyncio.sleep(0.2)
    assert instances.state() == "draining"


async def test_view(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    own = instances.own().id
    reply = await client.post("/c2c/drain", json={"force": True, "seconds": 60}, headers=HEADERS)
    assert (reply.status_code, reply.json()["drained"]) == (200, [own])
    assert reply.json()["cluster"]["complete"] is True
    assert (await client.get("/c2c/readyz")).status_code == 503
    assert (await client.delete("/c2c/drain", headers=HEADERS)).status_code == 200
    assert (await client.get("/c2c/readyz")).status_code == 200
    ours = [record for record in caplog.records if record.name.startswith("c2casgiutils")]
    lines = [record.getMessage() for record in ours if record.levelno >= logging.INFO]
    begun, done = (f"drain ({result}) by secret" for result in ("started", "ok"))
    assert [line.partition(",")[0].split(" until")[0] for line in lines if "rain" in line] == [
        *(begun, "Draining", done),
        *(f"un{begun}", "Draining ended", f"un{done}"),
    ]


@pytest.mark.parametrize("instance", [None, "own", "all"])
async def test_scope_without_redis(client: httpx.AsyncClient, instance: str | None) -> None:
    """The answer names the process that was asked for; `all` is only the process that answers."""
    own = instances.own().id
    wanted = own if instance == "own" else instance
    drained = await client.post("/c2c/drain", json={"instance": wanted, "force": True}, headers=HEADERS)
    params = {"instance": wanted} if wanted else {}
    undrained = await client.delete("/c2c/drain", params=params, headers=HEADERS)
    expected = own if instance == "own" else "process"
    assert [reply.json()["scope"] for reply in (drained, undrained)] == [expected] * 2


async def test_audit_of_the_view(client: httpx.AsyncClient) -> None:
    """The record says which processes drained before and after; a refused drain is no change."""
    own = instances.own().id
    await client.post("/c2c/drain", headers=HEADERS)
    await client.post("/c2c/drain", json={"force": True, "seconds": 60}, headers=HEADERS)
    await client.delete("/c2c/drain", headers=HEADERS)
    events = (await client.get("/c2c/audit", headers=HEADERS)).json()["events"]
    drains = [(e["action"], e["target"], e["before"], e["after"]) for e in events]
    assert drains == [("undrain", own, own, "none"), ("drain", own, "none", f"{own} for 60 s")]
    refusals = (await client.get("/c2c/audit?kind=refusals", headers=HEADERS)).json()["events"]
    assert [(event["action"], event["result"]) for event in refusals] == [("drain", "refused")]


@pytest.mark.parametrize("instance", [None, "all", "own"])
async def test_view_refuses_the_last(client: httpx.AsyncClient, instance: str | None) -> None:
    instance = instances.own().id if instance == "own" else instance
    reply = await client.post("/c2c/drain", json={"instance": instance}, headers=HEADERS)
    assert reply.status_code == 409
    assert "Redis is not configured" in reply.json()["detail"]
    assert instances.state() == "ready"


async def test_view_without_body(client: httpx.AsyncClient) -> None:
    assert (await client.post("/c2c/drain", headers=HEADERS)).status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"seconds": 0}, 422, id="no-time"),
        pytest.param({"seconds": 1e9}, 422, id="for-ever"),
        pytest.param({"instance": "nobody"}, 404, id="unknown"),
        pytest.param({"force": "perhaps"}, 422, id="force"),
    ],
)
async def test_view_wrong_input(client: httpx.AsyncClient, body: dict[str, object], status: int) -> None:
    assert (await client.post("/c2c/drain", json=body, headers=HEADERS)).status_code == status


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_view_needs_an_administrator(client: httpx.AsyncClient, method: str) -> None:
    reply = await client.request(method, "/c2c/drain")
    assert reply.status_code == 403
    assert instances.state() == "ready"


async def test_other_servers_keep_their_signals() -> None:
    """Only uvicorn's handler is put off; whatever else is there stays."""

    def own(number: int, frame: object) -> None:
        pass

    before = signal.signal(signal.SIGTERM, own)
    try:
        async with c2casgiutils.lifespan(FastAPI()):
            during = signal.getsignal(signal.SIGTERM)
        assert (during, signal.getsignal(signal.SIGTERM)) == (own, own)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("wait", ["0s", "10m"])
async def test_handler_of_uvicorn_is_put_back(wait: str) -> None:
    """After the end the handler is uvicorn's again, also when the stop was waiting."""
    server = uvicorn.Server(uvicorn.Config(FastAPI()))
    config.settings.drain_wait = config.parse_duration(wait)
    before = signal.signal(signal.SIGTERM, server.handle_exit)
    try:
        async with c2casgiutils.lifespan(FastAPI()):
            assert signal.getsignal(signal.SIGTERM) != server.handle_exit
            instances.note_serving()
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert instances.state() == "draining"
            assert server.should_exit is (wait == "0s")
        assert signal.getsignal(signal.SIGTERM) == server.handle_exit
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("wait", "stops"), [("10m", False), ("10ms", True)], ids=["shortly", "long"])
async def test_sigterm_after_a_drain(wait: str, *, stops: bool) -> None:
    """A process that was taken out of service before waits for the rest of the time only."""
    server = uvicorn.Server(uvicorn.Config(FastAPI()))
    config.settings.drain_wait = config.parse_duration(wait)
    before = signal.signal(signal.SIGTERM, server.handle_exit)
    try:
        async with c2casgiutils.lifespan(FastAPI()):
            instances.note_serving()
            await c2casgiutils.drain(force=True)
            await asyncio.sleep(0.05)  # more than the short wait
            await c2casgiutils.drain(seconds=60, force=True)  # the same drain, with another end
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert server.should_exit is stops
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.fixture
async def cut_off() -> AsyncIterator[httpx.AsyncClient]:
    """A process whose Redis is configured and unreachable."""
    url = f"redis://127.0.0.1:{free_port()}"
    config.settings = config.Settings(auth={"secret": SECRET}, redis={"url": url})
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost", headers=HEADERS
        ) as client,
    ):
        yield client


async def test_refusal_says_that_redis_is_unreachable(cut_off: httpx.AsyncClient) -> None:
    """Others may be ready: the caller has to know why they are not seen."""
    reply = await cut_off.post("/c2c/drain")
    assert reply.status_code == 409
    assert "seen: only this process, as Redis is unreachable" in reply.json()["detail"]
    with pytest.raises(health_checks.DrainRefused, match="Redis is unreachable"):
        await c2casgiutils.drain()


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_another_process_without_redis(cut_off: httpx.AsyncClient, method: str) -> None:
    """It is not unknown, it cannot be reached."""
    body = {"instance": "other", "force": True} if method == "POST" else None
    reply = await cut_off.request(method, "/c2c/drain?instance=other", json=body)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
    assert "Redis is unreachable" in reply.json()["detail"]


async def test_all_without_redis_is_not_complete(cut_off: httpx.AsyncClient) -> None:
    """This process is drained, and the reply does not claim that it was all."""
    own = instances.own().id
    reply = await cut_off.post("/c2c/drain", json={"instance": "all", "force": True})
    assert (reply.status_code, reply.json()["drained"]) == (200, [own])
    assert reply.json()["scope"] == "process"
    assert reply.json()["cluster"].items() >= {"complete": False, "roster": "stale"}.items()
    reply = await cut_off.delete("/c2c/drain?instance=all")
    assert reply.json()["scope"] == "process"
    assert reply.json()["cluster"].items() >= {"complete": False, "roster": "stale"}.items()
