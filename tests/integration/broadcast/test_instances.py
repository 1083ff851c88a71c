"""The roster of the processes."""

import asyncio
import datetime
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from c2casgiutils import broadcast, config, instances, prometheus, redis_utils
from c2casgiutils._app import create_app
from c2casgiutils.broadcast.redis import RedisBroadcaster
from tests.support.auth import make_client
from tests.support.fleet import configure, leave
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.starting import connected, start

KEY = "test_instances"


@pytest.fixture(autouse=True)
async def _started(redis_server: RedisServer) -> AsyncIterator[None]:
    broadcast.cleanup()
    configure(redis_server.url)
    config.settings.instances.heartbeat = datetime.timedelta(seconds=1)
    await start(FastAPI(title="My service", version="1.2.3"))
    yield
    await leave()


async def _ids() -> set[str]:
    return {instance.id for instance in await instances.roster()}


async def test_process_tells_about_itself() -> None:
    (instance,) = await instances.roster()
    assert instances.scope() == "cluster"
    assert instance.hostname == os.uname().nodename
    assert instance.pid == os.getpid()
    assert instance.id.startswith(f"{instance.hostname}:{instance.pid}:")
    assert (instance.application, instance.version) == ("My service", "1.2.3")
    assert {"c2casgiutils", "fastapi", "redis"} <= instance.packages.keys()
    assert instance.python.startswith("3.")
    assert abs(instance.started.timestamp() - time.time()) < 60
    assert {"rss_bytes", "cpu_seconds", "loop_lag_seconds", "broadcast_queue"} <= instance.figures.keys()
    assert instance.figures["rss_bytes"] > 10_000_000
    assert "requests_in_flight" not in instance.figures


async def test_state_is_told_at_once() -> None:
    other = RedisBroadcaster(instances.Presence())
    other.presence.start(other.link)
    await other.init()
    await connected(other)
    try:
        for state in ("ready", "draining"):
            instances.set_state(state)
            assert instances.state() == state

            async def told(expected: str = state) -> bool:
                states = {instance.id: instance.state for instance in await other.presence.instances()}
                return states.get(instances.own().id) == expected

            await eventually(told, what="the state")
    finally:
        await other.presence.stop()
        await other.aclose()


async def test_registered_figures_are_told(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> float:
        raise ValueError("no figure")

    instances.register_figure("requests_in_flight", lambda: 3)
    instances.register_figure("broken", broken)
    try:
        figures = instances.own().figures
    finally:
        instances.unregister_figure("requests_in_flight")
        instances.unregister_figure("broken")
    assert figures["requests_in_flight"] == 3
    assert "broken" not in figures
    assert "broken" in caplog.text


async def test_beats_carry_registered_fields_and_the_version_back(redis_server: RedisServer) -> None:
    versions: list[int] = []
    instances.on_version(versions.append)
    instances.register_beat("applied", lambda: versions[-1] if versions else None)
    with redis_server.client() as client:
        client.hset("test_switches", "version", 1764000000123)

        async def applied() -> bool:
            return bool(_entry(client, instances.own().id).get("applied") == 1764000000123)

        await eventually(applied, what="the version in the beat")


async def test_git_hash_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions.json").write_text('{"main": {"git_hash": "abc123"}, "packages": {}}')
    monkeypatch.chdir(tmp_path)
    await broadcast.shutdown()
    await start()
    assert [instance.git_hash for instance in await instances.roster()] == ["abc123"]


async def test_blocked_event_loop_shows_in_the_lag() -> None:
    time.sleep(0.8)  # noqa: ASYNC251  # the block is the test

    async def shown() -> bool:
        return instances.own().figures["loop_lag_seconds"] > 0.2

    await eventually(shown, what="the lag")


def _entry(client: Any, field: str) -> Any:
    """What an entry says; without a secret its signature is a dash."""
    signature, _, text = (client.hget(KEY, field) or "").partition("\n")
    assert signature == "-"
    return json.loads(text)


async def test_entry_is_small_and_beats(redis_server: RedisServer) -> None:
    """With 40 checks too; what rarely changes stands in a field of its own."""
    cell = instances.encode_check("pass", 1772366400, 1234, 59)
    instances.register_beat("checks", lambda: " ".join([cell] * 40))
    instances.register_beat("applied", lambda: 1764000000123)
    own = instances.own().id
    with redis_server.client() as client:
        assert _entry(client, f"{own}/static")["channels"] == []
        beat = _entry(client, own)["beat"]

        async def beaten() -> bool:
            entry = _entry(client, own)
            return bool(entry["beat"] > beat and "checks" in entry)

        await eventually(beaten, what="a beat")
        assert len(client.hget(KEY, own) or "") <= 1280


async def test_what_rarely_changes_is_written_when_it_does(redis_server: RedisServer) -> None:
    checks = [{"name": "db", "tags": ["all"], "level": 1, "severity": "critical"}]
    cells = ["p1772366400,12,1"]
    instances.register_static("checks", lambda: list(checks))
    instances.register_beat("checks", lambda: " ".join(cells))
    instances.set_state("ready")
    own = instances.own().id
    with redis_server.client() as client:

        async def written() -> bool:
            return len(_entry(client, f"{own}/static").get("checks", [])) == len(checks)

        await eventually(written, what="the checks")
        token = client.hget(KEY, "token")
        beat = _entry(client, own)["beat"]

        async def beaten() -> bool:
            return bool(_entry(client, own)["beat"] > beat)

        await eventually(beaten, what="a beat")
        assert client.hget(KEY, "token") == token
    state = (await _seen_by_another())[own].checks["db"]
    assert (state.status, state.milliseconds, state.age, state.tags) == ("pass", 12, 1, ["all"])
    assert state.since is not None
    assert state.since.timestamp() == 1772366400


async def _seen_by_another() -> dict[str, instances.Instance]:
    """The roster as another process reads it."""
    other = RedisBroadcaster(instances.Presence())
    other.presence.start(other.link)
    await other.init()
    await connected(other)
    try:
        return {instance.id: instance for instance in await other.presence.instances(samples=True)}
    finally:
        await other.presence.stop()
        await other.aclose()


async def test_same_pid_again_is_another_process() -> None:
    other = instances.Presence()
    assert other.pid == instances.own().pid
    assert other.id != instances.own().id


async def test_ages_are_by_the_clock_of_redis(redis_server: RedisServer) -> None:
    """A process whose own clock is wrong is neither young nor old: its entry holds Redis's time."""
    own = instances.own().id
    with redis_server.client() as client:
        seconds, microseconds = client.time()
        beat, static = _entry(client, own), _entry(client, f"{own}/static")
        assert abs(beat["beat"] - seconds - microseconds / 1e6) < 5
        for id_, age in (("web:1:old", 20), ("web:1:lost", 60), ("web:1:forgotten", 1000)):
            client.hset(KEY, f"{id_}/static", "-\n" + json.dumps(static))
            client.hset(KEY, id_, "-\n" + json.dumps({**beat, "beat": seconds - age, "every": 10}))
    found = {instance.id: instance for instance in await instances.roster()}
    assert {id_: instance.liveness for id_, instance in found.items()} == {
        own: "ok",
        "web:1:old": "late",
        "web:1:lost": "lost",
    }
    assert 19.5 < found["web:1:old"].beat_age_seconds < 30

    async def removed() -> bool:
        await instances.roster()
        with redis_server.client() as client:
            return client.hget(KEY, "web:1:forgotten") is None and client.hget(KEY, "web:1:lost") is not None

    await eventually(removed, what="the removal of the one that is lost for long")


_NOW = "1764000000"
_STATIC = '-\n{"hostname": "web", "pid": 1, "started": "2026-01-01T00:00:00Z", "channels": ["nobody"]}'


def _beat(beat: str = _NOW, every: str = "5", uptime: str = "1", figure: str = "1", more: str = "") -> str:
    """The text of a beat with one value that is malformed or too large."""
    return (
        f'-\n{{"beat": {beat}, "every": {every}, "uptime": {uptime},'
        f' "figures": {{"rss_bytes": {figure}}}{more}}}'
    )


@pytest.mark.parametrize(
    ("beat", "static"),
    [
        pytest.param("", _STATIC, id="empty"),
        pytest.param("-\n{", _STATIC, id="cut"),
        pytest.param("-\n[]", _STATIC, id="list"),
        pytest.param("-\n{}", _STATIC, id="no time"),
        pytest.param("\x00", _STATIC, id="bytes"),
        pytest.param("-\n" + "[" * 4000, _STATIC, id="nested"),
        pytest.param(_beat(more=f', "checks": "{"x" * 300_000}"'), _STATIC, id="oversized"),
        pytest.param(_beat(beat="Infinity"), _STATIC, id="infinite"),
        pytest.param(_beat(beat="9" * 400), _STATIC, id="huge time"),
        pytest.param(_beat(beat="99999999999"), _STATIC, id="future"),
        pytest.param(_beat(every="NaN"), _STATIC, id="no interval"),
        pytest.param(_beat(every="0"), _STATIC, id="interval of zero"),
        pytest.param(_beat(uptime="Infinity"), _STATIC, id="infinite uptime"),
        pytest.param(_beat(figure="NaN"), _STATIC, id="no figure"),
        pytest.param("0" * 64 + _beat()[1:], _STATIC, id="signed by a stranger"),
        pytest.param(_beat(), "", id="empty static"),
        pytest.param(_beat(), '-\n{"hostname": "web"}', id="static without pid"),
        pytest.param(_beat(), "-\n" + "x" * 70_000, id="oversized static"),
        pytest.param(_beat(), _STATIC.replace("}", ', "checks": [{}]}'), id="check without a name"),
        pytest.param(_beat(), _STATIC.replace("}", ', "checks": [{"name": "a", "tags": 5}]}'), id="odd tags"),
    ],
)
async def test_malformed_entry_is_ignored(
    redis_server: RedisServer, beat: str, static: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, and breaks neither a view nor a call."""
    with redis_server.client() as client:
        client.hset(KEY, "web:1:odd", beat)
        client.hset(KEY, "web:1:odd/static", static)
        client.hset(KEY, "token", b"changed \xff")
    for _ in range(2):
        assert await _ids() == {instances.own().id}
        assert await broadcast.broadcast("nobody", expect_answers=True, timeout=1) == []
        assert instances.skipped() == 1
    assert "c2casgiutils_instances_skipped_total" in prometheus.render()[0].decode()
    assert len([r for r in caplog.records if "'web:1:odd" in r.getMessage()]) == 1


async def test_samples_are_small_in_json() -> None:
    """Each is an array of a time and four figures, and they can be left out."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": "a-secret-of-the-test"})
    async with make_client(create_app(), headers={"X-API-Key": "a-secret-of-the-test"}) as http:
        (whole,) = (await http.get("/instances")).json()["instances"]
        (short,) = (await http.get("/instances?samples=false")).json()["instances"]
    at, rss_bytes, cpu_seconds, *others = whole["samples"][-1]
    assert datetime.datetime.fromisoformat(at).tzinfo is not None
    assert rss_bytes > 10_000_000
    assert cpu_seconds > 0
    assert len(others) == 2
    assert short["samples"] == []


async def test_malformed_samples_and_times_are_ignored(redis_server: RedisServer) -> None:
    """The process is listed without them, and calls report that it is lost."""
    with redis_server.client() as client:
        client.hset(KEY, "web:1:odd", _beat(beat=str(client.time()[0])))
        client.hset(KEY, "web:1:odd/static", _STATIC)
        client.hset(f"{KEY}:samples", "web:1:odd", '-\n{"ring": [[1e300, null, null, null, null]]}')
        client.zadd(f"{KEY}:beats", {"web:1:odd": -1e300})
        client.hset(KEY, "token", "changed")
    found = {instance.id: instance for instance in await instances.roster(samples=True)}["web:1:odd"]
    assert len(found.samples) == 1
    assert found.samples[0].at.year > 2000
    assert await broadcast.broadcast("nobody", expect_answers=True, timeout=1) is not None


async def test_entry_of_a_newer_release_is_understood(redis_server: RedisServer) -> None:
    """What this release does not know is left aside; a state that it does not know is not `ready`."""
    with redis_server.client() as client:
        now = str(client.time()[0])
        beat = _beat(beat=now, more=', "f": 2, "state": "dancing", "new": {"a": 1}, "checks": "x1,2,3 p1"')
        static = _STATIC.replace(
            "}", ', "f": 2, "new": [1], "checks": [{"name": "a"}, {"name": "b", "x": 1}]}'
        )
        client.hset(KEY, "web:1:new", beat)
        client.hset(KEY, "web:1:new/static", static)
    found = {instance.id: instance for instance in await instances.roster()}["web:1:new"]
    assert (found.state, found.liveness) == ("starting", "ok")
    assert {name: check.status for name, check in found.checks.items()} == {"a": "unknown", "b": "unknown"}


async def test_lost_process_stays_lost_while_redis_refuses_beats(redis_server: RedisServer) -> None:
    """Only who fell silent since then may be alive: its beats may be refused."""

    async def liveness() -> str:
        return {instance.id: instance.liveness for instance in await instances.roster()}["web:1:old"]

    with redis_server.client() as client:
        client.hset(KEY, "web:1:old", _beat(beat=str(client.time()[0] - 100)))
        client.hset(KEY, "web:1:old/static", _STATIC)
        client.hset(KEY, "rebuilt", 0)
        assert await liveness() == "lost"
        client.config_set("maxmemory", 1)
        try:

            async def stale() -> bool:
                return instances.currency() == "stale"

            await eventually(stale, what="a stale roster")
            assert await liveness() == "lost"
        finally:
            client.config_set("maxmemory", 0)


async def test_samples_are_kept_for_everybody(redis_server: RedisServer) -> None:
    """Anybody reads the ring of a process, and its last beat, without asking it, if they want it."""
    await broadcast.shutdown()
    config.settings.instances.heartbeat = datetime.timedelta(seconds=0.1)
    await start()
    own = instances.own().id
    with redis_server.client() as client:

        async def stored() -> bool:
            text = (client.hget("test_instances:samples", own) or "").partition("\n")[2]
            return bool(text) and len(json.loads(text)["ring"]) > 3

        await eventually(stored, what="the samples")
    samples = (await _seen_by_another())[own].samples
    assert 3 < len(samples) <= 60
    assert all(sample.rss_bytes and sample.rss_bytes > 10_000_000 for sample in samples)
    assert [sample.at for sample in samples] == sorted(sample.at for sample in samples)
    assert [instance.samples for instance in await instances.roster()] == [[]]


async def test_without_redis_this_process_alone() -> None:
    await leave()
    config.settings.redis.url = None
    await broadcast.startup()
    assert instances.scope() == "process"
    assert await _ids() == {instances.own().id}
    await asyncio.sleep(0)


async def test_fifty_processes_answer_completely() -> None:
    """Many broadcasters in one process, each with its connection and its place in the roster."""

    async def number() -> int:
        return 1

    others = [RedisBroadcaster(instances.Presence()) for _ in range(50)]
    for other in others:
        await other.subscribe("number", number)
        other.presence.start(other.link)
    await asyncio.gather(*(other.init() for other in others))

    async def all_known() -> bool:
        return len(await instances.living()) == 51 and instances.currency() == "current"

    try:
        await eventually(all_known, seconds=30, what="51 processes in the roster")
        answers = await broadcast.broadcast("number", expect_answers=True, timeout=30) or []
        assert sum(getattr(answer, "payload", 0) for answer in answers) == 50
    finally:
        for other in others:
            await other.presence.stop()
            await other.aclose()
    assert await broadcast.broadcast("number", expect_answers=True, timeout=5) == []
    assert redis_utils.is_configured()
