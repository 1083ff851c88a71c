"""Fixtures of the tests against the fake GitHub and Redis."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from c2casgiutils import auth, redis_utils
from tests.support.auth import KEY, configure, make_app, make_client
from tests.support.fake_github import FakeGitHub


@pytest.fixture(autouse=True)
async def _fresh() -> AsyncIterator[None]:
    """All that a test opened is closed; what it left in memory belonged to its event loop."""
    yield
    await auth.shutdown()
    await redis_utils.aclose()


@pytest.fixture(scope="session")
def _session_github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def github(_session_github: FakeGitHub) -> FakeGitHub:
    """A fake GitHub as it is at first, and the settings that sign in there."""
    _session_github.reset()
    configure(jwt={"secret": KEY}, github=_session_github.settings())
    return _session_github


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A browser-like client of an application with protected views."""
    async with make_client(make_app()) as client:
        yield client
