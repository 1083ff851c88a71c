"""Processes of one service whose settings name different databases of one Redis."""

from collections.abc import AsyncIterator

import pytest

from c2casgiutils import broadcast, instances, redis_utils
from tests.support.fleet import complete, configure, leave, settings
from tests.support.member import Member
from tests.support.net import eventually
from tests.support.processes import RedisServer


@pytest.fixture
async def pids() -> AsyncIterator[set[int]]:
    """One process by `C2C__REDIS__DB`, one by the path of the address; the test's own process has joined."""
    with (
        RedisServer() as server,
        Member(**settings(server.url, C2C__REDIS__DB="3")) as by_setting,
        Member(**settings(f"{server.url}/4")) as by_address,
    ):
        for member in (by_setting, by_address):
            member.wait_ready()
        configure(server.url, db=5)
        await broadcast.startup()
        yield {by_setting.pid, by_address.pid}
        await leave()


async def test_database_numbers_do_not_divide_a_service(pids: set[int]) -> None:
    """All processes with one prefix are listed and asked; the clients use the database of the settings."""
    await eventually(lambda: complete(pids), seconds=20, what="answers of all processes")
    assert {instance.pid for instance in await instances.roster()} >= pids
    master, _, _ = redis_utils.get()
    assert master is not None
    assert (await master.client_info())["db"] == 5
