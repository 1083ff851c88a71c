"""All processes and the store converge to one desired state, whatever fails.

The bound of each wait is twice the promise: one heartbeat.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from c2casgiutils import broadcast, config
from tests.support.fleet import leave
from tests.support.net import eventually
from tests.support.operators import (
    HEARTBEAT,
    PREFIX,
    STORE,
    WITHIN,
    Operator,
    operators,
    serve,
    settle,
    stopped,
    stored,
)
from tests.support.processes import Process, RedisServer, Uvicorn
from tests.support.proxy import Proxy

NAME = "app.db"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A redis-server that the test may break."""
    with RedisServer() as server:
        yield server


_LONG_SECONDS = 10
"""A heartbeat, so long that a wait for the next one cannot be taken for a busy machine."""

Start = Callable[..., Awaitable[list[Operator]]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start servers that know each other then, and return an operator for each of their processes."""
    async with contextlib.AsyncExitStack() as stack:

        async def started(*servers: Uvicorn, with_redis: bool = True) -> list[Operator]:
            await asyncio.gather(*(asyncio.to_thread(stack.enter_context, one) for one in servers))
            found = await stack.enter_async_context(operators(*servers))
            if with_redis:
                await settle(found)
            return found

        yield started


async def converge(found: list[Operator], level: str, *, name: str = NAME) -> None:
    """Wait until all of them have a level."""

    async def have() -> bool:
        return all(await asyncio.gather(*(operator.has(name, level) for operator in found)))

    await eventually(have, seconds=WITHIN, what=f"{level} in {len(found)} processes")


def stored_level(server: RedisServer, name: str = NAME) -> str:
    """The level in the store."""
    entry = stored(server)[f"level:{name}"]
    return next(level for level in ("DEBUG", "INFO", "WARNING", "ERROR") if f'"value":"{level}"' in entry)


@pytest.mark.parametrize("count", [1, 2], ids=["two processes", "two workers"])
async def test_two_operators_at_the_same_instant(server: RedisServer, start: Start, count: int) -> None:
    """In each of 60 rounds the store and both processes end with the same one of the two levels."""
    found = await start(*(serve(server.port, workers=count) for _ in range(2 // count)))
    assert len(found) == 2
    for number in range(60):
        name = f"{NAME}.{number % 10}"
        reports = await asyncio.gather(found[0].set(name, "DEBUG"), found[1].set(name, "ERROR"))
        assert [report["complete"] for report in reports] == [True, True]
        level = stored_level(server, name)
        await converge(found, level, name=name)


async def test_a_process_stalls_during_a_change(server: RedisServer, start: Start) -> None:
    """It is told as behind, and has the level once it goes on."""
    first, second = await start(serve(server.port), serve(server.port))
    await first.set(NAME, "ERROR")
    with stopped(second.pid):
        report = await first.set(NAME, "DEBUG")
        assert (report["applied"], report["of"], report["complete"]) == (1, 2, False)
        assert [process["pid"] for process in report["behind"]] == [second.pid]
        await asyncio.sleep(4 * HEARTBEAT)
    await converge([second], "DEBUG")


async def test_the_writer_loses_its_connection_during_a_change(server: RedisServer, start: Start) -> None:
    """What the answer claims is true: who says that it is set or kept, for all processes soon."""
    async with Proxy(server.port, delay=0.02) as proxy:
        first, second = await start(serve(proxy.port), serve(server.port))
        await first.set(NAME, "ERROR")
        for number in range(10):
            level = ("DEBUG", "INFO", "WARNING")[number % 3]
            change = asyncio.create_task(first.post(NAME, level))
            await asyncio.sleep(0.008 * number)
            proxy.cut()
            answer = await change
            is_kept = answer.status_code == 200 or "the level is kept" in answer.text
            expected = level if is_kept else stored_level(server)
            await converge([first, second], expected)
            assert stored_level(server) == expected


async def test_started_while_redis_loads_its_data(start: Start) -> None:
    """The levels are there as soon as Redis is."""
    with RedisServer() as server:
        (first,) = await start(serve(server.port))
        await first.set(NAME, "DEBUG")
        with server.client() as client:
            for number in range(3000):
                client.set(f"filler:{number}", "x")
            client.save()
        server.kill()
        slow = ("--key-load-delay", "4000", "--loading-process-events-interval-bytes", "1024")
        server.command += slow
        Process.start(server)
        (second,) = await start(serve(server.port), with_redis=False)
        assert await second.level(NAME) == "NOTSET"

        async def loaded() -> bool:
            return server.is_up()

        await eventually(loaded, seconds=60, what="the data")
        await converge([first, second], "DEBUG")


async def test_redis_comes_back_empty(server: RedisServer, start: Start) -> None:
    """Who knows the levels stores them again; the newest wins, and all lists agree."""
    first, second = await start(serve(server.port), serve(server.port))
    await first.set(NAME, "ERROR")
    await first.set("app.other", "INFO")
    with stopped(second.pid):
        await first.set(NAME, "DEBUG")
    with stopped(first.pid):
        server.restart()
        await asyncio.sleep(3 * HEARTBEAT)  # the one with the older level may store it first
    await converge([first, second], "DEBUG")
    assert stored_level(server) == "DEBUG"
    (third,) = await start(serve(server.port))
    assert [await third.level(name) for name in (NAME, "app.other")] == ["DEBUG", "INFO"]
    lists = [await operator.overrides() for operator in (first, second, third)]
    assert lists == [{NAME: "DEBUG", "app.other": "INFO"}] * 3


async def test_flushed(server: RedisServer, start: Start) -> None:
    """The same when only the data is lost, a removal included."""
    found = await start(serve(server.port), serve(server.port))
    await found[0].set(NAME, "DEBUG")
    before = stored(server)
    with server.client() as client:
        client.flushall()

    async def is_back() -> bool:
        after = stored(server)
        return {**after, "version": ""} == {**before, "version": ""}

    await eventually(is_back, seconds=WITHIN, what="the stored switches")
    assert int(stored(server)["version"]) > int(before["version"])


async def test_another_value_in_the_place_of_the_store(server: RedisServer, start: Start) -> None:
    """It is replaced within a heartbeat, or by a change, and logged once each time."""
    servers = serve(server.port), serve(server.port)
    first, second = await start(*servers)

    def overwrite() -> None:
        with server.client() as client:
            client.set(STORE, "wrong")

    overwrite()
    assert (await first.set(NAME, "DEBUG"))["complete"]
    assert stored_level(server) == "DEBUG"
    overwrite()

    async def is_back() -> bool:
        with server.client() as client:
            return bool(client.type(STORE) == "hash")

    await eventually(is_back, seconds=WITHIN, what="the stored switches")
    assert stored_level(server) == "DEBUG"
    overwrite()
    assert (await second.set(NAME, "ERROR"))["complete"]
    assert stored_level(server) == "ERROR"
    assert sum(one.output.count("of another type") for one in servers) == 3


async def test_cut_off_during_a_change_of_many_levels(server: RedisServer, start: Start) -> None:
    """With 2,000 levels and 50 ms of latency the process that returns has the newer level in every round."""
    keys: dict[str | bytes, bytes | float | int | str] = {
        f"c2c_logging_level_app.many.{number}": "ERROR" for number in range(1990)
    }
    with server.client() as client:
        client.mset(keys)
    async with Proxy(server.port) as proxy:
        first, second = await start(serve(server.port), serve(proxy.port))
        await eventually(lambda: _has_many(first), seconds=20, what="many levels")
        proxy.delay = 0.05
        name = "uvicorn.error"  # one that exists: the others used up the names that no module uses
        for number in range(10):
            level = ("DEBUG", "INFO")[number % 2]
            cut = asyncio.get_running_loop().call_later(0.004 * number, proxy.cut)
            await first.set(name, level)
            cut.cancel()
            proxy.cut()
            await converge([first, second], level, name=name)


async def _has_many(operator: Operator) -> bool:
    return len(await operator.overrides()) >= 1990


@pytest.mark.parametrize("secret", ["", "a-secret-of-the-cluster"], ids=["unsigned", "signed"])
async def test_bad_entries_are_skipped(server: RedisServer, start: Start, secret: str) -> None:
    """They break no view, are counted and logged once each, and a change goes on."""
    bad: dict[str | bytes, bytes | float | int | str] = {
        "level:bad.text": "DEBUG",
        "level:bad.bytes": b"\xff\xfe",
        "level:bad.large": "-\n" + "x" * 100_000,
        "level:bad.json": '-\n{"f":1,"version":7}',
        "level": "no kind",
        "version": "a version",
    }
    with server.client() as client:
        client.hset("test_switches", mapping=bad)
    uvicorn = serve(server.port, C2C__REDIS__BROADCAST_SECRET=secret)
    (operator,) = await start(uvicorn)
    assert (await operator.set(NAME, "DEBUG"))["complete"]
    await asyncio.sleep(3 * HEARTBEAT)
    assert await operator.overrides() == {NAME: "DEBUG"}
    for path in ("", "instances", "health/cluster"):
        assert (await operator.get(path)).status_code == 200
    lines = [line for line in uvicorn.output.splitlines() if "was skipped" in line]
    assert len(lines) == len(bad) - 1
    assert all(len(line) < 300 for line in lines)
    metrics = (await operator.get("metrics")).text
    assert f"switches_skipped_total {len(bad) - 1}.0" in metrics


@pytest.mark.parametrize("secret", ["", "a-secret-of-the-cluster"], ids=["unsigned", "signed"])
async def test_versions_of_the_far_future_are_skipped(server: RedisServer, start: Start, secret: str) -> None:
    """They leave room for the versions of later changes, which go on as if they were not there."""
    far = 2**53 - 1
    value = f'"f":1,"version":{far},"set":1.5,"value":"INFO"'
    bad: dict[str | bytes, bytes | float | int | str] = {
        f"level:{NAME}": f"-\n{{{value}}}",
        "level:far.away": f"-\n{{{value}}}",
        "level:far.end": '-\n{"f":1,"version":7,"set":1.5,"value":"INFO","expires":1e300}',
        "level:far.start": '-\n{"f":1,"version":7,"set":1e300,"value":"INFO"}',
        "level:garbage": "\x00",
        "version": far,
    }
    uvicorn = serve(server.port, C2C__REDIS__BROADCAST_SECRET=secret)
    with server.client() as client:
        client.hset("test_switches", mapping=bad)
    (operator,) = await start(uvicorn)
    for level in ("DEBUG", "ERROR"):
        assert (await operator.set(NAME, level))["complete"]
        with server.client() as client:
            client.hset("test_switches", mapping=bad)
        await asyncio.sleep(2 * HEARTBEAT)
        assert await operator.level(NAME) == level
    assert await operator.overrides() == {NAME: "ERROR"}
    for path in ("", "instances", "health/cluster"):
        assert (await operator.get(path)).status_code == 200


async def test_forged_change_leaves_room_for_later_ones(server: RedisServer, start: Start) -> None:
    """Without a secret anybody can publish one; a version of the far future is not taken."""
    (first,) = await start(serve(server.port))
    await first.set(NAME, "DEBUG")
    config.settings.redis.url = server.url
    config.settings.redis.broadcast_prefix = PREFIX
    await broadcast.startup()
    try:
        base = int(stored(server)["version"])
        for entry in ("DEBUG", f'-\n{{"f":1,"version":{base},"set":1.5,"value":"INFO"}}'):
            params = {"base": base, "version": 2**53 - 1, "field": "level:app.other", "entry": entry}
            await broadcast.broadcast("c2c_switches", params)
        await asyncio.sleep(2 * HEARTBEAT)
    finally:
        await leave()
    assert (await first.set(NAME, "ERROR"))["complete"]
    assert stored_level(server) == "ERROR"


async def test_two_secrets_at_the_same_time(server: RedisServer, start: Start) -> None:
    """Processes that do not accept each other's entries do not overwrite them forever."""
    (first,) = await start(serve(server.port, C2C__REDIS__BROADCAST_SECRET="the-former-secret"))
    await first.set(NAME, "DEBUG")
    other = serve(server.port, C2C__REDIS__BROADCAST_SECRET="the-present-secret")
    (second,) = await start(
        other, with_redis=False
    )  # its list is never current: it does not accept the other
    await second.set(NAME, "ERROR")
    await asyncio.sleep(4 * HEARTBEAT)
    before = stored(server)
    await asyncio.sleep(4 * HEARTBEAT)
    assert stored(server) == before
    assert [await first.level(NAME), await second.level(NAME)] == ["DEBUG", "ERROR"]


async def test_switches_of_a_newer_release_are_kept(server: RedisServer, start: Start) -> None:
    """They survive changes and a loss of the data, and are told as not applied."""
    newer: dict[str | bytes, bytes | float | int | str] = {
        "maintenance:all": '-\n{"f":2,"version":5,"anything":[1]}',
        "colour:door": '-\n{"f":1,"version":6,"set":1.5,"value":"red","shade":"dark"}',
    }
    with server.client() as client:
        client.hset("test_switches", mapping={**newer, "version": 6})
    found = await start(serve(server.port), serve(server.port))
    await found[0].set(NAME, "DEBUG")
    with server.client() as client:
        client.flushall()

    async def is_back() -> bool:
        return newer.items() <= stored(server).items()

    async def are_told() -> bool:
        instances: list[Any] = (await found[0].get("instances")).json()["instances"]
        return [instance["figures"]["switches_not_applied"] for instance in instances] == [2.0, 2.0]

    await eventually(is_back, seconds=WITHIN, what="the switches of a newer release")
    await eventually(are_told, seconds=WITHIN, what="what is not applied")


async def test_redis_does_not_reply(server: RedisServer, start: Start) -> None:
    """Sign-in, store and record have one deadline of two seconds together."""
    (operator,) = await start(serve(server.port))
    server.pause()
    try:
        answer = await operator.post(NAME, "DEBUG")
        # by the process itself: three deadlines are 6 s
        assert float(answer.headers["Server-Timing"].removeprefix("app;dur=").partition(",")[0]) < 2 * 2000
        assert (answer.status_code, "may be kept" in answer.text) == (503, True)
    finally:
        server.resume()

    async def is_as_stored() -> bool:
        level = stored_level(server) if f"level:{NAME}" in stored(server) else "NOTSET"
        return await operator.has(NAME, level)

    await eventually(is_as_stored, seconds=5 + WITHIN, what="the stored level")


async def test_ended_values_leave_the_store(server: RedisServer, start: Start) -> None:
    """A value that ended is removed with a heartbeat, unless an older one without an end may come back."""
    first, second = await start(serve(server.port), serve(server.port))
    await first.set(NAME, "ERROR")
    moment = json.loads(stored(server)[f"level:{NAME}"].partition("\n")[2])
    past = {"f": 1, "value": "DEBUG", "set": moment["set"] - 600, "expires": moment["set"] - 300}
    entries = {
        "level:first.value": {**past, "version": 5, "older": 0},
        "level:older.value": {**past, "version": 6},
    }
    with server.client() as client:
        lines = {field: f"-\n{json.dumps(entry)}" for field, entry in entries.items()}
        client.hset("test_switches", mapping={**lines, "version": moment["version"] + 1})

    async def is_gone() -> bool:
        return "level:first.value" not in stored(server)

    await eventually(is_gone, seconds=2 * WITHIN, what="the removal")
    await second.set(NAME, "INFO")
    await converge([first, second], "INFO")
    await asyncio.sleep(HEARTBEAT)
    assert stored(server).keys() & entries.keys() == {"level:older.value"}


async def test_a_process_that_goes_on_tells_what_it_has(server: RedisServer, start: Start) -> None:
    """One that was stopped sends a heartbeat before it has the change, and a second one as soon as it has."""
    heartbeat = str(_LONG_SECONDS)
    first, second = await start(*(serve(server.port, C2C__INSTANCES__HEARTBEAT=heartbeat) for _ in range(2)))

    async def is_told() -> bool:
        found = (await first.get("instances?samples=false")).json()["instances"]
        applied = next(one["applied"] for one in found if one["pid"] == second.pid)
        return bool(applied >= int(stored(server)["version"]))

    with stopped(second.pid):
        report = await first.set(NAME, "DEBUG")
        assert (report["applied"], report["of"]) == (1, 2)
        await asyncio.sleep(1.2 * _LONG_SECONDS)  # until its heartbeat is due
        assert not await is_told()
    await eventually(is_told, seconds=0.8 * _LONG_SECONDS, what="the version in the roster")
