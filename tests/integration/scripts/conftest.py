from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer

TABLES = """
CREATE TABLE item (id integer PRIMARY KEY, name text);
INSERT INTO item SELECT number, 'name' FROM generate_series(1, 1000) AS number;
ANALYZE item;
CREATE TABLE never_analysed (id integer);
CREATE MATERIALIZED VIEW view_of_item AS SELECT * FROM item;
CREATE TABLE parted (day date) PARTITION BY RANGE (day);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE SCHEMA other;
CREATE TABLE other."a ""quoted"" name; DROP" (id integer);
"""


@pytest.fixture(scope="session")
def _session_postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        with server.connect() as connection:
            connection.execute(TABLES)
        yield server


@pytest.fixture
def postgres(_session_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A running PostgreSQL with some tables; a test may stop it."""
    _session_postgres.ensure_up()
    yield _session_postgres
    _session_postgres.ensure_up()
