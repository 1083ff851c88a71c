"""What Redis and other processes may do to a broadcast; the bounds are twice the promise."""

import asyncio
import contextlib
import logging
import os
import signal

import pytest
import redis

from c2casgiutils import broadcast, config, instances
from c2casgiutils.broadcast import BroadcastResponse, BroadcastUnavailable, FailedAnswer, MissingAnswer
from c2casgiutils.broadcast._current import current
from tests.support.fleet import PREFIX, Fleet, complete, configure, in_roster, leave, who, within
from tests.support.member import Member
from tests.support.net import SOON_SECONDS, eventually, free_port
from tests.support.processes import RedisServer
from tests.support.proxy import Proxy
from tests.support.starting import start


async def _counted(number: int) -> dict[int, list[int]]:
    """What each process has counted, this number included; others may have let it count before."""
    answers = await broadcast.broadcast("count", {"number": number}, expect_answers=True) or []
    return {answer.pid: answer.payload for answer in answers if isinstance(answer, BroadcastResponse)}


async def _unavailable() -> bool:
    try:
        await who(1)
    except BroadcastUnavailable:
        return True
    return False


async def _is_gone(fleet: Fleet, member: Member) -> bool:
    """Return whether Redis has noticed that the connection of a process is closed."""
    with fleet.server.client() as client:
        channels = [str(name) for name in client.pubsub_channels(f"{PREFIX}@inbox:*")]
    return not any(f":{member.pid}:" in name for name in channels)


def _outages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "Redis is unreachable" in record.getMessage()]


async def test_all_processes_answer(joined: Fleet) -> None:
    assert await who() == joined.pids


async def test_handlers_of_other_processes_may_broadcast(joined: Fleet) -> None:
    answers = await broadcast.broadcast("nested", expect_answers=True, timeout=5)
    assert [getattr(answer, "payload", answer) for answer in answers or []] == [2, 2]


async def test_blocking_and_endless_handlers_delay_nobody(joined: Fleet) -> None:
    for _ in range(20):
        await broadcast.broadcast("block", {"seconds": 20})
        await broadcast.broadcast("sleep", {"seconds": 600})
    with within(SOON_SECONDS):
        assert await who() == joined.pids


async def test_killed_process_costs_no_timeout_and_leaves_the_roster(joined: Fleet) -> None:
    """SIGKILL: unreachable and so not waited for, lost after three beats of a second."""
    there = {*joined.pids, os.getpid()}
    # processes that an earlier test killed are not lost yet
    await eventually(
        lambda: in_roster(lambda found: {i.pid for i in found if i.liveness == "ok"} == there),
        seconds=20,
        what="a roster of the live processes",
    )
    victim = joined.members[0]
    victim.kill()
    await eventually(lambda: _is_gone(joined, victim), what="a closed connection")
    with within(SOON_SECONDS):
        answers = await broadcast.broadcast("who", expect_answers=True, timeout=60) or []
    assert [answer for answer in answers if isinstance(answer, MissingAnswer)] == [
        MissingAnswer(os.uname().nodename, victim.pid, reason="unreachable")
    ]
    await eventually(
        lambda: in_roster(lambda found: victim.pid in {i.pid for i in found if i.liveness == "lost"}),
        seconds=12,
        what="a roster that tells who was lost",
    )


async def test_process_killed_by_the_question_is_named_missing(joined: Fleet) -> None:
    answers = await broadcast.broadcast("die", expect_answers=True, timeout=1) or []
    assert {answer.pid for answer in answers} == joined.pids
    assert all(isinstance(answer, MissingAnswer) for answer in answers)
    assert not any(isinstance(answer, FailedAnswer) for answer in answers)


async def test_stopped_process_is_named_missing_at_the_timeout(joined: Fleet) -> None:
    victim = joined.members[0]
    victim.signal(signal.SIGSTOP)
    with within(SOON_SECONDS):
        answers = await broadcast.broadcast("who", expect_answers=True, timeout=1.5) or []
    victim.signal(signal.SIGCONT)
    missing = [answer for answer in answers if isinstance(answer, MissingAnswer)]
    assert [(answer.hostname, answer.pid) for answer in missing] == [(os.uname().nodename, victim.pid)]
    assert [answer.pid for answer in answers if isinstance(answer, BroadcastResponse)] == [
        joined.members[1].pid
    ]
    await eventually(lambda: complete(joined.pids), what="a whole fleet")


async def test_terminated_process_answers_or_is_named_and_ends_cleanly(joined: Fleet) -> None:
    victim = joined.members[0]
    calls = [
        broadcast.broadcast("sleep", {"seconds": 600}, expect_answers=True, timeout=1) for _ in range(10)
    ]
    running = asyncio.gather(*calls)
    await asyncio.sleep(0.3)
    assert await asyncio.to_thread(victim.terminate, 10) == 0
    assert [len(answers or []) for answers in await running] == [2] * 10
    for word in ("Traceback", "destroyed", "Warning"):
        assert word not in victim.output.partition("member is ready")[2]
    assert victim.pid not in {instance.pid for instance in await instances.roster()}


async def test_redis_killed_and_back(joined: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    joined.server.kill()
    await eventually(_unavailable, what="an error")
    with within(SOON_SECONDS), pytest.raises(BroadcastUnavailable, match="Redis is unreachable"):
        await who()
    assert broadcast.is_listening() is False
    assert instances.scope() == "process"
    assert [instance.pid for instance in await instances.roster()] == [os.getpid()]
    await asyncio.sleep(1)
    joined.server.start()
    await eventually(lambda: complete(joined.pids), what="all answers")
    assert broadcast.is_listening() is True
    assert len(_outages(caplog)) == 1


async def test_redis_stopped_and_going_on(joined: Fleet) -> None:
    """SIGSTOP: every call ends in time, and is not carried out when Redis goes on."""
    before = await _counted(-1)
    joined.server.pause()
    with within(SOON_SECONDS):
        calls = [
            broadcast.broadcast("count", {"number": n}, expect_answers=True, timeout=1) for n in range(50)
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {BroadcastUnavailable}
    await asyncio.sleep(2)
    joined.server.resume()
    await eventually(lambda: complete(joined.pids), what="all answers")
    assert await _counted(-2) == {pid: [*before[pid], -2] for pid in joined.pids}


async def test_client_pause_is_bounded_by_the_timeout(joined: Fleet) -> None:
    with joined.server.client() as client:
        client.execute_command("CLIENT", "PAUSE", 10_000, "ALL")
    with within(8), pytest.raises(BroadcastUnavailable):
        await who(0.5)
    await eventually(lambda: complete(joined.pids), seconds=20, what="all answers")


@pytest.mark.parametrize("kind", ["pubsub", "normal"])
async def test_killed_connections_come_back_unnoticed(joined: Fleet, kind: str) -> None:
    for _ in range(3):
        with joined.server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", kind)
        await eventually(lambda: complete(joined.pids), what="all answers")


async def test_busy_redis_is_a_typed_error(joined: Fleet) -> None:
    with joined.server.client() as client:
        client.config_set("busy-reply-threshold", 100)
    script = joined.server.client()
    running = asyncio.create_task(asyncio.to_thread(_run_for_ever, script))
    await asyncio.sleep(0.5)
    with within(SOON_SECONDS), pytest.raises(BroadcastUnavailable, match="BUSY"):
        await who()
    with joined.server.client() as client:
        client.execute_command("SCRIPT", "KILL")
    await running
    script.close()
    await eventually(lambda: complete(joined.pids), what="all answers")


def _run_for_ever(client: redis.Redis) -> None:
    with contextlib.suppress(redis.exceptions.RedisError):
        client.eval("while true do end", 0)


async def test_call_survives_the_loss_of_its_connection(joined: Fleet) -> None:
    """The message is sent again, and no handler sees it twice."""
    before = await _counted(-1)
    own = await _own_client_id()
    with joined.server.client() as client:
        for number in range(5):
            call = asyncio.create_task(broadcast.broadcast("count", {"number": number}))
            await asyncio.sleep(0)
            client.client_kill_filter(_id=own) if number == 0 else None
            await call
    assert await _counted(-2) == {pid: [*before[pid], 0, 1, 2, 3, 4, -2] for pid in joined.pids}


async def _own_client_id() -> str:
    broadcaster = current()
    assert isinstance(broadcaster, broadcast.redis.RedisBroadcaster)
    (client_id,) = await broadcaster.link.execute(("CLIENT", "ID"))
    return str(client_id)


async def test_too_many_clients(joined: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    with joined.server.client() as client:
        client.config_set("maxclients", 1)
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await eventually(_unavailable, what="an error")
        await asyncio.sleep(0.5)
        client.config_set("maxclients", 1000)
    await eventually(lambda: complete(joined.pids), what="all answers")
    assert len(_outages(caplog)) == 1


async def test_out_of_memory(joined: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """Publishing needs no memory; only the entries of the roster are refused, which is said once."""
    with joined.server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            for state in ("draining", "starting", "ready"):
                instances.set_state(state)
                await asyncio.sleep(0.1)
            assert await who() == joined.pids
            refused = [r for r in caplog.records if "refuses the roster entry" in r.getMessage()]
            assert len(refused) == 1
        finally:
            client.config_set("maxmemory", 0)


async def test_password_changed(joined: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing hangs, nothing tells the password, all comes back with the right one."""
    caplog.set_level(logging.DEBUG)
    with joined.server.client() as client:
        client.config_set("requirepass", "another-password")
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await eventually(_unavailable, what="an error")
        with pytest.raises(BroadcastUnavailable, match=r"(?i)auth"):
            await who()
        client.config_set("requirepass", "")
    await eventually(lambda: complete(joined.pids), what="all answers")
    assert "another-password" not in caplog.text
    assert len(_outages(caplog)) == 1


async def test_rights_to_channels_removed_and_given_back(joined: Fleet) -> None:
    """Reported while they are missing, subscribed again within a second after."""
    with joined.server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "resetchannels")
        await eventually(_unavailable, what="an error")
        assert broadcast.is_listening() is False
        client.execute_command("ACL", "SETUSER", "default", "allchannels")
    await eventually(lambda: complete(joined.pids), what="all answers")


async def test_right_to_publish_denied(joined: Fleet) -> None:
    with joined.server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-publish")
        try:
            with within(SOON_SECONDS), pytest.raises(BroadcastUnavailable, match="NOPERM"):
                await who()
        finally:
            client.execute_command("ACL", "SETUSER", "default", "+publish")
    assert await who() == joined.pids


async def test_right_to_the_roster_denied(joined: Fleet) -> None:
    """Without keys the count of the receivers decides."""
    with joined.server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "resetkeys")
        try:
            with within(SOON_SECONDS):
                assert await who() == joined.pids
        finally:
            client.execute_command("ACL", "SETUSER", "default", "allkeys")


async def test_flushed_roster_is_written_again(joined: Fleet) -> None:
    with joined.server.client() as client:
        client.flushall()
    with within(SOON_SECONDS):
        assert await who() == joined.pids
    pids = {*joined.pids, os.getpid()}
    instances.set_state("ready")
    await eventually(
        lambda: in_roster(lambda found: {instance.pid for instance in found} == pids), what="a whole roster"
    )
    await eventually(lambda: complete(joined.pids), what="all answers")


async def test_passive_monitor_and_strangers_do_not_count(joined: Fleet) -> None:
    with joined.server.client() as client, client.pubsub() as monitor, client.pubsub() as stranger:
        monitor.psubscribe("*")
        stranger.subscribe("test_who")
        for pubsub in (monitor, stranger):
            assert pubsub.get_message(timeout=5)
        with within(SOON_SECONDS):
            assert await who() == joined.pids


async def test_forged_and_malformed_messages_do_no_harm(
    joined: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    with joined.server.client() as client:
        channels = [*client.pubsub_channels("test_@inbox:*"), "test_who"]
        assert len(channels) == 4

        async def flood() -> None:
            for number in range(300):
                for channel in channels:
                    client.publish(channel, b"-\n{}\n" if number % 2 else b"\xff" * 100)
                await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        for _ in range(20):
            assert await who() == joined.pids
        await flooding
    assert await who() == joined.pids
    assert len([r for r in caplog.records if "was dropped" in r.getMessage()]) <= 2


async def test_exceeded_output_buffer(joined: Fleet) -> None:
    """A process that does not read for a while loses its connection, and gets a new one."""
    with joined.server.client() as client:
        before = client.config_get("client-output-buffer-limit")
        client.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
        count = 0
        while client.publish(f"test_@inbox:{instances.own().id}", b"x" * 10_000) and count < 10_000:
            count += 1  # the event loop of this process stands still
        assert count < 10_000
        await eventually(lambda: complete(joined.pids), what="all answers")
        client.config_set(*next(iter(before.items())))


@pytest.mark.parametrize("delay", [0.05, 0.3])
async def test_slow_redis_makes_slow_calls_but_no_errors(joined: Fleet, delay: float) -> None:
    await leave()
    async with Proxy(joined.server.port, delay=delay) as proxy:
        configure(f"redis://127.0.0.1:{proxy.port}")
        await broadcast.startup()
        await eventually(lambda: complete(joined.pids), what="all answers")
        results = await asyncio.gather(*(who() for _ in range(20)))
        assert results == [joined.pids] * 20
        with within(SOON_SECONDS):
            await who()
        assert proxy.connections == 1
        await broadcast.shutdown()


async def test_redis_away_at_start(caplog: pytest.LogCaptureFixture) -> None:
    """The start is short and no error; everything comes by itself, the stored state is read then."""
    broadcast.cleanup()
    port = free_port()
    configure(f"redis://:the-password@127.0.0.1:{port}")
    restored = asyncio.Event()

    async def hook() -> None:
        restored.set()

    async def handler() -> str:
        return "here"

    await broadcast.subscribe("early", handler)
    broadcast.on_restore(hook)
    with within(SOON_SECONDS):
        await broadcast.startup()
    await broadcast.subscribe("late", handler)
    with within(SOON_SECONDS), pytest.raises(BroadcastUnavailable):
        await broadcast.broadcast("early")
    assert not restored.is_set()
    with RedisServer(port=port, password="the-password"):
        async with asyncio.timeout(20):
            await restored.wait()
        for channel in ("early", "late"):
            answers = await broadcast.broadcast(channel, expect_answers=True)
            assert [getattr(answer, "payload", None) for answer in answers or []] == ["here"]
        await leave()
    assert "the-password" not in caplog.text


async def test_hook_is_called_after_each_reconnection(joined: Fleet) -> None:
    calls = []

    async def hook() -> None:
        calls.append(1)
        raise ValueError("one that fails stops nobody")

    async def other() -> None:
        await asyncio.sleep(0)
        calls.append(2)

    for function in (hook, hook, other):
        broadcast.on_restore(function)

    async def called(expected: list[int]) -> bool:
        return sorted(calls) == expected

    await eventually(lambda: called([1, 2]), what="the late hooks")
    with joined.server.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await eventually(lambda: called([1, 1, 2, 2]), what="the hooks after the reconnection")


async def test_secret_keeps_others_out(joined: Fleet) -> None:
    """Unsigned processes and signed ones do not hear each other, and are not in each other's roster."""
    await leave()
    configure(joined.server.url, broadcast_secret="a secret")
    assert config.settings.redis.broadcast_secret == "a secret"
    await start()
    answers = await broadcast.broadcast("who", expect_answers=True, timeout=0.3) or []
    assert answers == [MissingAnswer(None, None, reason="timeout")] * len(joined.pids)

    async def handler() -> int:
        return os.getpid()

    await broadcast.subscribe("own", handler)
    answers = await broadcast.broadcast("own", expect_answers=True) or []
    assert [getattr(answer, "payload", None) for answer in answers] == [os.getpid()]


async def test_ask_names_who_is_silent(joined: Fleet) -> None:
    """A question to several processes gives all payloads, and the report names who did not answer."""
    silent, other = joined.members

    async def here() -> int:
        return os.getpid()

    reply = await broadcast.ask("who", here, timeout=20)
    assert sorted(reply.payloads) == sorted(joined.pids)
    assert (reply.report.asked, reply.report.answered, reply.report.complete) == (2, 2, True)
    silent.signal(signal.SIGSTOP)
    try:
        reply = await broadcast.ask("who", here, timeout=1)
    finally:
        silent.signal(signal.SIGCONT)
    assert reply.payloads == [other.pid]
    assert [(process.pid, process.reason) for process in reply.report.missing] == [(silent.pid, "timeout")]
    assert not reply.report.complete


async def test_ask_some_instances(joined: Fleet) -> None:
    """Only those that are addressed run it; one that the roster does not know is missing at once."""
    ids = {instance.pid: instance.id for instance in await instances.roster()}
    wanted, other = joined.members

    async def here() -> int:
        return os.getpid()

    before = await _counted(-1)
    with within(20):
        reply = await broadcast.ask("count", here, {"number": 7}, to=[ids[wanted.pid]], timeout=60)
    assert reply.payloads == [[*before[wanted.pid], 7]]
    assert (reply.report.asked, reply.report.complete) == (1, True)
    assert (await _counted(-2))[other.pid] == [*before[other.pid], -2]
    with within(20):
        reply = await broadcast.ask("who", here, to=[ids[wanted.pid], "gone:12:ab"], timeout=60)
    assert reply.payloads == [wanted.pid]
    assert [process.model_dump() for process in reply.report.missing] == [
        {"hostname": "gone", "pid": 12, "reason": "left"}
    ]


async def test_ask_of_a_channel_without_subscribers(joined: Fleet) -> None:
    """This process answers when no process of the cluster has subscribed."""

    async def here() -> str:
        return "here"

    reply = await broadcast.ask("nobody", here)
    assert (reply.payloads, reply.report.asked) == (["here"], 1)
