"""The roster of the processes."""

import asyncio
import datetime
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from c2casgiutils import broadcast, config, instances, redis_utils
from c2casgiutils.broadcast.redis import RedisBroadcaster
from tests.support.fleet import configure, leave
from tests.support.net import eventually
from tests.support.processes import RedisServer

KEY = "test_instances"


@pytest.fixture(autouse=True)
async def _started(redis_server: RedisServer) -> AsyncIterator[None]:
    broadcast.cleanup()
    configure(redis_server.url)
    config.settings.instances.heartbeat = datetime.timedelta(seconds=1)
    await broadcast.startup(FastAPI(title="My service", version="1.2.3"))
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
    try:
        for state in ("ready", "draining"):
            instances.set_state(state)
            assert instances.state() == state

            async def told(expected: str = state) -> bool:
                states = {instance.id: instance.state for instance in await other.presence.roster()}
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
            entry = json.loads(client.hget(KEY, instances.own().id) or "")
            return bool(entry.get("applied") == 1764000000123)

        await eventually(applied, what="the version in the beat")


async def test_git_hash_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions.json").write_text('{"main": {"git_hash": "abc123"}, "packages": {}}')
    monkeypatch.chdir(tmp_path)
    await broadcast.shutdown()
    await broadcast.startup()
    assert [instance.git_hash for instance in await instances.roster()] == ["abc123"]


async def test_blocked_event_loop_shows_in_the_lag() -> None:
    time.sleep(0.8)  # noqa: ASYNC251  # the block is the test

    async def shown() -> bool:
        return instances.own().figures["loop_lag_seconds"] > 0.2

    await eventually(shown, what="the lag")


async def test_entry_is_small_and_beats(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        first = client.hget(KEY, instances.own().id)
        assert first is not None
        assert len(first) < 800
        beat = json.loads(first)["beat"]

        async def beaten() -> bool:
            return bool(json.loads(client.hget(KEY, instances.own().id) or "")["beat"] > beat)

        await eventually(beaten, what="a beat")


async def test_same_pid_again_is_another_process() -> None:
    other = instances.Presence()
    assert other.pid == instances.own().pid
    assert other.id != instances.own().id


async def test_ages_are_by_the_clock_of_redis(redis_server: RedisServer) -> None:
    """A process whose own clock is wrong is neither young nor old: its entry holds Redis's time."""
    with redis_server.client() as client:
        seconds, microseconds = client.time()
        entry = json.loads(client.hget(KEY, instances.own().id) or "")
        assert abs(entry["beat"] - seconds - microseconds / 1e6) < 5
        stopped = {**entry, "instance": {**entry["instance"], "id": "web:1:old"}}
        for id_, age in (("web:1:old", 2), ("web:1:gone", 4), ("web:1:long gone", 60)):
            client.hset(KEY, id_, json.dumps({**stopped, "beat": seconds - age}))
    ids = {instance.id: instance for instance in await instances.roster()}
    assert set(ids) == {instances.own().id, "web:1:old"}
    assert 1.5 < ids["web:1:old"].beat_age_seconds < 4

    async def removed() -> bool:
        with redis_server.client() as client:
            return client.hget(KEY, "web:1:long gone") is None and client.hget(KEY, "web:1:gone") is not None

    await eventually(removed, what="the removal of the dead")


def _odd_entry(beat: str = "1e12", every: str = "5", uptime: str = "1", figure: str = "1") -> str:
    """The text of an entry of now with one number that is none, or too large."""
    instance = (
        '{"id": "web:1:odd", "hostname": "web", "pid": 1, "started": "2026-01-01T00:00:00Z",'
        f' "uptime_seconds": {uptime}, "figures": {{"rss_bytes": {figure}}}}}'
    )
    return f'{{"instance": {instance}, "channels": ["nobody"], "beat": {beat}, "every": {every}}}'


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"instance": {}}',
        '{"instance": 1, "channels": 1, "beat": "x", "every": 0}',
        "\x00",
        '{"instance": {"id": "a", "hostname": "b", "pid": 1, "started": 1}, "beat": 1, "every": 1}',
        "[" * 100_000,
        _odd_entry(beat="Infinity"),
        _odd_entry(beat="9" * 400),
        _odd_entry(every="9" * 400),
        _odd_entry(every="NaN"),
        _odd_entry(uptime="Infinity"),
        _odd_entry(figure="NaN"),
    ],
    ids=range(15),
)
async def test_malformed_entry_is_ignored(redis_server: RedisServer, entry: str) -> None:
    with redis_server.client() as client:
        client.hset(KEY, "web:1:odd", entry)
        client.hset(KEY, "token", b"changed \xff")
    assert await _ids() == {instances.own().id}
    assert await broadcast.broadcast("nobody", expect_answers=True, timeout=1) == []


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
    try:
        answers = await broadcast.broadcast("number", expect_answers=True, timeout=5) or []
        assert sum(getattr(answer, "payload", 0) for answer in answers) == 50
        assert len(await instances.roster()) == 51
    finally:
        for other in others:
            await other.presence.stop()
            await other.aclose()
    assert await broadcast.broadcast("number", expect_answers=True, timeout=5) == []
    assert redis_utils.is_configured()
