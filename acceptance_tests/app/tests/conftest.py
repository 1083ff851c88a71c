"""What all tests need."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from c2casgiutils.acceptance import AsyncConnection
from fastapi import FastAPI

pytest_plugins = ["c2casgiutils.acceptance.pytest_plugin"]

SECRET = "secret-of-the-tests"

# Before the application is imported.
os.environ["C2C__AUTH__SECRET"] = SECRET
os.environ["C2C__PROMETHEUS__PORT"] = "0"


@pytest.fixture(scope="session", autouse=True)
def _database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Migrate a fresh SQLite database; the tests need no server."""
    file = tmp_path_factory.mktemp("database") / "test.db"
    os.environ["C2C__DB__URL"] = f"sqlite:///{file}"

    from alembic.command import upgrade
    from alembic.config import Config

    upgrade(Config(Path(__file__).parents[1] / "alembic.ini"), "head")
    yield


@pytest.fixture
def asgi_app() -> FastAPI:
    """Return the application that `async_app_connection` starts and calls."""
    from app.main import app

    return app


@pytest.fixture
async def undone(async_app_connection: AsyncConnection) -> AsyncIterator[None]:
    """Undo in the end what a test does in the database; its requests must follow each other."""
    from c2casgiutils import db

    async with db.get().rolled_back():
        yield
