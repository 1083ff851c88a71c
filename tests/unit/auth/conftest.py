"""Fixtures of the tests of the authentication."""

from collections.abc import AsyncIterator

import httpx
import pytest

from c2casgiutils import auth
from tests.support.auth import make_app, make_client


@pytest.fixture(autouse=True)
async def _fresh() -> AsyncIterator[None]:
    """All that a test opened is closed; what it left in memory belonged to its event loop."""
    yield
    await auth.shutdown()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A browser-like client of an application with protected views."""
    async with make_client(make_app()) as client:
        yield client
