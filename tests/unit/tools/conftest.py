import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from tests.support.auth import KEY
from tests.support.fake_github import FakeGitHub, Repository
from tests.support.levels import reset_levels

SECRET = "s3cret-of-the-test"


@pytest.fixture(autouse=True)
def _levels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test starts with the levels of loggers, or names of levels, that another one set."""
    monkeypatch.setattr(logging, "_levelToName", {**logging._levelToName})
    monkeypatch.setattr(logging, "_nameToLevel", {**logging._nameToLevel})
    yield
    reset_levels()


@pytest.fixture
async def client(operations: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that mounts ours at `/c2c`, signed in by the shared secret."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    main = FastAPI(title="The service")
    main.mount("/c2c", operations)
    transport = httpx.ASGITransport(main, raise_app_exceptions=False)
    async with (
        c2casgiutils.lifespan(main),
        httpx.AsyncClient(
            transport=transport, base_url="http://testserver/c2c/", headers={"X-API-Key": SECRET}
        ) as http,
    ):
        yield http


@pytest.fixture
def anonymous(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client without the secret."""
    del client.headers["X-API-Key"]
    return client


@pytest.fixture
async def callers(operations: FastAPI) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """One client for each permission on the repository."""
    with FakeGitHub() as github:
        github.users = {name: {"login": name} for name in ("pull", "push", "admin")}
        github.repositories = {"org/repo": Repository(permissions={name: [name] for name in github.users})}
        config.settings = config.Settings(
            auth={"jwt": {"secret": KEY}, "github": github.settings(bearer=True)}
        )
        app = FastAPI()
        app.mount("/c2c", operations)
        async with c2casgiutils.lifespan(app):
            yield {
                name: httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://testserver/c2c",
                    headers={"Authorization": f"Bearer {github.token(name)}"},
                )
                for name in github.users
            }
