"""The health checks of a database with a replica."""

import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy

from c2casgiutils import db
from c2casgiutils.health_checks import Alembic, EntityResult, Factory, GlobalResult, SQLAlchemy
from c2casgiutils.health_checks._factory import overall
from tests.integration.db.conftest import Pair
from tests.support.db_app import execute
from tests.support.net import eventually

READ_WRITE, READ_ONLY = "db_default_read_write", "db_default_read_only"


@pytest.fixture
async def factory() -> AsyncIterator[Factory]:
    factory = Factory()
    yield factory
    await factory.aclose()


def by_name(result: GlobalResult) -> dict[str, EntityResult]:
    return {entity.name: entity for entity in result.entities}


async def test_both_engines_are_checked(factory: Factory, database: db.Database) -> None:
    factory.add(SQLAlchemy(Session=database, tags=["database"], writable=True))
    result = await factory.check(tags="database")
    assert {name: entity.status for name, entity in by_name(result).items()} == {
        READ_WRITE: "pass",
        READ_ONLY: "pass",
    }


async def test_a_replica_that_ended_is_a_warning(factory: Factory, database: db.Database, pair: Pair) -> None:
    """Reads use the primary, so the application works; a primary that ended is a failure."""
    factory.add(SQLAlchemy(Session=database), ttl=0)
    pair.replica.stop()
    result = await factory.check()
    assert result.status_code == 200
    assert overall([(entry, entry.last) for entry in factory.entries if entry.last]) == "warn"
    assert by_name(result)[READ_ONLY].status == "fail"
    pair.replica.ensure_up()
    assert by_name(await factory.check())[READ_ONLY].status in {"pass", "warn"}
    pair.primary.stop()
    result = await factory.check()
    assert result.status_code == 500
    assert by_name(result)[READ_WRITE].status == "fail"


async def test_a_replica_that_lags_is_a_warning(factory: Factory, pair: Pair) -> None:
    """With the reason, and without any request that reads."""
    lag = datetime.timedelta(milliseconds=500)
    database = db.Database(pair.primary.url(), read_only_url=pair.replica.url(), max_lag=lag)
    factory.add(SQLAlchemy(Session=database), ttl=0)

    async def message() -> str:
        entity = by_name(await factory.check())[READ_ONLY]
        return str(entity.payload.get("message")) if entity.status == "warn" else entity.status

    async def passes() -> bool:
        return await message() == "pass"

    async def lags() -> bool:
        return (await message()).startswith("Reads use the primary: it is ")

    await eventually(passes, what="the check passes")
    pair.replica.execute("SELECT pg_wal_replay_pause()")
    async with database.session_scope(read_write=True) as session:
        await execute(session, "INSERT INTO item VALUES ('one')")
    await eventually(lags, what="the check warns")
    pair.replica.execute("SELECT pg_wal_replay_resume()")
    await eventually(passes, what="the check passes again")
    await database.aclose()


async def test_the_migrations_of_both(factory: Factory, database: db.Database, tmp_path: Path) -> None:
    """The replica gets them from the primary."""
    (tmp_path / "alembic.ini").write_text(f"[alembic]\nscript_location = {tmp_path}/migrations\n")
    versions = tmp_path / "migrations/versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").touch()
    (versions / "one.py").write_text("revision = 'one'\ndown_revision = None\n")
    factory.add(Alembic(Session=database, config_file=tmp_path / "alembic.ini"), ttl=0)
    async with database.session_scope(read_write=True) as session:
        await session.execute(sqlalchemy.text("DROP TABLE IF EXISTS alembic_version"))
    names = ["alembic_default_read_write", "alembic_default_read_only"]
    result = await factory.check()
    assert [entity.name for entity in result.entities] == names
    assert by_name(result)[names[0]].payload["result"]["state"] == "empty"
    async with database.session_scope(read_write=True) as session:
        await session.execute(sqlalchemy.text("CREATE TABLE alembic_version AS SELECT 'one' AS version_num"))

    async def are_current() -> bool:
        return {entity.status for entity in (await factory.check()).entities} == {"pass"}

    await eventually(are_current, what="both are at the revision")
    async with database.session_scope(read_write=True) as session:
        await session.execute(sqlalchemy.text("DROP TABLE alembic_version"))


@pytest.mark.parametrize("kind", [SQLAlchemy, Alembic])
async def test_names(factory: Factory, database: db.Database, pair: Pair, kind: type) -> None:
    """A name that is given gets a suffix for each engine; without a replica there is one engine."""
    alone = db.Database(pair.primary.url(), name="alone")
    prefix = "db" if kind is SQLAlchemy else "alembic"
    factory.add(kind(Session=database), name="main")
    factory.add(kind(Session=alone))
    factory.add(kind(Session=alone), name="other")
    assert [entry.name for entry in factory.entries] == [
        "main_read_write",
        "main_read_only",
        f"{prefix}_alone_read_write",
        "other_read_write",
    ]
