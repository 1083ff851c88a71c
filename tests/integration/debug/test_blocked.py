"""What one process tells about another one whose event loop is blocked."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis as redis_py

from tests.support.diagnosed import PREFIX, Diagnosed
from tests.support.net import wait_for
from tests.support.processes import RedisServer

CHANNEL = f"{PREFIX}c2c_debug_stacks@deputies"
APP = "tests/support/debug_app.py"


class Service(Diagnosed):
    """One process of the service."""

    def stacks(self, **params: str) -> Any:
        return self.get("debug/stacks", **params)

    @contextlib.contextmanager
    def blocked(self, path: str) -> Iterator[None]:
        """Block the event loop with a request during the block, and at least until it ends."""
        thread = threading.Thread(target=httpx.get, args=(self.server.url + path,), kwargs={"timeout": 60})
        thread.start()
        time.sleep(0.5)
        try:
            yield
        finally:
            thread.join()


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
    ("name", "other", "path", "function"),
    # a loop that sleeps leaves the processor to other tests, so its block may be the longer one
    [("asyncio", "uvloop", "busy/5", "compute"), ("uvloop", "asyncio", "asleep/10", "asleep")],
)
def test_a_blocked_process_shows_its_stacks(
    services: dict[str, Service], name: str, other: str, path: str, function: str
) -> None:
    """Another process names the line at once, and when the blocked one is lost, and its stall afterwards."""
    blocked, asking = services[name], services[other]
    kind, _, seconds = path.partition("/")
    wait_for(lambda: is_whole(asking), what="both processes")
    with blocked.blocked(f"/{path}"):
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

    wait_for(lambda: liveness(asking, blocked) == "ok", what="a heartbeat")
    route = f"/{kind}/{{seconds}}"
    long = [one for one in stalls(asking, blocked) if one["ms"] > int(seconds) * 700]
    (stall,) = [one for one in long if one["route"] == route]
    assert stall["ms"] < 60_000
    assert stall["frame"].startswith(f"{APP}:")
    assert stall["frame"].endswith(f" {function}")

    def shows_lag() -> bool:
        known = asking.get("instances")["instances"]
        (samples,) = [one["samples"] for one in known if one["id"] == blocked.id]
        return any((sample[3] or 0) > int(seconds) * 0.6 for sample in samples)

    wait_for(shows_lag, seconds=20, what="the lag in the roster")


def liveness(asking: Service, blocked: Service) -> str:
    known = asking.get("instances", samples="false")["instances"]
    return next((str(one["liveness"]) for one in known if one["id"] == blocked.id), "")


def stalls(asking: Service, blocked: Service) -> list[Any]:
    found = asking.get("debug/loop", instance=blocked.id)["processes"]
    return [stall for process in found for stall in process["stalls"]]


def test_a_process_that_holds_the_gil_is_missing(services: dict[str, Service]) -> None:
    """While no other thread can run, the process is listed as missing, without an answer."""
    blocked, asking = services["asyncio"], services["uvloop"]
    before = time.perf_counter()
    sum(range(10_000_000))
    numbers = int(10_000_000 * 8 / (time.perf_counter() - before))
    with blocked.blocked(f"/held/{numbers}"):
        found = asking.stacks()
        assert of(found, blocked.id) == []
        (missing,) = found["cluster"]["missing"]
        assert (missing["pid"], missing["reason"]) == (int(blocked.id.split(":")[-2]), "timeout")
    wait_for(lambda: is_whole(asking), what="the answer afterwards")


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
        blocked.blocked("/asleep/3"),
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
    with blocked.blocked("/asleep/3"):
        assert_named(asking.stacks(), blocked.id, "asleep")
    assert "watchdog" not in blocked.server.output
    assert "Traceback" not in blocked.server.output
