"""The checks of all processes, draining another one, one message for all: two servers on one Redis."""

import asyncio
import contextlib
import json
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx
import pytest

from c2casgiutils import broadcast, config, redis_utils
from c2casgiutils.health_checks import Factory, Version
from tests.support.net import eventually
from tests.support.processes import RedisServer, Uvicorn
from tests.support.starting import start

APP = "tests.support.health_app:app"
SECRET = "a-secret-of-the-test"
HEARTBEAT = 1.0
HEADERS = {"X-API-Key": SECRET}


class Hook:
    """An HTTP server of the loopback that remembers what it is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hush-hush"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        self.events.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with Hook() as hook:
        yield hook


@contextlib.contextmanager
def _pair(redis_url: str, prefix: str, **env: str) -> Iterator[list[Uvicorn]]:
    env |= {
        "C2C__REDIS__URL": redis_url,
        "C2C__REDIS__BROADCAST_PREFIX": prefix,
        "C2C__AUTH__SECRET": SECRET,
        "C2C__HEALTH__TTL": "0",
        "C2C__DRAIN_WAIT": "0",
        "C2C__INSTANCES__HEARTBEAT": str(HEARTBEAT),
    }
    servers = [Uvicorn(APP, env=env) for _ in range(2)]
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as pool:
        list(pool.map(stack.enter_context, servers))
        yield servers


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as redis:
        yield redis


@pytest.fixture(scope="module")
def _servers(redis: RedisServer) -> Iterator[list[Uvicorn]]:
    with _pair(redis.url, "matrix_") as servers:
        yield servers


@pytest.fixture
async def servers(_servers: list[Uvicorn]) -> AsyncIterator[list[Uvicorn]]:
    for server in _servers:
        await eventually(_sees(server, 2), seconds=20, what="both in the roster")
    yield _servers
    for server in _servers:
        await ask(server, "POST", "/slow?seconds=0")
        await ask(server, "DELETE", "/c2c/drain")


@pytest.fixture
async def hooked(redis_server: RedisServer, hook: Hook) -> AsyncIterator[list[Uvicorn]]:
    with _pair(redis_server.url, "hooked_", C2C__HEALTH__WEBHOOK=hook.url) as servers:
        yield servers


async def ask(server: Uvicorn, method: str, path: str, **options: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url, headers=HEADERS, timeout=15) as client:
        return await client.request(method, path, **options)


async def matrix(server: Uvicorn, query: str = "") -> Any:
    reply = await ask(server, "GET", f"/c2c/health/cluster{query}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def _sees(server: Uvicorn, number: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        body = await matrix(server)
        cluster = body["cluster"]
        numbers = len(body["instances"]), cluster["answered"]
        return numbers == (number, number) and bool(cluster["roster"] == "current")

    return condition


def _states(body: Any, check: str) -> dict[int, str]:
    """The state of a check by the pid of the process."""
    row = next(row for row in body["checks"] if row["name"] == check)
    pids = {instance["id"]: instance["pid"] for instance in body["instances"]}
    return {pids[id_]: cell["status"] for id_, cell in row["cells"].items()}


async def test_last_words_of_all_processes(servers: list[Uvicorn], redis: RedisServer) -> None:
    """Each check in each process, as the roster has it: no process is asked, nor waited for."""
    await ask(servers[1], "GET", "/c2c/health/")
    pids = {server.pid for server in servers}

    def told(state: str) -> Callable[[], Awaitable[bool]]:
        async def condition() -> bool:
            body = await matrix(servers[0])
            return _states(body, "Slow") == {servers[0].pid: "pass", servers[1].pid: state}

        return condition

    await eventually(told("pass"), what="the first beat after the run")
    with redis.client() as client:
        before = client.info("commandstats").get("cmdstat_publish")
        body = await matrix(servers[0])
        assert client.info("commandstats").get("cmdstat_publish") == before
    assert {instance["pid"] for instance in body["instances"]} == pids
    assert (body["status"], body["scope"], body["cluster"]["complete"]) == ("pass", "cluster", True)
    assert (body["cluster"]["asked"], body["cluster"]["answered"]) == (2, 2)
    ids = {instance["id"] for instance in body["instances"]}
    assert {row["name"]: set(row["cells"]) for row in body["checks"]} == {"Fine": ids, "Slow": ids}
    cell = next(iter(body["checks"][0]["cells"].values()))
    assert cell["status"] == "pass"
    assert cell["milliseconds"] >= 0
    assert cell["age"] >= 0
    assert cell["history"] is None

    await ask(servers[1], "POST", "/slow?seconds=30")
    await ask(servers[1], "GET", "/c2c/health/")
    await eventually(told("fail"), what="the first beat after the failure")
    assert (await matrix(servers[0]))["status"] == "warn"
    await _is_seen_by_both(servers)


async def _is_seen_by_both(servers: list[Uvicorn]) -> None:
    """Check that each process names the one whose check fails, and since when."""
    await asyncio.sleep(1)  # a roster that was read serves all viewers for so long
    for server in servers:
        body = (await ask(server, "GET", "/c2c/overview")).json()
        (item,) = body["attention"]
        assert (body["state"], item["state"], item["subject"]) == ("degraded", "degraded", "Slow")
        assert f"1 of 2: {servers[1].pid} on" in item["text"]
        assert item["since"] is not None
        page = (await ask(server, "GET", "/c2c/")).text
        assert f"Health check Slow is down in 1 of 2: {servers[1].pid} on" in page


async def _is_problem(server: Uvicorn, word: str, pid: int) -> bool:
    """Tell whether the page names a process among what needs attention."""
    page = (await ask(server, "GET", "/c2c/")).text
    return re.search(rf"{word}</span> <span>Process {pid} on", page) is not None


async def test_silent_process_is_late_then_lost_and_keeps_its_last_word(servers: list[Uvicorn]) -> None:
    """It is a warning, named in the report and on the page."""
    await ask(servers[1], "GET", "/c2c/health/")
    stopped = servers[1].pid

    def seen(liveness: str) -> Callable[[], Awaitable[bool]]:
        async def condition() -> bool:
            instances = (await matrix(servers[0]))["instances"]
            return (stopped, liveness) in {(one["pid"], one["liveness"]) for one in instances}

        return condition

    await asyncio.sleep(2 * HEARTBEAT)  # for its last word
    servers[1].signal(signal.SIGSTOP)
    try:
        await eventually(seen("late"), seconds=2 * 1.5 * HEARTBEAT + 2, what="late")
        body = await matrix(servers[0])
        assert (body["status"], body["cluster"]["complete"]) == ("warn", False)
        assert [process["pid"] for process in body["cluster"]["missing"]] == [stopped]
        assert {one["pid"]: one["answered"] for one in body["instances"]} == {
            servers[0].pid: True,
            stopped: False,
        }
        assert _states(body, "Fine")[stopped] == "pass"
        assert await _is_problem(servers[0], "late", stopped)
        await eventually(seen("lost"), seconds=2 * 3 * HEARTBEAT + 2, what="lost")
        body = await matrix(servers[0])
        assert body["status"] == "warn"
        assert (body["cluster"]["asked"], body["cluster"]["missing"]) == (1, [])
        assert [process["pid"] for process in body["cluster"]["lost"]] == [stopped]
        assert _states(body, "Fine")[stopped] == "pass"
        assert await _is_problem(servers[0], "lost", stopped)
    finally:
        servers[1].signal(signal.SIGCONT)


async def test_histories_are_asked_for(servers: list[Uvicorn]) -> None:
    """Each process answers with the last results, and one that does not answer is named."""
    body = await matrix(servers[0], "?history=true")
    assert body["cluster"]["complete"] is True
    for row in body["checks"]:
        assert [cell["history"][-1][1] for cell in row["cells"].values()] == ["pass", "pass"]

    servers[1].signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(30):
            body = await matrix(servers[0], "?history=true")
    finally:
        servers[1].signal(signal.SIGCONT)
    assert body["cluster"]["complete"] is False
    assert [missing["pid"] for missing in body["cluster"]["missing"]] == [servers[1].pid]
    assert {instance["pid"]: instance["answered"] for instance in body["instances"]} == {
        servers[0].pid: True,
        servers[1].pid: False,
    }


async def test_drain_another_process(servers: list[Uvicorn]) -> None:
    """By its id; the last ready one is refused; both see it in the roster; it ends by itself."""
    body = await matrix(servers[0])
    ids = {instance["pid"]: instance["id"] for instance in body["instances"]}
    other = ids[servers[1].pid]
    reply = await ask(servers[0], "POST", "/c2c/drain", json={"instance": other, "seconds": 3})
    assert (reply.status_code, reply.json()["drained"], reply.json()["scope"]) == (200, [other], other)
    assert (await ask(servers[1], "GET", "/readyz")).text == "draining"
    assert (await ask(servers[0], "GET", "/readyz")).text == "ok"

    async def is_seen() -> bool:
        states = {instance["id"]: instance["state"] for instance in (await matrix(servers[0]))["instances"]}
        return bool(states[other] == "draining")

    await eventually(is_seen, what="the roster shows it")
    refused = await ask(servers[0], "POST", "/c2c/drain", json={})
    assert refused.status_code == 409
    refused = await ask(servers[0], "POST", "/c2c/drain", json={"instance": "all"})
    assert refused.status_code == 409
    await eventually(_text(servers[1], "ok"), what="the drain ends by itself")


async def test_drain_another_process_while_the_roster_is_stale(
    servers: list[Uvicorn], redis: RedisServer
) -> None:
    """It has confirmed it: neither the page nor the audit says otherwise because others may exist."""
    ids = {instance["pid"]: instance["id"] for instance in (await matrix(servers[0]))["instances"]}
    other = ids[servers[1].pid]
    with redis.client() as client:
        client.hset("matrix_instances", mapping={"web:1:a": "garbage", "token": "changed"})
        try:
            wanted = {"instance": other, "seconds": 30, "force": True}
            drained = (await ask(servers[0], "POST", "/c2c/drain", json=wanted)).json()
            ended = await ask(servers[0], "POST", f"/c2c/process?id={other}", data={"drain": "end"})
        finally:
            client.hdel("matrix_instances", "web:1:a")
            client.hset("matrix_instances", "token", "changed again")
    assert (drained["drained"], drained["cluster"]["roster"]) == ([other], "stale")
    assert (ended.status_code, ended.headers.get("location")) == (
        303,
        f"process?id={quote(other, safe='')}&result=changed#drain",
    )
    events = (await ask(servers[0], "GET", "/c2c/audit")).json()["events"]
    assert [event["result"] for event in events if event["target"] == other][:2] == ["ok", "ok"]


async def test_drains_at_the_same_moment(servers: list[Uvicorn]) -> None:
    """One process at least stays ready: who drained the last one is refused."""
    for _ in range(5):
        replies = await asyncio.gather(*(ask(server, "POST", "/c2c/drain", json={}) for server in servers))
        states = [(await ask(server, "GET", "/readyz")).text for server in servers]
        assert "ok" in states
        for reply, state in zip(replies, states, strict=True):
            assert (reply.status_code, state) in {(200, "draining"), (409, "ok")}
        for server in servers:
            await ask(server, "DELETE", "/c2c/drain")


async def test_drain_all_when_forced(servers: list[Uvicorn]) -> None:
    reply = await ask(servers[0], "POST", "/c2c/drain", json={"instance": "all", "force": True})
    assert (len(reply.json()["drained"]), reply.json()["scope"]) == (2, "cluster")
    assert [(await ask(server, "GET", "/readyz")).status_code for server in servers] == [503, 503]
    reply = await ask(servers[0], "DELETE", "/c2c/drain?instance=all")
    assert (reply.json()["cluster"]["complete"], reply.json()["scope"]) == (True, "cluster")
    assert [(await ask(server, "GET", "/readyz")).status_code for server in servers] == [200, 200]


@pytest.mark.parametrize("is_wrong", [False, True], ids=["flushed", "of a wrong type"])
async def test_drain_all_while_the_roster_is_stale(
    servers: list[Uvicorn], redis: RedisServer, *, is_wrong: bool
) -> None:
    """Each connected process is reached, and the answer does not claim to know that these are all."""

    def lose_roster() -> None:
        with redis.client() as client:
            client.flushall()
            if is_wrong:
                client.set("matrix_instances", "wrong")

    wanted = {"instance": "all", "seconds": 30, "force": True}
    lose_roster()
    drained = (await ask(servers[0], "POST", "/c2c/drain", json=wanted)).json()
    states = [(await ask(server, "GET", "/readyz")).status_code for server in servers]
    with redis.client() as client:
        client.delete("matrix_instances")
    for server in servers:
        await eventually(_sees(server, 2), seconds=20, what="both in the roster")
    lose_roster()
    undrained = (await ask(servers[0], "DELETE", "/c2c/drain?instance=all")).json()
    with redis.client() as client:
        client.delete("matrix_instances")
    assert (len(drained["drained"]), states) == (2, [503, 503])
    assert [(await ask(server, "GET", "/readyz")).status_code for server in servers] == [200, 200]
    for answer in (drained, undrained):
        report = answer["cluster"]
        assert (report["complete"], report["roster"], report["answered"]) == (False, "stale", 2)
        assert answer["scope"] == "cluster"


async def test_one_message_for_all(hooked: list[Uvicorn], hook: Hook) -> None:
    """Both processes notice the same outage and its end; the webhook is called once for each."""
    for seconds, states in (("30", 1), ("0", 2)):
        await asyncio.gather(*(ask(server, "POST", f"/slow?seconds={seconds}") for server in hooked))
        await asyncio.gather(*(ask(server, "GET", "/c2c/health/") for server in hooked))
        await eventually(_count(hook, states), what="the message")
    await asyncio.sleep(0.5)
    assert [(event["check"], event["to"]) for event in hook.events] == [("Slow", "fail"), ("Slow", "pass")]
    assert hook.events[1]["held_seconds"] >= 0
    assert all("hush" not in server.output for server in hooked)


def _text(server: Uvicorn, text: str) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return (await ask(server, "GET", "/readyz")).text == text

    return condition


def _count(hook: Hook, number: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return len(hook.events) >= number

    return condition


async def test_two_versions(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a deployment lasts it is a warning, then a failure."""
    prefix = "versions_"
    (tmp_path / "versions.json").write_text('{"main": {"git_hash": "old"}, "packages": {}}')
    env = {"C2C__REDIS__URL": redis_server.url, "C2C__REDIS__BROADCAST_PREFIX": prefix}
    factory = Factory()
    factory.add(Version(), name="patient", ttl=0)
    factory.add(Version(deployment_seconds=0), name="impatient", ttl=0)
    with Uvicorn(APP, env=env, cwd=tmp_path):
        config.settings = config.Settings(redis={"url": redis_server.url, "broadcast_prefix": prefix})
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "versions.json").write_text('{"main": {"git_hash": "new"}, "packages": {}}')
        monkeypatch.chdir(tmp_path / "new")
        await start()
        try:
            first = (await factory.check()).entities
            second = (await factory.check()).entities
        finally:
            await broadcast.shutdown()
            broadcast.cleanup()
            await redis_utils.aclose()
    assert [entity.status for entity in first] == ["warn", "warn"]
    assert first[0].payload == {"version": "new", "versions": {"new": 1, "old": 1}}
    assert [entity.status for entity in second] == ["warn", "fail"]
