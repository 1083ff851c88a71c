"""What all tests need."""

import os
from collections.abc import AsyncIterator{% if cookiecutter.database != "none" %}, Iterator
from pathlib import Path{% endif %}

import httpx
import pytest

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
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Make a client of the running application."""
    from {{ cookiecutter.project_slug }}.main import app

    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client
{%- if cookiecutter.database != "none" %}


@pytest.fixture
async def undone(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """Undo in the end what a test does in the database; its requests must follow each other."""
    from c2casgiutils import db

    async with db.get().rolled_back():
        yield
{%- endif %}
