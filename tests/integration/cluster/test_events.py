"""The time line of the whole service: each event once, none lost while Redis is unreachable."""

import asyncio
import datetime
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from c2casgiutils import events, instances
from tests.support.fleet import Fleet, settings
from tests.support.member import Member
from tests.support.net import eventually
from tests.support.operators import operators, serve
from tests.support.processes import RedisServer

_KEY = "test_events"
_SECONDS = 30


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@pytest.fixture
async def joined(fleet: Fleet) -> AsyncIterator[Fleet]:
    """Two members and the test's own process, with a heartbeat of a second."""
    fleet.mend()
    async with fleet.joined(heartbeat_seconds=1):
        yield fleet


async def _of(pid: int) -> list[events.Event]:
    """The events of a process, oldest first."""
    found = await instances.read_events(0)
    return [event for event in found.events[::-1] if f":{pid}:" in (event.instance or "")]


async def _last(pid: int, count: int = 1) -> list[str]:
    """The kinds of the last events of a process."""
    return [event.kind for event in await _of(pid)][-count:]


async def _until(pid: int, *kinds: str) -> None:
    """Wait until these are the events of these kinds of a process."""

    async def is_so() -> bool:
        return tuple(event.kind for event in await _of(pid) if event.kind in kinds) == kinds

    await eventually(is_so, seconds=_SECONDS, what=f"the events {kinds} of {pid}")


async def _after_beats(number: int) -> None:
    """Wait until all processes have beaten so often."""
    await asyncio.sleep(1.2 * number)


async def _ready(member: Member) -> None:
    async def condition() -> bool:
        return member.is_ready()

    await eventually(condition, seconds=40, what="a member")


async def test_process_that_joins_and_leaves(joined: Fleet) -> None:
    with Member(**settings(joined.server.url)) as guest:
        await _ready(guest)
        pid = guest.pid
        await _until(pid, "join")
        guest.signal(signal.SIGTERM)
        await _until(pid, "join", "leave")
    await _after_beats(4)
    found = await _of(pid)
    # on a slow machine it may have been lost for a while
    settled = [event for event in found if event.kind not in ("loss", "return")]
    assert found[-1].kind == "leave"
    assert [(event.kind, event.before, event.after) for event in settled] == [
        ("join", None, "starting"),
        ("state", "starting", "ready"),
        ("leave", "ready", "left"),
    ]
    assert len({event.instance for event in found}) == 1


async def test_killed_process_is_lost_once(joined: Fleet) -> None:
    """Three survivors see it, and record the same."""
    with Member(**settings(joined.server.url)) as guest:
        await _ready(guest)
        pid = guest.pid
        guest.kill()
        await _until(pid, "join", "loss")
    await _after_beats(2)
    (loss,) = (event for event in await _of(pid) if event.kind == "loss")
    assert (loss.after, loss.reason) == ("lost", "no heartbeat, no clean shutdown")
    with joined.server.client() as client:
        stored = [member for member in client.zrange(_KEY, 0, -1) if '"loss"' in member]
        assert len([member for member in stored if f":{pid}:" in member]) == 1


async def test_suspended_process_returns(joined: Fleet) -> None:
    """It was lost for the others, and says for how long."""
    victim, _ = joined.members
    victim.signal(signal.SIGSTOP)
    try:

        async def is_lost() -> bool:
            return await _last(victim.pid) == ["loss"]

        await eventually(is_lost, seconds=_SECONDS, what="the loss")
    finally:
        victim.signal(signal.SIGCONT)

    async def is_back() -> bool:
        return await _last(victim.pid, 2) == ["loss", "return"]

    await eventually(is_back, seconds=_SECONDS, what="the return")
    assert "no heartbeat for" in ((await _of(victim.pid))[-1].reason or "")


async def test_redis_away_and_back(joined: Fleet) -> None:
    """What happened meanwhile is added, once; nobody takes for lost who returns at once."""
    start = _now(joined)
    joined.server.pause()
    try:
        instances.record_event("check", "during the outage", before="pass", after="fail")
        found = await instances.read_events(0)
        assert not found.is_complete
        assert found.events[0].what == "during the outage"
        assert {event.instance for event in found.events} == {instances.own_id()}
        await _after_beats(4)
    finally:
        joined.server.resume()
    assert await _is_stored(joined, "during the outage")
    await _after_beats(4)
    found = await instances.read_events(0)
    assert found.is_complete
    assert [event.what for event in found.events].count("during the outage") == 1
    returns, losses = await _since(start, joined)
    first = min(returns.values())
    late = {id_ for id_, at in returns.items() if (at - first).total_seconds() >= 3}
    assert losses <= late, "only who comes three heartbeats after the first may be lost"


async def _since(start: datetime.datetime, fleet: Fleet) -> tuple[dict[str, datetime.datetime], set[str]]:
    """When each process returned after a moment, and which were lost."""
    returns: dict[str, datetime.datetime] = {}
    losses: set[str] = set()

    async def are_back() -> bool:
        events = (await instances.read_events(start.timestamp())).events
        losses.update(event.what for event in events if event.kind == "loss")
        returns.update((event.what, event.at) for event in events if event.kind == "return")
        return {int(id_.split(":")[1]) for id_ in returns} == {*fleet.pids, os.getpid()}

    await eventually(are_back, seconds=_SECONDS, what="the return of each process")
    return returns, {id_ for id_ in losses if id_ in returns}


def _now(fleet: Fleet) -> datetime.datetime:
    """The time of Redis, which is that of the events."""
    with fleet.server.client() as client:
        seconds, microseconds = client.time()
    return datetime.datetime.fromtimestamp(seconds + microseconds / 1e6, tz=datetime.UTC)


async def _is_stored(fleet: Fleet, what: str) -> bool:
    with fleet.server.client() as client:

        async def is_there() -> bool:
            return any(what in member for member in client.zrange(_KEY, 0, -1))

        await eventually(is_there, seconds=_SECONDS, what=what)
    return True


async def _of_all(fleet: Fleet) -> set[str]:
    """The events of the members, as soon as each has some, without losses, which others recorded."""
    found: list[set[str]] = []

    async def have_some() -> bool:
        found[:] = [
            {event.model_dump_json() for event in await _of(pid) if event.kind not in ("loss", "return")}
            for pid in fleet.pids
        ]
        return all(found)

    await eventually(have_some, seconds=_SECONDS, what="the events of each member")
    return set.union(*found)


async def _until_back(fleet: Fleet, before: set[str]) -> None:
    """Wait until the members have added their events again."""

    async def are_back() -> bool:
        return before <= await _of_all(fleet)

    await eventually(are_back, seconds=_SECONDS, what="the events")


async def test_redis_that_lost_its_data(joined: Fleet) -> None:
    """The living processes add their events again."""
    before = await _of_all(joined)
    with joined.server.client() as client:
        client.flushall()
    await _until_back(joined, before)


async def test_master_that_lost_the_last_events(joined: Fleet) -> None:
    """After an interruption, in which an older replica may have been promoted, all are there again."""
    before = await _of_all(joined)
    with joined.server.client() as client:
        client.delete(_KEY)
    joined.server.pause()
    await _after_beats(4)  # each member waits for a reply for two seconds
    joined.server.resume()
    await _until_back(joined, before)


async def test_all_killed_at_once(fleet: Fleet) -> None:
    """Who starts next records their loss."""
    fleet.mend()
    pids = fleet.pids
    for member in fleet.members:
        member.kill()
    fleet.mend()
    async with fleet.joined(heartbeat_seconds=1):
        for pid in pids:

            async def is_lost(pid: int = pid) -> bool:
                return await _last(pid) == ["loss"]

            await eventually(is_lost, seconds=_SECONDS, what="the loss")


async def test_list_is_bounded(joined: Fleet) -> None:
    """A flood displaces no other event, and the list is trimmed."""
    for number in range(1500):
        instances.record_event("check", "flapping", after=str(number))
    with joined.server.client() as client:

        async def is_trimmed() -> bool:
            return bool(0 < client.zcard(_KEY) <= events.MAX_EVENTS and client.ttl(_KEY) > 0)

        assert await _is_stored(joined, '"flapping","after":"1499"')
        await eventually(is_trimmed, seconds=_SECONDS, what="the trimmed list")
    assert "join" in {event.kind for event in await _of(os.getpid())}


@pytest.mark.parametrize(
    "planted",
    [
        b"nonsense",
        b"-\n{}",
        b'-\n{"at":"2025-01-01T00:00:00","kind":"loss","what":"a naive time"}',
        b'-\n{"at":"9999-01-01T00:00:00Z","kind":"loss","what":"the future"}',
        b'-\n{"at":"2025-01-01T00:00:00Z","kind":"loss","what":"' + b"a" * 1000 + b'"}',
        b"\xff\n\xff",
    ],
    ids=["nonsense", "empty", "naive", "future", "long", "bytes"],
)
async def test_planted_events(joined: Fleet, planted: bytes) -> None:
    """They are left out, and the answer says that something is missing."""
    with joined.server.client() as client:
        client.zadd(_KEY, {planted: 1e9})
        try:
            found = await instances.read_events(0)
        finally:
            client.zrem(_KEY, planted)
    assert not found.is_complete
    assert not {"a naive time", "the future"} & {event.what for event in found.events}
    assert (await instances.read_events(0)).is_complete


async def test_key_of_another_type(joined: Fleet) -> None:
    """The own events are shown, and stored once the key is gone."""
    with joined.server.client() as client:
        client.rename(_KEY, "kept")
        client.set(_KEY, "planted")
        try:
            instances.record_event("check", "beside a planted key")
            found = await instances.read_events(0)
            await _after_beats(2)
        finally:
            client.rename("kept", _KEY)
    assert not found.is_complete
    assert found.events[0].what == "beside a planted key"
    assert await _is_stored(joined, "beside a planted key")


async def test_change_during_an_outage() -> None:
    """The audit of what was done in one process meanwhile is on the time line of the other one later."""
    with RedisServer() as redis, serve(redis.port) as first, serve(redis.port) as second:
        async with operators(first, second) as (here, there):
            redis.pause()
            try:
                answer = await here.put("c2c.of.the.test", "DEBUG", scope="process")
                assert answer.status_code == 200
            finally:
                redis.resume()

            async def is_known() -> bool:
                body = (await there.get("events?kind=audit")).json()
                found = [event["what"] for event in body["events"]]
                return bool(body["complete"]) and found == ["logging.level c2c.of.the.test"]

            await eventually(is_known, seconds=_SECONDS, what="the change")
