"""Follows from the start of a process to its end."""

import asyncio
import logging

import pytest

import c2casgiutils
from c2casgiutils import follow
from tests.support.net import eventually
from tests.unit.follow.test_interception import request


async def follow_everything() -> None:
    """Start, follow, and write a line of a followed request."""
    await c2casgiutils.startup()
    started = await follow.start(
        follow.create_id(), ttl=60, level=logging.DEBUG, logger="", by="test", seconds=2
    )
    with request((b"x-c2c-follow", started.token.encode())):
        logging.getLogger("followed.lifecycle").debug("line")
    assert logging.getLogger("followed.lifecycle").isEnabledFor(logging.DEBUG)

    async def is_told() -> bool:
        return bool(await follow.read(started.id, follow.parse_cursor("")))

    await eventually(is_told, what="the line")


async def end_within(seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await c2casgiutils.shutdown()


@pytest.mark.parametrize("is_same", [True, False], ids=["its loop", "another loop"])
def test_the_end_restores_everything(caplog: pytest.LogCaptureFixture, *, is_same: bool) -> None:
    """Levels and the record factory are those of before, also after a loop that ended without a shutdown."""
    root, factory = logging.root.level, logging.getLogRecordFactory()
    with asyncio.Runner() as runner:
        runner.run(follow_everything())
        if is_same:
            runner.run(end_within(10))
    if not is_same:
        asyncio.run(end_within(10))
    assert (type(logging.root.level), logging.root.level) == (int, root)
    assert logging.getLogRecordFactory() is factory
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_new_start_follows_nothing() -> None:
    """What was followed on an event loop that ended is not followed on the next one."""
    factory = logging.getLogRecordFactory()

    async def start_again() -> None:
        await c2casgiutils.startup()
        assert logging.getLogRecordFactory() is factory
        await c2casgiutils.shutdown()

    with asyncio.Runner() as runner:
        runner.run(follow_everything())
    asyncio.run(start_again())
