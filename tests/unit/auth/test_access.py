"""Who gets through a protected view."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI

from c2casgiutils import auth, config

SECRET = "a shared secret"


def make_app() -> FastAPI:
    app = FastAPI()
    app.include_router(auth.router, prefix="/c2c")

    @app.get("/read", dependencies=[Depends(auth.require_read_only_access)])
    @app.get("/write", dependencies=[Depends(auth.require_read_write_access)])
    @app.get("/admin", dependencies=[Depends(auth.require_admin_access)])
    @app.get("/signed-in", dependencies=[Depends(auth.auth_required)])
    @app.get("/factory", dependencies=[Depends(auth.access(auth.AuthConfig(github_access_type="push")))])
    async def view() -> str:
        return "shown"

    @app.get("/context")
    async def in_context(context: Annotated[auth.AccessContext, Depends(auth.get_access_context)]) -> str:
        await context.require_access(
            auth.AuthConfig(github_repository="org/repo", github_access_type_read_write="push")
        )
        return "shown"

    return app


PROTECTED = ["/read", "/write", "/admin", "/signed-in", "/factory", "/context"]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.mark.parametrize("path", PROTECTED)
async def test_closed_by_default(client: httpx.AsyncClient, path: str) -> None:
    """Nothing configured: every protected view answers 403."""
    response = await client.get(path, headers={"X-API-Key": "None", "Authorization": "Bearer ghp_x"})
    assert response.status_code == 403
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize("way", ["header", "query"])
async def test_secret_opens(client: httpx.AsyncClient, path: str, way: str) -> None:
    """The secret is accepted in the header and in the query of every protected view."""
    config.settings = config.Settings(auth={"secret": SECRET})
    arguments = {"headers": {"X-API-Key": SECRET}} if way == "header" else {"params": {"secret": SECRET}}
    assert (await client.get(path, **arguments)).status_code == 200  # type: ignore[arg-type]  # table


@pytest.mark.parametrize("path", PROTECTED)
async def test_test_user_opens(client: httpx.AsyncClient, path: str) -> None:
    """The test user has all rights."""
    config.settings = config.Settings(auth={"test": {"username": "Someone"}})
    assert (await client.get(path)).status_code == 200


async def test_status_of_test_user(client: httpx.AsyncClient) -> None:
    config.settings = config.Settings(auth={"test": {"username": "Someone"}})
    assert (await client.get("/c2c/auth/status")).json() == {
        "is_logged_in": True,
        "user": {"login": "test", "display_name": "Someone", "url": "https://example.com"},
        "type": "test",
    }


async def test_status_of_nobody(client: httpx.AsyncClient) -> None:
    assert (await client.get("/c2c/auth/status")).json() == {
        "is_logged_in": False,
        "user": {"login": None, "display_name": None, "url": None},
        "type": "none",
    }
