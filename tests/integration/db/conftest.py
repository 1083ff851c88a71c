import dataclasses
from collections.abc import AsyncIterator, Iterator

import pytest

from c2casgiutils import db
from tests.support.net import wait_for
from tests.support.postgres import PostgresReplica, PostgresServer


@dataclasses.dataclass
class Pair:
    """A primary and its streaming replica."""

    primary: PostgresServer
    replica: PostgresReplica


@pytest.fixture(scope="session")
def _session_pair() -> Iterator[Pair]:
    with PostgresServer() as primary, PostgresReplica(primary) as replica:
        yield Pair(primary, replica)


@pytest.fixture
def pair(_session_pair: Pair) -> Iterator[Pair]:
    """Both run, and the table `item` is empty in both; a test may do to them what it likes."""
    _session_pair.primary.ensure_up()
    _session_pair.replica.ensure_up()
    with _session_pair.primary.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS item")
        connection.execute("CREATE TABLE item (name text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    wait_for(_session_pair.replica.caught_up, what="the replica has the table")
    yield _session_pair
    _session_pair.primary.ensure_up()
    _session_pair.replica.ensure_up()
    _session_pair.replica.execute("SELECT pg_wal_replay_resume()")


@pytest.fixture
async def database(pair: Pair) -> AsyncIterator[db.Database]:
    """A database with a replica."""
    database = db.Database(
        pair.primary.url("postgresql"),
        read_only_url=pair.replica.url("postgresql"),
        pool_size=2,
        max_overflow=0,
    )
    yield database
    await database.aclose()
