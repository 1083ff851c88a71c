"""Row 8: code that uses the texts of a user without asking whether they are there."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI

import c2casgiutils
from c2casgiutils import auth
from tests.support.auth import SECRET, configure, make_client

app = FastAPI()
app.mount("/c2c", c2casgiutils.app)


@app.get("/greeting")
async def greeting(auth_info: Annotated[auth.AuthInfo, Depends(auth.get_auth)]) -> str:
    user = auth_info.user
    return f"{user.login.upper()}|{user.display_name.strip()}|{user.url.lower()}|{user.token.strip()}"


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": SECRET}], ids=["nobody", "secret"])
async def test_texts_are_empty(headers: dict[str, str]) -> None:
    """Who signs in with the secret, and who does not sign in, has empty texts."""
    configure(secret=SECRET)
    async with c2casgiutils.lifespan(app), make_client(app, headers=headers) as client:
        assert (await client.get("/greeting")).json() == "|||"
        status = (await client.get("/c2c/auth/status")).json()
        assert status["user"] == {"login": "", "display_name": "", "url": ""}


def test_texts_of_a_session_are_empty() -> None:
    """A payload that an application makes by itself has empty texts too."""
    payload = auth.GitHubSessionPayload()
    texts = (payload.login, payload.display_name, payload.url, payload.access_token, payload.refresh_token)
    assert texts == ("",) * 5
