"""A Redis Cluster that breaks in the middle: every answer says so, and none is a 500."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import redis
from redis.crc import key_slot

from tests.support.net import eventually, wait_for
from tests.support.operators import PREFIX, Operator, operators, serve
from tests.support.processes import RedisServer, Uvicorn
from tests.support.redis_groups import ClusterGroup

NAME = "app.db"
_SLOT = key_slot(f"{{{PREFIX}}}".encode())
_BROKEN_SECONDS = 1.5
"""Long enough for the link and the clients to notice and to try again."""
_WRONG_SECRETS = 3
"""In all cases together fewer than lead to 429."""


@pytest.fixture(scope="module")
def group() -> Iterator[ClusterGroup]:
    with ClusterGroup() as group:
        yield group


@pytest.fixture(scope="module")
def server(group: ClusterGroup) -> Iterator[Uvicorn]:
    with serve(group.nodes[0].port, C2C__REDIS__CLUSTER="True") as server:
        yield server


@pytest.fixture
async def operator(server: Uvicorn) -> AsyncIterator[Operator]:
    async with operators(server) as (operator,):
        yield operator


def _call(node: RedisServer, *command: object) -> object:
    with node.client() as client:
        return client.execute_command(*command)


def _nodes(group: ClusterGroup) -> tuple[RedisServer, RedisServer]:
    """The owner of the slot of the service, and another node."""
    owner = group.owner(_SLOT)
    return owner, next(node for node in group.nodes if node is not owner)


@contextlib.contextmanager
def _all_are_dead(group: ClusterGroup) -> Iterator[None]:
    for node in group.nodes:
        node.kill()
    try:
        yield
    finally:
        for node in group.nodes:
            node.start()


@contextlib.contextmanager
def _owner_is_dead(group: ClusterGroup) -> Iterator[None]:
    owner, _ = _nodes(group)
    owner.kill()
    try:
        yield
    finally:
        owner.start()


@contextlib.contextmanager
def _nobody_owns_the_slot(group: ClusterGroup) -> Iterator[None]:
    for node in group.nodes:
        _call(node, "CLUSTER", "DELSLOTS", _SLOT)
    try:
        yield
    finally:
        _call(group.owner(_SLOT), "CLUSTER", "ADDSLOTS", _SLOT)


@contextlib.contextmanager
def _slot_migrates(group: ClusterGroup) -> Iterator[None]:
    owner, other = _nodes(group)
    _call(owner, "FLUSHALL")
    _call(other, "CLUSTER", "SETSLOT", _SLOT, "IMPORTING", _call(owner, "CLUSTER", "MYID"))
    _call(owner, "CLUSTER", "SETSLOT", _SLOT, "MIGRATING", _call(other, "CLUSTER", "MYID"))
    try:
        yield
    finally:
        for node in (other, owner):
            _call(node, "FLUSHALL")
            _call(node, "CLUSTER", "SETSLOT", _SLOT, "STABLE")


@contextlib.contextmanager
def _slot_moves(group: ClusterGroup) -> Iterator[None]:
    owner, other = _nodes(group)
    _move(owner, other)
    try:
        yield
    finally:
        _move(other, owner)


def _move(old: RedisServer, new: RedisServer) -> None:
    id_ = _call(new, "CLUSTER", "MYID")

    def is_moved() -> bool:
        _call(old, "FLUSHALL")
        try:
            _call(old, "CLUSTER", "SETSLOT", _SLOT, "NODE", id_)
        except redis.ResponseError:  # the service has written in the meantime
            return False
        return True

    _call(new, "CLUSTER", "SETSLOT", _SLOT, "NODE", id_)
    wait_for(is_moved, seconds=20, what="a slot without keys")


async def _status_of_stranger(url: str) -> int:
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": "wrong"}, timeout=20) as client:
        return (await client.get("/c2c/logging/overrides")).status_code


@pytest.mark.parametrize(
    "breaks", [_all_are_dead, _owner_is_dead, _nobody_owns_the_slot, _slot_migrates, _slot_moves]
)
async def test_is_reported_and_heals(
    group: ClusterGroup,
    server: Uvicorn,
    operator: Operator,
    breaks: Callable[[ClusterGroup], contextlib.AbstractContextManager[None]],
) -> None:
    """A change is confirmed or answered with 503, a wrong secret is refused; afterwards all works again."""

    async def works() -> bool:
        answer = await operator.post(NAME, "ERROR")
        return answer.status_code == 200 and bool(answer.json()["cluster"]["complete"])

    await eventually(works, seconds=20, what="a change before")
    with breaks(group):
        end = time.monotonic() + _BROKEN_SECONDS
        for _ in range(_WRONG_SECRETS):
            assert await _status_of_stranger(server.url) in {401, 403}
        while time.monotonic() < end:
            answer = await operator.post(NAME, "DEBUG")
            assert answer.status_code in {200, 503}, answer.text
            assert answer.status_code == 200 or "Redis" in answer.json()["detail"]
            await asyncio.sleep(0.1)
    await eventually(works, seconds=20, what="a change afterwards")
