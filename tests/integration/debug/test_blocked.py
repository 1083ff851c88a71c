"""What one process tells about another one whose event loop is blocked."""

import contextlib
import datetime
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis as redis_py

from tests.support import operators
from tests.support.diagnosed import PREFIX, Diagnosed
from tests.support.net import SOON_SECONDS, wait_for
from tests.support.processes import RedisServer

CHANNEL = f"{PREFIX}c2c_debug_stacks@deputies"
APP = "tests/support/debug_app.py"


class Service(Diagnosed):
    """One process of the service."""

    def stacks(self, **params: str) -> Any:
        return self.get("debug/stacks", **params)


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A redis-server of these tests, one of which restarts it."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def services(redis: RedisServer) -> Iterator[dict[str, Service]]:
    """Two processes, one on each event loop."""
    with contextlib.ExitStack() as stack:
        found = {
            loop: stack.enter_context(Service(redis, loop=loop).running()) for loop in ("asyncio", "uvloop")
        }
        wait_for(lambda: is_whole(found["asyncio"]), seconds=20, what="both processes")
        yield found


def is_whole(service: Service) -> bool:
    cluster = service.stacks()["cluster"]
    return bool(cluster["answered"] == 2 and cluster["complete"])


def of(found: Any, id_: str) -> list[Any]:
    """The groups that a process has."""
    return [group for group in found["groups"] if any(where["instance"] == id_ for where in group["where"])]


def assert_named(found: Any, id_: str, function: str) -> None:
    """The stacks name the line that blocks the event loop of a process."""
    frames = [group["frames"][-1] for group in of(found, id_)]
    blocking = [frame for frame in frames if (frame["file"], frame["function"]) == (APP, function)]
    assert len(blocking) == 2  # its thread and its task
    assert all(frame["line"] > 0 for frame in blocking)
    own = [where for group in of(found, id_) for where in group["where"] if where["instance"] == id_]
    (main,) = [where for where in own if where.get("thread") == "MainThread"]  # an answer counts once
    assert 0 < main["age_seconds"] < 60


@pytest.mark.parametrize(
    ("name", "other", "way", "function"),
    [("asyncio", "uvloop", "computing", "compute"), ("uvloop", "asyncio", "asleep", "asleep")],
)
def test_a_blocked_process_shows_its_stacks(
    services: dict[str, Service], name: str, other: str, way: str, function: str
) -> None:
    """Another process names the line at once, and when the blocked one is lost, and its stall afterwards."""
    blocked, asking = services[name], services[other]
    wait_for(lambda: is_whole(asking), what="both processes")
    with operators.blocked(blocked.server.url, way=way):
        began = time.monotonic()
        found = asking.stacks()
        assert_named(found, blocked.id, function)
        assert (found["cluster"]["asked"], found["cluster"]["complete"]) == (2, True)
        # it is still blocked
        loops = asking.get("debug/loop")
        assert [process["instance"] for process in loops["processes"]] == [asking.id]
        assert [missing["pid"] for missing in loops["cluster"]["missing"]] == [int(blocked.id.split(":")[-2])]

        wait_for(lambda: liveness(asking, blocked) == "lost", what="the lost process")
        assert_named(asking.stacks(instance=blocked.id), blocked.id, function)
        found = asking.stacks()
        assert_named(found, blocked.id, function)
        assert found["cluster"]["lost"] == []
        least = time.monotonic() - began  # it was blocked before, and is still

    most = time.monotonic() - began + SOON_SECONDS
    wait_for(lambda: liveness(asking, blocked) == "ok", what="a heartbeat")
    long = [one for one in stalls(asking, blocked) if one["ms"] > 700 * least]
    (stall,) = [one for one in long if one["route"] == f"/{way}"]
    assert stall["ms"] < 1000 * most
    assert stall["frame"].startswith(f"{APP}:")
    assert stall["frame"].endswith(f" {function}")

    def shows_lag() -> bool:
        known = asking.get("instances")["instances"]
        (samples,) = [one["samples"] for one in known if one["id"] == blocked.id]
        return any((sample[3] or 0) > 0.6 * least for sample in samples)

    wait_for(shows_lag, seconds=20, what="the lag in the roster")


def liveness(asking: Service, blocked: Service) -> str:
    known = asking.get("instances", samples="false")["instances"]
    return next((str(one["liveness"]) for one in known if one["id"] == blocked.id), "")


def stalls(asking: Service, blocked: Service) -> list[Any]:
    found = asking.get("debug/loop", instance=blocked.id)["processes"]
    return [stall for process in found for stall in process["stalls"]]


def test_a_process_that_holds_the_gil_is_missing(services: dict[str, Service]) -> None:
    """While no other thread can run, the process is missing, without an answer, with its last word."""
    blocked, asking = services["asyncio"], services["uvloop"]
    wait_for(lambda: len(known(asking, blocked)["samples"]) > 1, what="two heartbeats")
    before = known(asking, blocked)
    with operators.blocked(blocked.server.url, way="held"):
        assert_silent(asking.stacks(), blocked)
        wait_for(lambda: liveness(asking, blocked) == "lost", what="the lost process")
        assert_silent(asking.stacks(), blocked)
        last = known(asking, blocked)
        same = {"id", "application", "version", "packages", "python", "started", "state", "applied"}
        assert {key: last[key] for key in same} == {key: before[key] for key in same}
        assert last["figures"]["rss_bytes"] > 10_000_000
        assert last["figures"].keys() == before["figures"].keys()
        assert last["beat_age_seconds"] > 0
        first, *_, final = [sample[0] for sample in last["samples"]]
        assert before["samples"][0][0] == first < final
        (lost,) = asking.get("debug/loop")["cluster"]["lost"]
        assert lost["pid"] == blocked.pid
        since, beat = map(datetime.datetime.fromisoformat, (lost["since"], final))
        assert abs(since - beat) < datetime.timedelta(seconds=1)  # between two heartbeats
        page = asking.client.get("process", params={"id": blocked.id}).text
        assert "<strong>Lost:</strong> no heartbeat since" in page
        assert "blocked now and then" in page
    wait_for(lambda: is_whole(asking), what="the answer afterwards")


def known(asking: Service, other: Service) -> Any:
    """What the roster has of a process."""
    return next(one for one in asking.get("instances")["instances"] if one["id"] == other.id)


def assert_silent(found: Any, other: Service) -> None:
    """The process gave no answer."""
    assert of(found, other.id) == []
    (missing,) = found["cluster"]["missing"]
    assert (missing["pid"], missing["reason"]) == (other.pid, "timeout")


def watchers(redis: RedisServer) -> int:
    """The number of watchdogs that listen."""
    with redis.client() as client:
        return int(client.pubsub_numsub(CHANNEL)[0][1])


FORGED = [
    *(b"", b"-\n", b"null", b"{", b"\xff\xfe\n{}\n{}", b"x" * 2_000_000),
    b'-\n{"id": "x", "sender": "y", "at": 1, "number": 1, "reply_to": "test_@inbox:x"}\n{}',
]


def test_forged_and_replayed_questions_are_ignored(services: dict[str, Service], redis: RedisServer) -> None:
    """What is not signed, or comes a second time, is not answered, and harms nothing."""
    blocked, asking = services["uvloop"], services["asyncio"]
    with (
        redis_py.Redis.from_url(redis.url) as client,
        client.pubsub() as pubsub,
        operators.blocked(blocked.server.url, way="asleep"),
    ):
        for data in FORGED:
            client.publish(CHANNEL, data)
        pubsub.psubscribe(f"{PREFIX}*")
        assert_named(asking.stacks(), blocked.id, "asleep")
        seen = list(messages(pubsub, seconds=0.3))
        (question,) = [data for channel, data in seen if channel == CHANNEL.encode()]
        assert answers_of(seen, blocked.id) == 1
        client.publish(CHANNEL, question)
        assert answers_of(messages(pubsub, seconds=1), blocked.id) == 0
    wait_for(lambda: is_whole(asking), what="both processes")


def messages(pubsub: Any, *, seconds: float) -> Iterator[tuple[bytes, bytes]]:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        message = pubsub.get_message(ignore_subscribe_messages=True, timeout=left)
        if message is not None:
            yield message["channel"], message["data"]


def answers_of(seen: Any, id_: str) -> int:
    """How many answers a process sent."""
    headers = [json.loads(data.split(b"\n")[1]) for channel, data in seen if b"@inbox:" in channel]
    return [header["sender"] for header in headers].count(id_)


def test_after_an_outage_of_redis(services: dict[str, Service], redis: RedisServer) -> None:
    """Without Redis the watchdog measures; once it is back it answers again, without a log of attempts."""
    blocked, asking = services["asyncio"], services["uvloop"]
    redis.kill()
    httpx.get(f"{blocked.server.url}/busy/0.7", timeout=30)
    alone = blocked.get("debug/loop", instance="self")
    assert any(stall["route"] == "/busy/{seconds}" for stall in alone["processes"][0]["stalls"])
    redis.start()
    wait_for(lambda: is_whole(asking), seconds=20, what="both processes")
    wait_for(lambda: watchers(redis) == 2, seconds=20, what="both watchdogs")
    with operators.blocked(blocked.server.url, way="asleep"):
        assert_named(asking.stacks(), blocked.id, "asleep")
    assert "watchdog" not in blocked.server.output
    assert "Traceback" not in blocked.server.output
