"""The level of the root logger, which can hide the warnings of everything."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from c2casgiutils._app import create_app
from tests.support.auth import KEY
from tests.support.fake_github import FakeGitHub, Repository


@pytest.fixture
async def callers() -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """One client for each permission on the repository."""
    with FakeGitHub() as github:
        github.users = {name: {"login": name} for name in ("push", "admin")}
        github.repositories = {"org/repo": Repository(permissions={name: [name] for name in github.users})}
        config.settings = config.Settings(
            auth={"jwt": {"secret": KEY}, "github": github.settings(bearer=True)}
        )
        app = FastAPI()
        app.mount("/c2c", create_app())
        async with c2casgiutils.lifespan(app):
            yield {
                name: httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://testserver/c2c",
                    headers={"Authorization": f"Bearer {github.token(name)}"},
                )
                for name in github.users
            }


CASES = {
    ("push", "root", "ERROR"): 403,
    ("push", "root", "critical"): 403,
    ("push", "root", "WARNING"): 200,
    ("push", "root", "DEBUG"): 200,
    ("push", "some.module", "CRITICAL"): 200,
    ("admin", "root", "CRITICAL"): 200,
}


@pytest.mark.parametrize("case", CASES, ids=" ".join)
@pytest.mark.parametrize("way", ["view", "page"])
async def test_root_above_warning_needs_admin(
    callers: dict[str, httpx.AsyncClient], case: tuple[str, str, str], way: str
) -> None:
    """Push rights set any other level, and this one neither in the view nor on the page."""
    login, name, level = case
    before = logging.root.level
    body = {"name": name, "level": level}
    if way == "view":
        answer = await callers[login].post("/logging/level", json=body)
        expected = CASES[case]
    else:
        answer = await callers[login].post("/", data=body)
        expected = 303 if CASES[case] == 200 else 403
    assert answer.status_code == expected
    if expected == 403:
        assert "requires the admin level" in answer.text
        assert logging.root.level == before
    else:
        assert logging.getLevelName(logging.getLogger(name).level) == level
