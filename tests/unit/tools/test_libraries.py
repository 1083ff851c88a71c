"""Levels of loggers whose libraries look at them in ways of their own."""

import logging
import uuid
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy

from tests.support.levels import reset_levels


@pytest.fixture
def engine() -> Iterator[sqlalchemy.Engine]:
    """An engine that was created, and used, before any level was changed."""
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
    run(engine)
    yield engine
    engine.dispose()
    reset_levels()


def run(engine: sqlalchemy.Engine) -> str:
    """Run a statement, and return what it holds, which the log would show."""
    marker = uuid.uuid4().hex
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"SELECT '{marker}'"))
    return marker


@pytest.mark.parametrize("name", ["sqlalchemy.engine", "sqlalchemy.engine.Engine", "sqlalchemy", "root"])
async def test_sqlalchemy(
    client: httpx.AsyncClient, engine: sqlalchemy.Engine, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """An engine that exists follows its logger, and the ancestors of it, in both directions."""
    if name == "root":
        await client.put("logging/loggers/sqlalchemy", json={"level": "NOTSET"})
    assert run(engine) not in caplog.text
    assert (await client.put(f"logging/loggers/{name}", json={"level": "INFO"})).status_code == 200
    assert run(engine) in caplog.text
    await client.delete(f"logging/loggers/{name}")
    assert run(engine) not in caplog.text


async def test_an_engine_with_echo(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """It has a level of its own; without `echo` it follows its logger, as the documentation says."""
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool, echo=True)
    try:
        await client.put("logging/loggers/sqlalchemy.engine", json={"level": "ERROR"})
        assert run(engine) in caplog.text
        engine.echo = None
        assert run(engine) not in caplog.text
    finally:
        engine.dispose()
        reset_levels()


async def test_a_logger_that_caches_what_is_enabled(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """`logging` remembers for each logger what is enabled: children notice a change of the parent."""
    name = f"tests.{uuid.uuid4().hex}"
    child = logging.getLogger(f"{name}.child")
    for level, is_enabled in (("ERROR", False), ("DEBUG", True), ("ERROR", False)):
        await client.put(f"logging/loggers/{name}", json={"level": level})
        assert child.isEnabledFor(logging.DEBUG) is is_enabled
