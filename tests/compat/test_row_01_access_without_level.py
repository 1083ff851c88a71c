"""Row 1: `AuthConfig` without a level, which applications use as "is an administrator"."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI

import c2casgiutils
from c2casgiutils import auth
from tests.support.auth import KEY, configure, github_sign_in, make_client
from tests.support.fake_github import FakeGitHub, Repository

CallerInfo = Annotated[auth.AuthInfo, Depends(auth.get_auth)]
Context = Annotated[auth.AccessContext, Depends(auth.get_access_context)]

app = FastAPI()
app.mount("/c2c", c2casgiutils.app)


@app.get("/c2c-application/is-admin")
async def is_admin(auth_info: CallerInfo) -> bool:
    return await auth.check_access(auth_info, auth.AuthConfig())


@app.get("/c2c-application/is-admin-in-context")
async def is_admin_in_context(context: Context) -> bool:
    return await context.check_access(auth.AuthConfig())


@app.get("/c2c-application/other")
async def other(auth_info: CallerInfo) -> bool:
    return await auth.check_access(auth_info, auth.AuthConfig(github_repository="org/other"))


@app.get("/c2c-application/config")
async def config(auth_info: CallerInfo) -> bool:
    return await auth.check_access_config(auth_info, auth.AuthConfig())


@app.get("/c2c-application/may-push")
async def may_push(auth_info: CallerInfo) -> bool:
    return await auth.check_access(auth_info, auth.AuthConfig(github_access_type="push"))


@app.get("/c2c-application/delete-everything")
async def delete_everything(context: Context) -> str:
    await context.require_access(auth.AuthConfig())
    return "deleted"


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        yield server


@pytest.fixture
async def client(github: FakeGitHub) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the application, whose session cookie its own views get too."""
    configure(jwt={"secret": KEY, "cookie": {"path": "/"}}, github=github.settings())
    async with c2casgiutils.lifespan(app), make_client(app) as client:
        yield client


ROLES: dict[str, list[str]] = {
    "nobody": [],
    "reader": ["pull"],
    "writer": ["pull", "push"],
    "administrator": ["pull", "push", "admin"],
}


@pytest.mark.parametrize("role", ROLES)
async def test_administrators_only(client: httpx.AsyncClient, github: FakeGitHub, role: str) -> None:
    """Without a level nobody but an administrator of the configured repository is let through."""
    github.repositories["org/repo"] = Repository(permissions={"octocat": ROLES[role]})
    github.repositories["org/other"] = Repository(permissions={"octocat": ROLES["administrator"]})
    await github_sign_in(client)

    async def ask(question: str) -> object:
        return (await client.get(f"/c2c-application/{question}")).json()

    is_administrator = role == "administrator"
    assert await ask("is-admin") is is_administrator
    assert await ask("is-admin-in-context") is is_administrator
    assert await ask("other") is is_administrator
    assert await ask("config") is False
    assert await ask("may-push") is (role in ("writer", "administrator"))
    deleted = await client.get("/c2c-application/delete-everything")
    assert deleted.status_code == (200 if is_administrator else 403)
