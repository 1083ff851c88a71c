"""What all tests need."""

import os
{%- if cookiecutter.database != "none" %}
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
{%- endif %}

import pytest
{%- if cookiecutter.database != "none" %}
from c2casgiutils.acceptance import AsyncConnection
{%- endif %}
from fastapi import FastAPI

pytest_plugins = ["c2casgiutils.acceptance.pytest_plugin"]

SECRET = "secret-of-the-tests"

# Before the application is imported.
os.environ["C2C__AUTH__SECRET"] = SECRET
os.environ["C2C__PROMETHEUS__PORT"] = "0"
{%- if cookiecutter.database != "none" %}


@pytest.fixture(scope="session", autouse=True)
def _database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Migrate a fresh SQLite database; the tests need no server."""
    file = tmp_path_factory.mktemp("database") / "test.db"
    os.environ["C2C__DB__URL"] = f"sqlite:///{file}"

    from alembic.command import upgrade
    from alembic.config import Config

    upgrade(Config(Path(__file__).parents[1] / "alembic.ini"), "head")
    yield
{%- endif %}


@pytest.fixture
def asgi_app() -> FastAPI:
    """Return the application that `async_app_connection` starts and calls."""
    from {{ cookiecutter.project_slug }}.main import app

    return app
{%- if cookiecutter.database != "none" %}


@pytest.fixture
async def undone(async_app_connection: AsyncConnection) -> AsyncIterator[None]:
    """Undo in the end what a test does in the database; its requests must follow each other."""
    from c2casgiutils import db

    async with db.get().rolled_back():
        yield
{%- endif %}
