"""What one process tells about all of them: requests, settings, versions, runtime, and the dump."""

import contextlib
import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support import operators
from tests.support.diagnosed import KEY, SETTINGS, Diagnosed
from tests.support.net import wait_for
from tests.support.processes import RedisServer

BEARERS = "first-token-of-the-scraper", "other-token-of-the-scraper"


class Service(Diagnosed):
    """A process of the service."""

    def dump(self) -> dict[str, Any]:
        answer = self.client.post("debug/dump")
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return {name: json.loads(archive.read(name)) for name in archive.namelist()}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def services(redis: RedisServer) -> Iterator[list[Service]]:
    """Two processes; one setting, a secret, differs."""
    with contextlib.ExitStack() as stack:
        services = [Service(redis, PROMETHEUS__BEARER=bearer) for bearer in BEARERS]
        found = [stack.enter_context(service.running()) for service in services]
        wait_for(lambda: found[0].knows(2), seconds=20, what="both processes")
        yield found


def test_requests(services: list[Service]) -> None:
    """The requests of both processes are one list, in the order in which they began."""
    asked, other = services
    expected: list[str] = []
    for service in (asked, other, asked):
        httpx.get(f"{service.server.url}/busy/0?token=hidden")
        expected.insert(0, service.id)
    found = asked.get("debug/exchanges?route=/busy/&limit=3")
    assert [one["instance"] for one in found["exchanges"]] == expected
    assert {one["route"] for one in found["exchanges"]} == {"/busy/{seconds}"}
    assert all(one["request_id"] for one in found["exchanges"])
    assert found["cluster"]["answered"] == 2
    of_other = asked.get(f"debug/exchanges?instance={other.id}")
    assert {one["instance"] for one in of_other["exchanges"]} == {other.id}
    assert asked.client.get("debug/exchanges?instance=nobody:1:x").status_code == 404


def test_settings(redis: RedisServer, services: list[Service]) -> None:
    """The secret that differs is found, and nothing in Redis tells a secret."""
    with redis.client() as client, client.pubsub() as pubsub:
        pubsub.psubscribe("*")
        found = services[0].get("settings")
        time.sleep(0.3)
        messages = []
        while (message := pubsub.get_message(timeout=0.3)) is not None:
            messages.append(message["data"])
    assert [one["name"] for one in found["settings"] if one["differs"]] == ["C2C__PROMETHEUS__BEARER"]
    assert all(one["differs"] is not None for one in found["settings"])
    assert found["cluster"]["answered"] == 2
    assert any("C2C__PROMETHEUS__BEARER" in str(message) for message in messages)
    for secret in (*BEARERS, KEY["X-API-Key"], SETTINGS["C2C__REDIS__BROADCAST_SECRET"]):
        assert secret not in str(messages)
        assert secret not in str(found)


def test_versions(services: list[Service]) -> None:
    """Both processes run the same."""
    ids = {service.id for service in services}
    found = services[0].get("versions")
    (group,) = found["groups"]
    assert (found["drift"], set(group["instances"])) == (False, ids)
    assert all(
        set(running) == ids for versions in found["packages"].values() for running in versions.values()
    )


def test_runtime(services: list[Service]) -> None:
    """Both processes tell how they started, and what they do periodically."""
    found = services[0].get("runtime")
    assert {process["instance"] for process in found["processes"]} == {service.id for service in services}
    assert all(process["startup"] for process in found["processes"])
    for process in found["processes"]:
        last = {task["name"]: task["last"] for task in process["periodic"]}
        assert {"heartbeat", "connection to Redis", "lag of the event loop", "watchdog"} <= last.keys()
        assert last["connection to Redis"] is not None


def test_dump_with_a_blocked_process(services: list[Service]) -> None:
    """The dump comes while another process is blocked, with its stack; other files call it missing."""
    asked, blocked = services
    with operators.blocked(blocked.server.url, way="asleep"):  # all the time: nothing waits for its end
        found = asked.dump()
    assert found["dump.json"]["missing"] == []
    frames = [
        frame["function"]
        for group in found["stacks.json"]["groups"]
        if any(where["instance"] == blocked.id for where in group["where"])
        for frame in group["frames"]
    ]
    assert "asleep" in frames
    for name in ("loop", "exchanges", "settings", "runtime"):
        cluster = found[f"{name}.json"]["cluster"]
        assert [missing["pid"] for missing in cluster["missing"]] == [blocked.pid], name
    wait_for(lambda: asked.knows(2), seconds=20, what="both processes again")


def test_dump_without_redis(redis: RedisServer, services: list[Service]) -> None:
    """While Redis hangs, the dump has what the process knows itself, and claims nothing about others."""
    asked = services[0]
    redis.pause()
    try:
        started = time.monotonic()
        found = asked.dump()
        assert time.monotonic() - started < 20
    finally:
        redis.resume()
    for name in ("loop", "exchanges", "settings", "runtime", "stacks"):
        content = found[f"{name}.json"]
        assert "error" in content or content["cluster"]["complete"] is False, name
    assert found["runtime.json"]["processes"][0]["instance"] == asked.id
    wait_for(lambda: asked.knows(2), seconds=20, what="both processes again")
