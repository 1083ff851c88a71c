"""Levels with an end, in two workers of a server, a script and whoever joins them.

An end is promised within a second: twice that is the bound of the time that each process itself tells,
however late this process looks.
"""

import asyncio
import contextlib
import datetime
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.level_script import LevelScript
from tests.support.net import SOON_SECONDS, eventually
from tests.support.operators import (
    HEARTBEAT,
    WITHIN,
    Operator,
    operators,
    serve,
    settings_of,
    stopped,
    stored,
)
from tests.support.processes import RedisServer, Uvicorn
from tests.support.proxy import Proxy

NAME = "uvicorn.access"
VIEW = f"levels?logger={NAME}"
CONFIGURED = "INFO"
OF_SCRIPT = "app.of.the.script"
_MAX_LATE_SECONDS = 2.0
_MAX_EARLY_SECONDS = 0.5


@dataclass(frozen=True)
class Service:
    """Redis, a server with two workers and a script."""

    redis: RedisServer
    uvicorn: Uvicorn
    script: LevelScript


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service for all tests, which leave it as they found it."""
    with RedisServer() as redis:
        uvicorn, script = serve(redis.port, workers=2), LevelScript(OF_SCRIPT, settings_of(redis.port))
        with uvicorn, script:
            yield Service(redis, uvicorn, script)


@pytest.fixture
async def workers(service: Service) -> AsyncIterator[list[Operator]]:
    """An operator for each worker, with Redis reachable and the levels of the configuration."""
    if not service.redis.is_up():
        service.redis.start()
    async with operators(service.uvicorn) as found:

        async def is_ready() -> bool:
            answers = [await found[0].delete(name) for name in (NAME, OF_SCRIPT)]
            reports = [answer.json().get("cluster", {}) for answer in answers]
            return all(report.get("applied") == 3 and report["complete"] for report in reports)

        await eventually(is_ready, seconds=30, what="the configured levels in three processes")
        yield found


async def have(found: list[Operator], level: str, *, seconds: float, name: str = NAME) -> None:
    """Wait until all of them have a level."""

    async def all_have() -> bool:
        return all(await asyncio.gather(*(operator.has(name, level) for operator in found)))

    await eventually(all_have, seconds=seconds, what=f"{level} in {len(found)} processes")


async def has(script: LevelScript, level: str) -> None:
    """Wait until the script has a level."""

    async def is_told() -> bool:
        return script.level() == level

    await eventually(is_told, what=f"{level} in the script")


def ends(uvicorn: Uvicorn, name: str, *, level: str) -> list[float]:
    """When the processes of the server gave a logger a level again that it had before DEBUG, by their log."""
    line = rf"^(\S+) The level of the logger {re.escape(name)} was changed from DEBUG to {level}$"
    return [float(moment) for moment in re.findall(line, uvicorn.output, re.MULTILINE)]


def assert_in_time(moments: list[float], answer: dict[str, Any]) -> None:
    """An end is on time."""
    expires = datetime.datetime.fromisoformat(answer["expires"]).timestamp()
    late = [round(moment - expires, 3) for moment in moments]
    assert all(-_MAX_EARLY_SECONDS < seconds < _MAX_LATE_SECONDS for seconds in late), late


@pytest.mark.parametrize("is_killed", [False, True], ids=["Redis stays", "Redis dies"])
async def test_a_level_for_two_seconds(service: Service, workers: list[Operator], is_killed: bool) -> None:
    """It reaches two workers and a script, and ends in all of them, for good."""
    known = len(ends(service.uvicorn, OF_SCRIPT, level="NOTSET"))
    answer = (await workers[0].put(OF_SCRIPT, "DEBUG", ttl=2)).json()
    assert (answer["cluster"]["applied"], answer["cluster"]["complete"]) == (3, True)
    assert [await operator.level(OF_SCRIPT) for operator in workers] == ["DEBUG", "DEBUG"]
    await has(service.script, "DEBUG")
    if is_killed:
        service.redis.kill()
    await have(workers, "NOTSET", seconds=SOON_SECONDS, name=OF_SCRIPT)
    await has(service.script, "NOTSET")
    found = ends(service.uvicorn, OF_SCRIPT, level="NOTSET")[known:]
    assert len(found) == 2
    assert_in_time([*found, service.script.since()], answer)
    if is_killed:
        service.redis.start()
        await asyncio.sleep(3 * HEARTBEAT)
        assert [await operator.level(OF_SCRIPT) for operator in workers] == ["NOTSET", "NOTSET"]
        assert service.script.level() == "NOTSET"
    assert [await operator.override(OF_SCRIPT) for operator in workers] == [None, None]


async def test_who_missed_it_has_the_time_that_is_left(service: Service, workers: list[Operator]) -> None:
    """A process that was cut off, and one that starts meanwhile, end it with the others."""
    port = service.redis.port
    async with Proxy(port) as proxy:
        cut_off = serve(proxy.port)
        late = LevelScript(NAME, settings_of(port))
        with cut_off, contextlib.ExitStack() as stack:
            async with operators(cut_off) as found:
                proxy.hold()
                proxy.cut()
                answer = (await workers[0].put(NAME, "DEBUG", ttl=20, reason="INC-42")).json()
                assert await found[0].level(NAME) == CONFIGURED
                stack.enter_context(late)
                proxy.release()
                await have(found, "DEBUG", seconds=WITHIN)
                told = [await operator.override(NAME) for operator in (*workers, *found)]
                assert told[0] is not None
                assert told[0]["expires"] == answer["expires"]
                assert told == [told[0]] * 3
                await has(late, "DEBUG")
                end = datetime.datetime.fromisoformat(answer["expires"])
                left = (end - datetime.datetime.now(datetime.UTC)).total_seconds()
                await have([*workers, *found], CONFIGURED, seconds=left + SOON_SECONDS)
                await has(late, "NOTSET")
                ended = [ends(server, NAME, level=CONFIGURED)[-1] for server in (service.uvicorn, cut_off)]
                assert_in_time([*ended, late.since()], answer)


async def test_concurrent_changes_of_all_kinds(service: Service, workers: list[Operator]) -> None:
    """Levels, ends and removals at the same instant: the processes and the store end with the same one."""
    first, second = workers

    async def agree() -> bool:
        told = [await operator.override(NAME) for operator in workers]
        entry = stored(service.redis)[f"level:{NAME}"]
        is_stored = f'"value":"{told[0]["level"]}"' in entry if told[0] else '"value"' not in entry
        return told[0] == told[1] and is_stored

    for number in range(40):
        changes = (
            first.put(NAME, "DEBUG", ttl=60 + number, reason=f"round {number}"),
            second.delete(NAME) if number % 2 else second.put(NAME, "ERROR"),
        )
        answers = await asyncio.gather(*changes)
        assert [answer.status_code for answer in answers] == [200, 200]
        await eventually(agree, seconds=WITHIN, what="one state")


async def test_level_of_another_instance(service: Service, workers: list[Operator]) -> None:
    """It is set and read from any process, ends with a removal in all, and with the process."""
    first, second = workers
    other = await second.id()
    answer = (await first.put(NAME, "ERROR", scope=other)).json()
    assert (answer["level"], answer["previous"], answer["scope"]) == ("ERROR", CONFIGURED, other)
    assert (answer["cluster"]["asked"], answer["cluster"]["complete"]) == (1, True)
    assert [await first.level(NAME), await second.level(NAME)] == [CONFIGURED, "ERROR"]
    override = await first.override(NAME, instance=other)
    assert override == await second.override(NAME)
    assert override is not None
    assert (override["scope"], await first.override(NAME)) == (other, None)
    assert '"value"' not in stored(service.redis)[f"level:{NAME}"]
    await first.delete(NAME)
    assert [await first.level(NAME), await second.level(NAME)] == [CONFIGURED, CONFIGURED]
    await first.put(NAME, "ERROR", scope=other)
    os.kill(second.pid, signal.SIGKILL)
    async with operators(service.uvicorn) as found:
        assert {operator.pid for operator in found} & {first.pid, second.pid} == {first.pid}
        assert [await operator.level(NAME) for operator in found] == [CONFIGURED, CONFIGURED]


async def test_a_change_of_all_names_who_keeps_a_level_of_its_own(workers: list[Operator]) -> None:
    """So do the overrides, from any process; a removal for all ends it."""
    first, second = workers
    other = await second.id()
    await first.put(NAME, "ERROR", scope=other)
    answer = (await first.put(NAME, "WARNING")).json()
    assert f"{other} has a level of its own" in answer["warning"]
    assert "this process" not in answer["warning"]
    assert (answer["level"], await second.level(NAME)) == ("WARNING", "ERROR")
    for operator in workers:
        listed = (await operator.get("logging/overrides")).json()
        found = [(item["level"], item["scope"]) for item in listed["overrides"] if item["name"] == NAME]
        assert found == [("WARNING", "cluster"), ("ERROR", other)]
        assert (listed["cluster"]["asked"], listed["cluster"]["complete"]) == (3, True)
    assert "this process has a level of its own" in (await second.put(NAME, "WARNING")).json()["warning"]
    answer = (await first.delete(NAME)).json()
    assert "its own" not in answer.get("warning", "")
    assert await second.level(NAME) == CONFIGURED


async def test_an_instance_that_does_not_answer(service: Service, workers: list[Operator]) -> None:
    """503 within the time of the tools, and nothing was changed."""
    instances = (await workers[0].get("instances")).json()["instances"]
    script = next(instance["id"] for instance in instances if instance["pid"] == service.script.pid)
    with stopped(service.script.pid):
        began = time.monotonic()
        answer, listed = await asyncio.gather(
            workers[0].put(OF_SCRIPT, "DEBUG", scope=script),
            workers[0].get(f"logging/loggers?instance={script}"),
        )
        assert time.monotonic() - began < SOON_SECONDS
        assert (answer.status_code, listed.status_code) == (503, 503)
        assert "Nothing was changed" in answer.json()["detail"]

    async def is_back() -> bool:
        return (await workers[0].get(f"logging/loggers?instance={script}")).status_code == 200

    await eventually(is_back, seconds=WITHIN, what="the script")
    assert await workers[0].override(OF_SCRIPT, instance=script) is None
    assert service.script.level() == "NOTSET"


async def test_the_page_tells_who_has_a_level(service: Service, workers: list[Operator]) -> None:
    """Of each process, also of one with a level of its own and of one that does not answer."""
    first, second = workers
    await first.put(NAME, "ERROR", reason="INC-42")
    assert "3 of 3" in (await first.get(VIEW)).text
    await first.put(NAME, "DEBUG", scope=await second.id(), ttl=60)
    single = rf"DEBUG only in {second.pid} on \S+, as asked\. "
    for operator in workers:
        page = (await operator.get(VIEW)).text
        assert re.search(rf"done</span> {single}2 of 2 others applied ERROR\.", page)
        assert "differs" in page
        assert "state-warn" not in page.partition('class="tree"')[2]  # a busy process may be late
        page = (await operator.get(f"levels?logger={NAME}.below")).text
        assert re.search(rf"differs</span> {second.pid} on \S+ DEBUG \(set for {NAME}\), as asked", page)
    with stopped(service.script.pid):
        page = (await first.get(VIEW)).text
    assert re.search(
        rf"partly</span> {single}1 of 2 others has it: {service.script.pid} on \S+ no answer", page
    )
    assert f"only in {second.pid} on " in page


async def test_the_audit_of_a_level_of_one_process(service: Service, workers: list[Operator]) -> None:
    """It has the level, so nothing is partial, whatever other processes there are that are not known."""
    first, second = workers
    other = await second.id()
    with service.redis.client() as client:
        client.hset("test_instances", mapping={"web:1:a": "garbage", "token": "changed"})
        try:
            answers = [await first.put(NAME, "DEBUG", scope=other), await first.put(NAME, "ERROR")]
        finally:
            client.hdel("test_instances", "web:1:a")
            client.hset("test_instances", "token", "changed again")
    reports = [answer.json()["cluster"] for answer in answers]
    assert [report["roster"] for report in reports] == ["stale", "stale"]
    assert [(report["applied"], report["of"]) for report in reports] == [(1, 1), (3, 3)]
    events = (await first.get("audit")).json()["events"]
    assert [event["result"] for event in events if event["target"] == NAME][:2] == ["partial", "ok"]


async def test_redis_is_unreachable(service: Service, workers: list[Operator]) -> None:
    """What was and was not done is said; the process that answers can be changed all the same."""
    first, second = workers
    other = await second.id()
    await first.put(NAME, "ERROR")
    service.redis.kill()
    answers = [
        await first.put(NAME, "DEBUG"),
        await first.delete(NAME),
        await first.put(NAME, "DEBUG", scope=other),
    ]
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert "not changed" in answers[0].text
    assert "the scope `process`" in answers[0].json()["detail"]
    assert "only this process is visible" in answers[2].text
    assert [await first.level(NAME), await second.level(NAME)] == ["ERROR", "ERROR"]
    answer = await first.put(NAME, "DEBUG", scope="process", ttl=60)
    assert (answer.status_code, answer.json()["level"]) == (200, "DEBUG")
    assert (await first.delete(NAME, scope="process")).json()["level"] == "ERROR"
    assert await second.level(NAME) == "ERROR"


async def test_the_access_log(service: Service, workers: list[Operator]) -> None:
    """The lines of the server obey, in every worker."""
    await workers[0].put(NAME, "WARNING", ttl=60)
    for operator in workers:
        await operator.get("livez?while=quiet")
    await workers[0].delete(NAME)
    for operator in workers:
        await operator.get("livez?while=loud")

    async def is_written() -> bool:
        return service.uvicorn.output.count("while=loud") == 2

    await eventually(is_written, what="two lines of the access log")
    assert "while=quiet" not in service.uvicorn.output
