"""Redis Cluster with three nodes."""

import contextlib
import datetime
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from redis.crc import key_slot

from c2casgiutils import broadcast, config, instances, redis_utils
from c2casgiutils.broadcast import BroadcastResponse, MissingAnswer
from tests.support.fleet import PREFIX, complete, configure, in_roster, leave, settings, who, within
from tests.support.member import Member
from tests.support.net import SOON_SECONDS, eventually, free_port
from tests.support.redis_groups import ClusterGroup


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterGroup]:
    with ClusterGroup() as group:
        yield group


@pytest.fixture(scope="module")
def members(cluster: ClusterGroup) -> Iterator[set[int]]:
    with contextlib.ExitStack() as stack:
        members = [
            stack.enter_context(Member(**settings(node.url, C2C__REDIS__CLUSTER="True")))
            for node in cluster.nodes
        ]
        for member in members:
            member.wait_ready()
        yield {member.pid for member in members}


@pytest.fixture
async def joined(cluster: ClusterGroup, members: set[int]) -> AsyncIterator[set[int]]:
    broadcast.cleanup()
    configure(cluster.url, cluster=True)
    config.settings.instances.heartbeat = datetime.timedelta(seconds=1)  # as in the members
    await broadcast.startup()
    await eventually(lambda: complete(members), what="all answers")
    yield members
    await leave()


async def test_all_answer_wherever_they_entered(joined: set[int]) -> None:
    """Processes that know different nodes meet on the one that owns the names of the service."""
    for _ in range(10):
        assert await who() == joined
    assert {instance.pid for instance in await instances.living()} == {*joined, os.getpid()}


async def test_subscriptions_follow_their_slot(joined: set[int], cluster: ClusterGroup) -> None:
    slot = key_slot(f"{{{PREFIX}}}".encode())
    owner = cluster.owner(slot)
    other = next(node for node in cluster.nodes if node is not owner)
    with owner.client() as client, other.client() as target:
        move = ("CLUSTER", "SETSLOT", slot, "NODE", target.execute_command("CLUSTER", "MYID"))
        target.execute_command(*move)
        with client.pipeline() as pipeline:  # between the two, a process could write a key
            pipeline.flushall().execute_command(*move)
            pipeline.execute()
    await eventually(lambda: complete(joined), what="all answers from the new node")


async def test_suspended_and_killed_process(joined: set[int], cluster: ClusterGroup) -> None:
    """Suspended, it is connected: missing at the timeout, then lost. Killed, it is missing at once."""
    with Member(**settings(cluster.url, C2C__REDIS__CLUSTER="True")) as member:
        member.wait_ready()
        await eventually(lambda: complete(joined | {member.pid}), seconds=20, what="its answer")
        member.signal(signal.SIGSTOP)
        answered, missing = await _ask(seconds=1)
        assert (answered, [(one.pid, one.reason) for one in missing]) == (joined, [(member.pid, "timeout")])
        await eventually(lambda: in_roster(_shows(member.pid, "lost")), seconds=12, what="a lost process")
        with within(SOON_SECONDS):
            assert await _ask(seconds=60) == (joined, [])
        member.signal(signal.SIGCONT)
        await eventually(lambda: complete(joined | {member.pid}), what="its return")
        member.kill()
        await eventually(lambda: _is_gone(member.pid, cluster), what="a closed connection")
        with within(SOON_SECONDS):
            answered, missing = await _ask(seconds=60)
        assert (answered, [(one.pid, one.reason) for one in missing]) == (
            joined,
            [(member.pid, "unreachable")],
        )
        await eventually(lambda: in_roster(_shows(member.pid, "lost")), seconds=12, what="a lost process")


async def _ask(*, seconds: float) -> tuple[set[int], list[MissingAnswer]]:
    """The processes that answer, and those that do not."""
    answers = await broadcast.broadcast("who", expect_answers=True, timeout=seconds) or []
    missing = [answer for answer in answers if isinstance(answer, MissingAnswer)]
    return {answer.payload for answer in answers if isinstance(answer, BroadcastResponse)}, missing


def _shows(pid: int, liveness: str) -> Callable[[list[instances.Instance]], bool]:
    return lambda found: liveness in {one.liveness for one in found if one.pid == pid}


async def _is_gone(pid: int, cluster: ClusterGroup) -> bool:
    """Return whether no node has a connection of a process."""
    for node in cluster.nodes:
        with node.client() as client:
            names = client.execute_command("PUBSUB", "SHARDCHANNELS")
        if any(f":{pid}:" in str(name) for name in names):
            return False
    return True


async def test_client_reaches_all_nodes(joined: set[int]) -> None:
    master, slave, _ = redis_utils.get()
    assert master is not None
    assert master is slave
    for name in ("a", "b", "c"):
        await master.set(name, name)
        assert await master.get(name) == name


@pytest.mark.parametrize(
    "form", ["redis://127.0.0.1:{dead},127.0.0.1:{live}", "redis://127.0.0.1:{dead},{url}"]
)
async def test_start_nodes_that_are_down(cluster: ClusterGroup, members: set[int], form: str) -> None:
    """A process starts as long as one of the start nodes is up, and its clients find the cluster."""
    live = cluster.nodes[1]
    broadcast.cleanup()
    configure(form.format(dead=free_port(), live=live.port, url=live.url), cluster=True)
    await broadcast.startup()
    await eventually(lambda: complete(members), what="all answers")
    master, _, _ = redis_utils.get()
    assert master is not None
    assert await master.set("key", "value")
    await leave()
