"""Answers account for every live process, whatever happens to the roster; bounds are twice the promise."""

import asyncio
import contextlib
import datetime
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from c2casgiutils import broadcast, config, instances
from c2casgiutils._app import create_app
from c2casgiutils.broadcast import ClusterReport
from tests.support.auth import make_client
from tests.support.fleet import Fleet, complete, configure, leave, settings, within
from tests.support.member import Member
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.proxy import Proxy
from tests.support.starting import start

_BEAT = 1.0
_SECRET = "a-secret-of-the-test"
_LOST = 3 * _BEAT


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@pytest.fixture
async def joined(fleet: Fleet) -> AsyncIterator[Fleet]:
    """Two members and the test's own process, which has no handler, with a heartbeat of a second."""
    fleet.mend()
    with fleet.server.client() as client:
        client.config_set("maxmemory", 0)
    async with fleet.joined(heartbeat_seconds=_BEAT):
        yield fleet


async def _here() -> int:
    return os.getpid()


async def _ask(seconds: float = 1) -> tuple[set[int], ClusterReport]:
    payloads, report = await broadcast.ask("who", _here, timeout=seconds)
    return set(payloads), report


async def _liveness(pid: int) -> str | None:
    return {instance.pid: instance.liveness for instance in await instances.roster()}.get(pid)


async def _ready(member: Member) -> None:
    """Wait for a member, while the test's own process goes on."""

    async def condition() -> bool:
        return member.is_ready()

    await eventually(condition, seconds=40, what="a member")


async def test_stopped_process_is_late_then_lost_and_back_within_a_beat(joined: Fleet) -> None:
    """Its expired entry costs no timeout, it is named all the time, and another one may start meanwhile."""
    victim, other = joined.members
    seen: list[str | None] = []

    async def is_lost() -> bool:
        seen.append(await _liveness(victim.pid))
        return seen[-1] == "lost"

    async def is_ok() -> bool:
        return await _liveness(victim.pid) == "ok"

    try:
        for _ in range(10):
            await eventually(is_ok, what="its heartbeat")
            seen.clear()
            victim.signal(signal.SIGSTOP)
            await eventually(is_lost, what="lost")
            if "late" in seen:
                break
            victim.signal(signal.SIGCONT)  # a busy machine looked again when it was lost already
        assert list(dict.fromkeys(seen)) in (["ok", "late", "lost"], ["late", "lost"])
        with Member(**settings(joined.server.url)) as third:
            await _ready(third)
            await broadcast.ask("who", _here, timeout=5)
            with within(20):
                answered, report = await _ask(60)
            assert answered == {other.pid, third.pid}
            assert victim.pid not in {process.pid for process in report.missing}
            (lost,) = (process for process in report.lost if process.pid == victim.pid)
            assert lost.since < datetime.datetime.now(datetime.UTC)
            victim.signal(signal.SIGCONT)

            async def is_back() -> bool:
                answered, report = await _ask()
                return victim.pid in answered and victim.pid not in {p.pid for p in report.lost}

            await eventually(is_back, what="the return")
    finally:
        victim.signal(signal.SIGCONT)
    assert await _liveness(victim.pid) == "ok"


@pytest.mark.parametrize("names", [["instances"], ["instances", "instances:beats"], None])
async def test_lost_roster_is_never_taken_for_a_whole_one(joined: Fleet, names: list[str] | None) -> None:
    """FLUSHALL or the key deleted: stale until a second after the first rebuilt it, and then whole."""
    victim, _ = joined.members
    victim.signal(signal.SIGSTOP)
    try:
        with joined.server.client() as client:
            client.flushall() if names is None else client.delete(*(f"test_{name}" for name in names))
        answered, report = await _ask()
        assert (report.roster, report.complete) == ("stale", False)
    finally:
        victim.signal(signal.SIGCONT)
    async with asyncio.timeout(20):
        while not report.complete:
            assert report.roster == "stale"
            await asyncio.sleep(0.02)
            answered, report = await _ask()
    assert answered == joined.pids
    assert {instance.pid for instance in await instances.roster()} == {*joined.pids, os.getpid()}


async def test_stopped_process_that_a_lost_roster_does_not_have_is_not_forgotten(joined: Fleet) -> None:
    """It cannot enter the new roster but is still connected: nothing is complete until it has returned."""
    victim, other = joined.members
    victim.signal(signal.SIGSTOP)
    try:
        with joined.server.client() as client:
            client.flushall()

            async def is_rebuilt() -> bool:
                pids = {int(field.split(":")[1]) for field in client.hkeys("test_instances") if ":" in field}
                rebuilt = float(client.hget("test_instances", "rebuilt") or "inf")
                return pids == {other.pid, os.getpid()} and client.time()[0] - rebuilt > 2

            await eventually(is_rebuilt, seconds=20, what="the roster of the others")
        answered, report = await _ask(1)
        assert (answered, report.roster, report.complete) == ({other.pid}, "stale", False)
        assert victim.pid not in {instance.pid for instance in await instances.roster()}
        assert instances.currency() == "stale"
    finally:
        victim.signal(signal.SIGCONT)
    await eventually(lambda: complete(joined.pids), what="the return")

    async def is_listed() -> bool:
        pids = {instance.pid for instance in await instances.roster()}
        return victim.pid in pids and instances.currency() == "current"

    await eventually(is_listed, what="a current list")


async def test_killed_process_does_not_hide_a_connected_one(joined: Fleet) -> None:
    """The roster has an entry more and an entry less than there are processes: they do not make up for it."""
    hidden, killed = joined.members
    killed.kill()
    hidden.signal(signal.SIGSTOP)
    try:
        with joined.server.client() as client:
            (name,) = (n for n in client.hkeys("test_instances") if f":{hidden.pid}:" in n and "/" not in n)
            client.hdel("test_instances", name, f"{name}/static")
            client.hset("test_instances", "token", "changed")
        _, report = await _ask(1)
        assert (report.roster, report.complete) == ("stale", False)
    finally:
        hidden.signal(signal.SIGCONT)


@pytest.mark.parametrize("static", ["garbage", None])
async def test_damaged_entry_makes_the_roster_stale_until_its_process_repairs_it(
    joined: Fleet, static: str | None
) -> None:
    """The part that rarely changes is malformed or missing: each beat finds that out."""
    victim, _ = joined.members
    victim.signal(signal.SIGSTOP)
    try:
        with joined.server.client() as client:
            (name,) = (n for n in client.hkeys("test_instances") if f":{victim.pid}:" in n and "/" in n)
            client.hset("test_instances", name, static) if static else client.hdel("test_instances", name)
        assert victim.pid not in {instance.pid for instance in await instances.roster()}
        assert (instances.skipped(), instances.currency()) == (1, "stale")
    finally:
        victim.signal(signal.SIGCONT)
    await eventually(lambda: complete(joined.pids), what="the repair")
    assert victim.pid in {instance.pid for instance in await instances.roster()}
    assert instances.skipped() == 0


async def test_process_is_expected_again_after_its_entry_was_damaged(joined: Fleet) -> None:
    """A heartbeat repairs its own part without a new token: what was read before must not be kept."""
    victim, other = joined.members
    victim.signal(signal.SIGSTOP)
    try:
        with joined.server.client() as client:
            (name,) = (n for n in client.hkeys("test_instances") if f":{victim.pid}:" in n and "/" not in n)
            client.hset("test_instances", mapping={name: "garbage", "token": "changed"})
            _, report = await _ask(0.1)
            assert (report.roster, report.complete) == ("stale", False)
    finally:
        victim.signal(signal.SIGCONT)
    await eventually(lambda: complete(joined.pids), what="the repair")
    victim.signal(signal.SIGSTOP)
    try:
        answered, report = await _ask(1)
        assert answered == {other.pid}
        assert {(process.pid, process.reason) for process in report.missing} == {(victim.pid, "timeout")}
    finally:
        victim.signal(signal.SIGCONT)


async def test_damaged_entry_is_not_hidden_by_a_broken_connection(redis_server: RedisServer) -> None:
    """Who owns it is not connected now, so that only the entry tells that there is somebody."""
    configure(redis_server.url)
    await start()
    with redis_server.client() as client:
        client.hset("test_instances", mapping={"web:1:a": "garbage", "web:1:a/static": "garbage"})
        client.hset("test_instances", "token", "changed")
    _, report = await _ask()
    assert (report.roster, report.complete) == ("stale", False)
    await leave()


async def test_list_of_processes_says_that_it_is_stale(joined: Fleet) -> None:
    """While the roster is rebuilt the list may lack some."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": _SECRET})
    victim, _ = joined.members
    victim.signal(signal.SIGSTOP)
    try:
        with joined.server.client() as client:
            client.flushall()
        async with make_client(create_app(), headers={"X-API-Key": _SECRET}) as http:
            body = (await http.get("/instances")).json()
    finally:
        victim.signal(signal.SIGCONT)
    assert (body["scope"], body["roster"]) == ("cluster", "stale")


async def test_new_process_does_not_take_a_lost_roster_for_its_own(joined: Fleet) -> None:
    """One that starts right after FLUSHALL is in one roster with the others."""
    with joined.server.client() as client:
        client.flushall()
        with Member(**settings(joined.server.url)) as new:
            await _ready(new)

            async def are_all_there() -> bool:
                pids = {int(field.split(":")[1]) for field in client.hkeys("test_instances") if ":" in field}
                return pids == {*joined.pids, os.getpid(), new.pid}

            await eventually(are_all_there, what="the roster")
            await eventually(lambda: complete({*joined.pids, new.pid}), what="a whole fleet")


async def test_first_process_at_an_emptied_redis_knows_that_there_are_others(fleet: Fleet) -> None:
    """They are subscribed and did not enter the roster yet: it calls them, and nothing is complete."""
    await leave()
    fleet.mend()
    configure(fleet.server.url)
    with contextlib.ExitStack() as stack:
        for member in fleet.members:
            member.signal(signal.SIGSTOP)
            stack.callback(member.signal, signal.SIGCONT)
        client = stack.enter_context(fleet.server.client())
        recorder = stack.enter_context(client.pubsub())
        recorder.subscribe("test_@roster")
        assert recorder.get_message(timeout=20) is not None
        client.flushall()
        await start()
        call = recorder.get_message(timeout=20)
        assert call is not None
        assert call["data"] == instances.own_id()
        _, report = await _ask(0.1)
    assert (report.roster, report.complete) == ("stale", False)
    await eventually(lambda: complete(fleet.pids), seconds=30, what="a whole fleet")
    await leave()


async def test_first_process_of_a_service_is_complete_at_once(redis_server: RedisServer) -> None:
    """Nobody else is subscribed, so that its roster is whole."""
    configure(redis_server.url)
    await start()
    await broadcast.subscribe("who", _here)
    answered, report = await _ask()
    assert answered == {os.getpid()}
    assert (report.roster, report.complete) == ("current", True)
    await leave()


async def test_lost_roster_is_marked_together_with_its_token(redis_server: RedisServer) -> None:
    """Whoever has news at the moment of the loss does not make a roster that looks whole."""
    async with Proxy(redis_server.port, delay=0.2) as proxy:
        configure(f"redis://127.0.0.1:{proxy.port}")
        await start()
        with redis_server.client() as client:

            async def is_written() -> bool:
                return bool(client.hexists("test_instances", "token"))

            await eventually(is_written, what="the entry")
            client.delete("test_instances")
            news = asyncio.create_task(broadcast.subscribe("who", _here))
            await eventually(is_written, what="the news")
            assert float(client.hget("test_instances", "rebuilt") or 0) > time.time() - 60
        await news
        await leave()


async def test_connections_that_cannot_be_counted(redis_server: RedisServer) -> None:
    """A roster that nobody could compare with the connections is not taken for whole."""
    async with Proxy(redis_server.port) as proxy:
        with Member(**settings(redis_server.url)) as other:
            other.wait_ready()
            configure(f"redis://127.0.0.1:{proxy.port}")
            await start()
            await broadcast.subscribe("who", _here)
            await eventually(lambda: complete({other.pid, os.getpid()}), seconds=20, what="both")
            other.signal(signal.SIGSTOP)
            with redis_server.client() as client:
                fields = [name for name in client.hkeys("test_instances") if f":{other.pid}:" in str(name)]
                client.hdel("test_instances", *fields)
                client.hset("test_instances", mapping={"token": "another", "rebuilt": 0})
            proxy.delay = 0.3
            call = asyncio.create_task(_ask())
            await asyncio.sleep(0.75)  # the roster was read again, and the second count is on its way
            proxy.cut()
            _, report = await call
            assert (report.roster, report.complete) == ("stale", False)
            other.signal(signal.SIGCONT)
    await leave()


async def test_process_without_redis_is_missing_at_once(joined: Fleet) -> None:
    """Its entry is fresh, and nobody waits for it."""
    async with Proxy(joined.server.port) as proxy:
        with Member(**settings(f"redis://127.0.0.1:{proxy.port}")) as cut_off:

            async def is_ready() -> bool:
                return cut_off.is_ready() and cut_off.pid in (await _ask())[0]

            await eventually(is_ready, seconds=40, what="the third")
            proxy.hold()
            proxy.cut()
            await asyncio.sleep(0.5)  # the ends of the connection are closed one after the other

            async def is_unreachable() -> bool:
                with within(20):
                    _, report = await _ask(60)
                return [(p.pid, p.reason) for p in report.missing] == [(cut_off.pid, "unreachable")]

            await eventually(is_unreachable, what="the report")
            assert await _liveness(cut_off.pid) in {"ok", "late"}
            proxy.release()

            async def is_back() -> bool:
                answered, report = await _ask()
                return cut_off.pid in answered and report.missing == []

            await eventually(is_back, what="the return")


async def test_refused_entries_make_the_roster_stale(joined: Fleet) -> None:
    """`maxmemory` with `noeviction`: nobody is forgotten, and answers say that this cannot be told."""
    pids = {*joined.pids, os.getpid()}
    with joined.server.client() as client:
        client.config_set("maxmemory", 1)
        try:

            async def is_stale() -> bool:
                answered, report = await _ask()
                return answered == joined.pids and (report.roster, report.complete) == ("stale", False)

            await eventually(is_stale, what="stale")
            await asyncio.sleep(2 * _LOST)
            assert pids <= {instance.pid for instance in await instances.roster()}
            assert all(i.liveness != "lost" for i in await instances.roster() if i.pid in pids)
            assert (await _ask())[0] == joined.pids
        finally:
            client.config_set("maxmemory", 0)
    await eventually(lambda: complete(joined.pids), what="a current roster")


async def test_clean_leave_is_gone_and_a_kill_is_not(joined: Fleet) -> None:
    """Who vanished without a word is listed as lost; who left is not."""
    killed, left = joined.members
    killed_pid, left_pid = killed.pid, left.pid
    assert left.terminate() == 0
    assert await _liveness(left_pid) is None
    killed.kill()

    async def is_lost() -> bool:
        return await _liveness(killed_pid) == "lost"

    await eventually(is_lost, what="lost")
    assert await _liveness(left_pid) is None
