from collections.abc import AsyncIterator, Iterator

import pytest

from c2casgiutils.health_checks import Factory
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def _session_postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres(_session_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A running PostgreSQL; a test may pause or kill it."""
    _session_postgres.ensure_up()
    yield _session_postgres
    _session_postgres.ensure_up()


@pytest.fixture
async def factory() -> AsyncIterator[Factory]:
    factory = Factory()
    yield factory
    await factory.aclose()
