"""The check of the migrations: every state of a database beside its scripts."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from c2casgiutils.health_checks import Alembic, EntityResult, Factory
from tests.support.postgres import PostgresServer

ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

section = context.config.get_section(context.config.config_ini_section)
with engine_from_config(section, poolclass=pool.NullPool).connect() as connection:
    context.configure(
        connection=connection,
        version_table=section.get("version_table", "alembic_version"),
        version_table_schema=section.get("version_table_schema"),
    )
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
revision = {revision!r}
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
"""


class Project:
    """Scripts of Alembic in a folder."""

    def __init__(self, folder: Path, url: str, options: str = "", section: str = "alembic") -> None:
        self.folder = folder
        self.section = section
        self.ini = folder / "alembic.ini"
        self.ini.write_text(
            f"[{section}]\nscript_location = %(here)s/scripts\nprepend_sys_path = %(here)s\n"
            f"path_separator = os\nsqlalchemy.url = {url}\n{options}"
        )
        (folder / "scripts" / "versions").mkdir(parents=True)
        (folder / "scripts" / "env.py").write_text(ENV)

    def add(self, revision: str, down: str | None, labels: tuple[str, ...] | None = None) -> None:
        text = REVISION.format(revision=revision, down=down, labels=labels)
        (self.folder / "scripts" / "versions" / f"{revision}.py").write_text(text)

    def upgrade(self, target: str = "heads") -> None:
        command.upgrade(Config(str(self.ini), ini_section=self.section), target)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    yield engine
    await engine.dispose()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path, f"sqlite:///{tmp_path}/x.db")
    project.add("a1", None)
    project.add("b2", "a1")
    return project


async def run(factory: Factory, engine: AsyncEngine, project: Project, **options: Any) -> EntityResult:
    factory.add(Alembic(Session=async_sessionmaker(engine), config_file=str(project.ini), **options), ttl=0)
    return (await factory.check()).entities[0]


async def test_migrated(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    project.upgrade()
    entity = await run(factory, engine, project)
    assert (entity.status, entity.payload) == ("pass", {"current": ["b2"], "heads": ["b2"]})


async def test_empty(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    entity = await run(factory, engine, project)
    assert entity.payload["result"] == {"current": [], "heads": ["b2"], "state": "empty"}


async def test_behind(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    project.upgrade("a1")
    entity = await run(factory, engine, project)
    assert entity.payload["result"] == {"current": ["a1"], "heads": ["b2"], "state": "behind"}


async def test_ahead(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    project.add("c3", "b2")
    project.upgrade()
    (project.folder / "scripts" / "versions" / "c3.py").unlink()
    entity = await run(factory, engine, project)
    assert entity.payload["result"] == {"current": ["c3"], "heads": ["b2"], "state": "ahead"}


async def test_two_heads(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    project.add("c3", "a1", ("other",))
    project.upgrade("b2")
    entity = await run(factory, engine, project)
    assert entity.payload["result"] == {"current": ["b2"], "heads": ["b2", "c3"], "state": "behind"}
    project.upgrade("other@head")
    (entity,) = (await factory.check()).entities
    assert (entity.status, entity.payload["current"]) == ("pass", ["b2", "c3"])


async def test_scripts_are_read_once(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    project.upgrade()
    await run(factory, engine, project)
    (project.folder / "scripts" / "versions" / "b2.py").unlink()
    assert (await factory.check()).entities[0].status == "pass"


async def test_missing_extra(
    factory: Factory, engine: AsyncEngine, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package the failure says what to install."""
    for name in ("alembic", "alembic.config"):
        monkeypatch.setitem(sys.modules, name, None)
    entity = await run(factory, engine, project)
    assert (entity.status, entity.payload["error"]) == ("fail", "ModuleNotFoundError")
    assert "install c2casgiutils[alembic]" in entity.payload["message"]


async def test_missing_configuration(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    project.ini.unlink()
    entity = await run(factory, engine, project)
    assert entity.payload["error"] == "FileNotFoundError"


async def test_unreadable_configuration(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    project.ini.write_text("this is not\nan ini file: password=hush-hush\n")
    entity = await run(factory, engine, project)
    assert entity.status == "fail"
    assert "hush-hush" not in entity.model_dump_json()


async def test_wrong_section(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    entity = await run(factory, engine, project, section="other")
    assert entity.payload["error"] == "CommandError"


async def test_search_path_is_left_as_it_was(factory: Factory, engine: AsyncEngine, project: Project) -> None:
    import sys

    before = list(sys.path)
    await run(factory, engine, project)
    assert sys.path == before


async def test_named_table_and_schema(factory: Factory, tmp_path: Path, postgres: PostgresServer) -> None:
    options = "version_table = my_version\nversion_table_schema = my_schema\n"
    url = postgres.url().replace("%", "%%")
    project = Project(tmp_path, url, options, section="second")
    project.add("a1", None)
    engine = create_async_engine(postgres.url())
    async with engine.begin() as connection:
        await connection.execute(sqlalchemy.text("CREATE SCHEMA IF NOT EXISTS my_schema"))
    project.upgrade()
    entity = await run(factory, engine, project, section="second")
    assert (entity.status, entity.payload["current"]) == ("pass", ["a1"])
    await engine.dispose()


async def test_the_version_as_a_metric(
    factory: Factory, engine: AsyncEngine, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revisions that the database is at, and no other ones."""
    monkeypatch.chdir(project.folder)
    project.ini = Path("alembic.ini")

    def shown() -> set[str]:
        families = [
            each
            for each in prometheus_client.REGISTRY.collect()
            if each.name == "c2casgiutils_alembic_version"
        ]
        samples = [sample for family in families for sample in family.samples]
        assert all(sample.value == 1 for sample in samples)
        return {
            sample.labels["version"] for sample in samples if sample.labels["configuration"] == "alembic.ini"
        }

    await run(factory, engine, project)
    assert shown() == set()
    project.upgrade("a1")
    await factory.check()
    assert shown() == {"a1"}
    project.add("c3", "a1", ("other",))
    project.upgrade()
    await factory.check()
    assert shown() == {"b2", "c3"}
