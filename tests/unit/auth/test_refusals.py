"""What who is not let through is told."""

import httpx
import pytest

from tests.support.auth import KEY, SECRET, configure

GITHUB = {"repository": "org/repo", "client_id": "i", "client_secret": "s"}
PATHS = [f"/c2c/{name}" for name in ("read", "write", "admin", "signed-in", "factory", "context", "audit")]


async def _detail(client: httpx.AsyncClient, path: str, **arguments: object) -> str:
    response = await client.get(path, **arguments)  # type: ignore[arg-type]  # passed on
    assert response.status_code == 403
    return str(response.json()["detail"])


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_configured(client: httpx.AsyncClient, path: str) -> None:
    """Without a sign-in nobody is asked to sign in: the answer names the settings instead."""
    for headers in ({}, {"X-API-Key": SECRET}, {"Authorization": "Bearer x"}):
        detail = await _detail(client, path, headers=headers)
        assert "Authentication is not configured" in detail
        assert "C2C__AUTH__SECRET" in detail


@pytest.mark.parametrize("path", PATHS)
async def test_without_the_secret(client: httpx.AsyncClient, path: str) -> None:
    """Who sends no secret is told how to send it."""
    configure(secret=SECRET)
    assert "X-API-Key" in await _detail(client, path)


WRONG: dict[str, dict[str, object]] = {
    "header": {"headers": {"X-API-Key": "wrong"}},
    "query": {"params": {"secret": "wrong"}},
    "empty": {"headers": {"X-API-Key": ""}},
    "twice": {"params": {"secret": [SECRET, SECRET]}},
    "other scheme": {"headers": {"X-API-Key": f"Bearer {SECRET}"}},
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
async def test_wrong_secret(client: httpx.AsyncClient, path: str, arguments: dict[str, object]) -> None:
    """Who sends a wrong secret is told so, and nothing of it is repeated."""
    configure(secret=SECRET)
    assert await _detail(client, path, **arguments) == "The secret is wrong"


async def test_wrong_secret_beside_a_session(client: httpx.AsyncClient) -> None:
    """The secret decides alone, and so does what is said."""
    configure(secret=SECRET)
    assert (await client.post("/c2c/auth/login", data={"secret": SECRET})).status_code == 200
    assert (await client.get("/c2c/read")).status_code == 200
    assert await _detail(client, "/c2c/read", headers={"X-API-Key": "wrong"}) == "The secret is wrong"


@pytest.mark.parametrize("path", PATHS)
async def test_github(client: httpx.AsyncClient, path: str) -> None:
    """In GitHub mode a secret is no way in, and is not called a wrong one."""
    configure(jwt={"secret": KEY}, github=GITHUB)
    for headers in ({}, {"X-API-Key": SECRET}):
        assert await _detail(client, path, headers=headers) == "Sign in with GitHub first"


@pytest.mark.parametrize("path", PATHS)
async def test_bearer_that_is_not_read(client: httpx.AsyncClient, path: str) -> None:
    """Who sends a bearer token where none is read is told which setting would read it."""
    configure(jwt={"secret": KEY}, github=GITHUB)
    detail = await _detail(client, path, headers={"Authorization": "Bearer gho_0123456789abcdef"})
    assert "C2C__AUTH__GITHUB__BEARER" in detail
    assert "gho_" not in detail


@pytest.mark.parametrize("path", PATHS)
async def test_wrong_bearer(client: httpx.AsyncClient, path: str) -> None:
    """Who sends what is no GitHub token is told so."""
    configure(jwt={"secret": KEY}, github={**GITHUB, "bearer": True})
    detail = await _detail(client, path, headers={"Authorization": "Bearer guessed"})
    assert detail == "The bearer token is wrong"
