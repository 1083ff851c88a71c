"""A Redis of its own and processes that take part in the broadcast."""

from collections.abc import AsyncIterator, Iterator

import pytest

from c2casgiutils import broadcast
from tests.support.fleet import Fleet, complete, configure, leave
from tests.support.net import eventually


@pytest.fixture(scope="module")
def _fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.stop()


@pytest.fixture
def fleet(_fleet: Fleet) -> Fleet:
    """Two members on one Redis, whole at the start of each test."""
    _fleet.mend()
    return _fleet


@pytest.fixture
async def joined(fleet: Fleet) -> AsyncIterator[Fleet]:
    """The same, and the test's own process has joined without a handler."""
    broadcast.cleanup()
    configure(fleet.server.url)
    await broadcast.startup()
    await eventually(lambda: complete(fleet.pids), seconds=20, what="a whole fleet")
    yield fleet
    await leave()
