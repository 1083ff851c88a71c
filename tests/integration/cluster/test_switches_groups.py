"""The desired state on a Redis Cluster, and after the Sentinels chose another master."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator

from tests.support.net import eventually
from tests.support.operators import Operator, operators, serve, stored
from tests.support.processes import RedisServer, Uvicorn
from tests.support.redis_groups import ClusterGroup, SentinelGroup

NAME = "app.db"


@contextlib.asynccontextmanager
async def started(*servers: Uvicorn) -> AsyncIterator[list[Operator]]:
    """Start servers, and give an operator for each of their processes."""
    async with contextlib.AsyncExitStack() as stack:
        await asyncio.gather(*(asyncio.to_thread(stack.enter_context, one) for one in servers))
        yield await stack.enter_async_context(operators(*servers))


async def is_set(found: list[Operator], level: str) -> bool:
    """Return whether a change works everywhere now."""
    answer = await found[0].post(NAME, level)
    return answer.status_code == 200 and bool(answer.json()["cluster"]["complete"])


async def test_cluster() -> None:
    """The script stores and publishes on the node that owns the names of the service."""
    with ClusterGroup() as group:
        servers = [serve(node.port, C2C__REDIS__CLUSTER="True") for node in group.nodes[:2]]
        async with started(*servers) as found:
            await eventually(lambda: is_set(found, "ERROR"), seconds=20, what="a change in the cluster")
            report = await found[1].set(NAME, "DEBUG")
            assert (report["applied"], report["of"], report["behind"]) == (2, 2, [])
            assert [await operator.level(NAME) for operator in found] == ["DEBUG", "DEBUG"]
            assert [await operator.overrides() for operator in found] == [{NAME: "DEBUG"}] * 2
            for operator in found:
                await eventually(functools.partial(knows_all, operator), what="the events of both")


async def knows_all(operator: Operator) -> bool:
    """Return whether the time line has the joins of two processes and the changes."""
    body = (await operator.get("events")).json()
    joined = {event["instance"] for event in body["events"] if event["kind"] == "join"}
    changed = {event["what"] for event in body["events"] if event["kind"] == "audit"}
    return bool(body["complete"]) and len(joined) == 2 and changed == {f"logging.level {NAME}"}


def stored_level(server: RedisServer) -> str:
    """The level in the store."""
    return "DEBUG" if '"value":"DEBUG"' in stored(server).get(f"level:{NAME}", "") else "older"


async def test_an_older_replica_is_promoted() -> None:
    """The processes keep the newer state, and bring the new master up to it."""
    with SentinelGroup() as group:
        servers = [
            serve(
                0,
                C2C__REDIS__URL="",
                C2C__REDIS__SENTINELS=group.addresses,
                C2C__REDIS__SERVICENAME="service",
            )
            for _ in range(2)
        ]
        async with started(*servers) as found:
            await eventually(lambda: is_set(found, "ERROR"), seconds=20, what="a change")
            group.replica.pause()
            with group.master.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", "replica")
            assert (await found[0].set(NAME, "DEBUG"))["complete"]
            group.master.kill()
            group.replica.resume()
            assert stored_level(group.replica) == "older"

            async def is_healed() -> bool:
                is_stored = group.replica.is_up() and stored_level(group.replica) == "DEBUG"
                return is_stored and all([await operator.has(NAME, "DEBUG") for operator in found])

            await eventually(is_healed, seconds=60, what="the newer level at the new master")
