"""A Redis server and processes that use the broadcast."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.fleet import Fleet


@pytest.fixture(scope="module")
def _fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@pytest.fixture
def fleet(_fleet: Fleet) -> Fleet:
    """Two members on one Redis, all working at the start of each test."""
    _fleet.mend()
    return _fleet


@pytest.fixture
async def joined(fleet: Fleet) -> AsyncIterator[Fleet]:
    """The fleet, joined by the test's own process without a handler."""
    async with fleet.joined():
        yield fleet
