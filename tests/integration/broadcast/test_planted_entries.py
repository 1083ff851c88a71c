"""Entries of the roster that somebody else writes to Redis, and the views that show the processes."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from tests.support.net import wait_for
from tests.support.operators import PREFIX, serve
from tests.support.processes import RedisServer, Uvicorn

KEY = {"X-API-Key": "a-secret-of-the-operators"}
ROSTER = f"{PREFIX}instances"
PATHS = ("/", "/instances", "/health/cluster", "/health/cluster?history=true", "/readyz")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def service(server: RedisServer) -> Iterator[Uvicorn]:
    with serve(server.port, C2C__HEALTH__TIMEOUT="1s", C2C__INSTANCES__HEARTBEAT="10s") as service:
        yield service


@pytest.fixture
def attacker(server: RedisServer, service: Uvicorn) -> Iterator["redis.Redis"]:
    """A client that may write everything; what it planted is taken away, and the service knows it."""
    with redis.Redis.from_url(server.url) as client:
        before = client.hkeys(ROSTER)
        yield client
        planted = set(client.hkeys(ROSTER)) - set(before)
        if planted:
            client.hdel(ROSTER, *planted)
            wait_for(lambda: len(processes(service)) == 1, what="a read of the roster")


def entry(beat: dict[str, Any] | None = None, static: dict[str, Any] | None = None) -> tuple[bytes, bytes]:
    """The two values of an entry as a process writes it, with changes of each."""
    parts = (
        {"f": 1, "beat": time.time(), "every": 1.0, "state": "ready", "uptime": 1.0, **(beat or {})},
        {"f": 1, "hostname": "h", "pid": 1, "started": "2026-01-01T00:00:00Z", **(static or {})},
    )
    first, second = (b"-\n" + json.dumps(part).encode() for part in parts)
    return first, second


BAD_BEATS: dict[str, dict[str, Any]] = {
    "a megabyte of figures": {"figures": {str(number): 1.0 for number in range(70_000)}},
    "a megabyte of cells": {"checks": "p1,1,1 " * 150_000},
    "from the future": {"beat": time.time() + 86_400},
    "from the far future": {"beat": 1e300},
    "no time": {"beat": None},
    "infinite": {"beat": float("inf")},
    "a beat of a century": {"every": 3e9},
}
BAD_STATICS: dict[str, dict[str, Any]] = {
    "lone surrogate": {"hostname": "\ud800"},
    "lone surrogate in a package": {"packages": {"\udfff": "1"}},
    "a megabyte": {"hostname": "x" * 1_000_000},
    "negative process": {"pid": -1},
    "a list": {"hostname": []},
}
PLANTED = {name: entry(beat=changes) for name, changes in BAD_BEATS.items()} | {
    name: entry(static=changes) for name, changes in BAD_STATICS.items()
}


def shown(service: Uvicorn) -> dict[str, str]:
    """What the views show."""
    texts = {}
    with visitor(service) as client:
        for path in PATHS:
            reply = client.get(path)
            assert reply.status_code == 200, (path, reply.text[:500])
            texts[path] = reply.text
    return texts


def processes(service: Uvicorn) -> Any:
    """What the roster has."""
    with visitor(service) as client:
        return client.get("/instances").json()["instances"]


def visitor(service: Uvicorn) -> httpx.Client:
    return httpx.Client(base_url=f"{service.url}/c2c", headers=KEY, timeout=60)


@pytest.mark.parametrize("kind", PLANTED)
def test_bad_entry(service: Uvicorn, attacker: "redis.Redis", kind: str) -> None:
    """The attack: one bad entry. It is left out, logged once, and the real process is shown."""
    beat, static = PLANTED[kind]
    name = f"planted:1:{kind}"
    attacker.hset(ROSTER, mapping={name: beat, f"{name}/static": static})
    for _ in range(2):
        texts = shown(service)
    assert all(len(text) < 200_000 for text in texts.values())
    (process,) = json.loads(texts["/instances"])["instances"]
    assert process["liveness"] == "ok"
    assert service.output.count(f"{name}'") + service.output.count(f"{name}/static'") == 1


@pytest.mark.parametrize("raw", [b"", b"-\n", b"\xff", b"-\n[]", b"-\n1", b"-\n{", b"-\n" + b"[" * 60_000])
def test_entry_that_is_no_json(service: Uvicorn, attacker: "redis.Redis", raw: bytes) -> None:
    attacker.hset(
        ROSTER, mapping={b"planted\xff": raw, b"planted\xff/static": raw, "x/static": raw, "y": raw}
    )
    assert len(json.loads(shown(service)["/instances"])["instances"]) == 1


def test_entries_of_the_samples(service: Uvicorn, attacker: "redis.Redis") -> None:
    own = processes(service)[0]["id"]
    attacker.hset(f"{ROSTER}:samples", own, b"-\n" + b'{"f": 1, "ring": [[1e300, 1, 1, 1, 1]]}')
    with visitor(service) as client:
        assert client.get("/instances?samples=true").status_code == 200


def test_very_many_entries(service: Uvicorn, attacker: "redis.Redis") -> None:
    """The attack: 20,000 entries that look real. The views show some, and the process that answers."""
    beat, static = entry()
    with attacker.pipeline() as pipeline:
        for number in range(20_000):
            pipeline.hset(ROSTER, mapping={f"h:1:{number}": beat, f"h:1:{number}/static": static})
        pipeline.hset(ROSTER, "token", "changed")
        pipeline.execute()
    texts = shown(service)
    assert all(len(text) < 5_000_000 for text in texts.values())
    reply = json.loads(texts["/instances"])
    assert len(reply["instances"]) == 2000
    assert reply["skipped"] > 17_000
    assert [process["pid"] for process in reply["instances"] if process["hostname"] != "h"] == [service.pid]
    assert service.output.count("has more than 2000 processes") == 1
