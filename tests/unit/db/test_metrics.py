"""The metrics of pools and statements."""

import asyncio
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from c2casgiutils import db
from tests.support.db_app import execute


def sample(name: str, **labels: str) -> float | None:
    return prometheus_client.REGISTRY.get_sample_value(f"c2casgiutils_db_{name}", labels)


def pool(name: str) -> dict[str, float | None]:
    states = "size", "checked_out", "overflow"
    return {
        state: sample("pool_connections", database=name, engine="read_write", state=state) for state in states
    }


def statements(name: str, verb: str, table: str) -> float | None:
    return sample("statement_duration_seconds_count", database=name, verb=verb, table=table)


async def test_a_pool(tmp_path: Path) -> None:
    """Its size, the connections in use and beyond it, who waited and who waited in vain."""
    url = f"sqlite:///{tmp_path}/test.db"
    database = db.Database(url, name="pool", pool_size=1, max_overflow=1, pool_timeout=0.2)
    async with database.session_scope() as one, database.session_scope() as two:
        await execute(one, "SELECT 1")
        await execute(two, "SELECT 1")
        assert pool("pool") == {"size": 1, "checked_out": 2, "overflow": 1}
        with pytest.raises(SQLAlchemyError):
            async with database.session_scope() as three:
                await execute(three, "SELECT 1")
        of_pool = {"database": "pool", "engine": "read_write"}
        assert sample("pool_waits_total", **of_pool) == 1
        assert sample("pool_timeouts_total", **of_pool) == 1
    assert pool("pool") == {"size": 1, "checked_out": 0, "overflow": 0}
    await database.aclose()
    assert pool("pool") == {"size": 0, "checked_out": 0, "overflow": 0}


async def test_statements(tmp_path: Path) -> None:
    """Also those that failed; those of both modes, and none twice."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    for number in (1, 2):
        database = db.Database.from_engines(engine, name="statements")
        async with database.session_scope(read_write=True) as session:
            await execute(session, "CREATE TABLE IF NOT EXISTS item (name text UNIQUE)")
            await execute(session, "DELETE FROM item")
        async with database.session_scope() as session:
            await execute(session, "SELECT * FROM item")
        with pytest.raises(SQLAlchemyError):
            async with database.session_scope(read_write=True) as session:
                await execute(session, "INSERT INTO item VALUES ('one'), ('one')")
        await database.aclose()
        for verb in ("DELETE", "SELECT", "INSERT"):
            assert statements("statements", verb, "item") == number
    await engine.dispose()


async def test_statements_are_bounded(tmp_path: Path) -> None:
    """However many tables there are, and whatever stands in the text."""
    database = db.Database(f"sqlite:///{tmp_path}/test.db", name="many")
    async with database.session_scope(read_write=True) as session:
        for number in range(120):
            await execute(session, f"CREATE TABLE table_{number} (name text)")
            await execute(session, "SELECT 'from value_N' FROM table_N".replace("N", str(number)))
    await database.aclose()
    text = prometheus_client.generate_latest().decode()
    of_database = [line for line in text.splitlines() if 'database="many"' in line and "_count{" in line]
    assert len(of_database) <= 102
    assert "value_" not in "".join(of_database)
    assert (statements("many", "SELECT", "other") or 0) >= 20


async def test_other_pools(tmp_path: Path) -> None:
    """A kind of pool without a size works too."""
    from sqlalchemy.pool import NullPool

    options: dict[str, Any] = {"poolclass": NullPool}
    database = db.Database(f"sqlite:///{tmp_path}/test.db", name="null", **options)

    async def use() -> None:
        async with database.session_scope() as session:
            await execute(session, "SELECT 1")

    await asyncio.gather(*(use() for _ in range(3)))
    assert pool("null") == {"size": 0, "checked_out": 0, "overflow": 0}
    await database.aclose()
