"""Row 2: `AuthConfig` from values that may be empty, with further keys, and changed later."""

import os
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI

import c2casgiutils
from c2casgiutils import auth
from tests.support.auth import SECRET, configure, make_client

app = FastAPI()
app.mount("/c2c", c2casgiutils.app)


@app.get("/from-environment")
async def from_environment(context: Annotated[auth.AccessContext, Depends(auth.get_access_context)]) -> str:
    names = ("github_repository", "github_access_type_read_write")
    values = {name: os.environ.get(f"APPLICATION_{name.upper()}", "") for name in names}
    auth_config = auth.AuthConfig(**values, comment="read by nobody")
    auth_config.github_access_type_admin = "admin"
    await context.require_access(auth_config)
    return "shown"


@pytest.mark.parametrize("repository", ["", "org/repo"])
async def test_page_is_shown(monkeypatch: pytest.MonkeyPatch, repository: str) -> None:
    """The page answers, whether the repository is set or not."""
    monkeypatch.setenv("APPLICATION_GITHUB_REPOSITORY", repository)
    configure(secret=SECRET)
    async with c2casgiutils.lifespan(app), make_client(app) as client:
        assert (await client.get("/from-environment")).status_code == 403
        shown = await client.get("/from-environment", headers={"X-API-Key": SECRET})
        assert (shown.status_code, shown.json()) == (200, "shown")
