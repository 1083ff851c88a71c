"""Handlers that raise what would end a process."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from c2casgiutils import broadcast
from c2casgiutils.broadcast import FailedAnswer
from tests.support.fleet import complete, configure, leave, settings, who
from tests.support.member import Member
from tests.support.net import eventually
from tests.support.processes import RedisServer


@pytest.fixture
async def pids() -> AsyncIterator[set[int]]:
    """Two processes of a service which the test's own process has joined."""
    with (
        RedisServer() as server,
        Member(**settings(server.url)) as one,
        Member(**settings(server.url)) as two,
    ):
        for member in (one, two):
            member.wait_ready()
        configure(server.url)
        await broadcast.startup()
        found = {one.pid, two.pid}
        await eventually(lambda: complete(found), seconds=20, what="all processes")
        yield found
        await leave()


async def test_no_exception_of_a_handler_ends_a_process(pids: set[int]) -> None:
    """Each process answers at once that its handler failed, and goes on."""
    for name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError"):
        async with asyncio.timeout(30):
            answers = await broadcast.broadcast("fail", {"name": name}, expect_answers=True, timeout=60)
        assert {answer.pid for answer in answers or [] if isinstance(answer, FailedAnswer)} == pids
        assert all(name in answer.error for answer in answers or [] if isinstance(answer, FailedAnswer))
    assert await who() == pids
