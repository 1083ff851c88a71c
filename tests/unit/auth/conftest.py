"""Fixtures of the tests of the authentication."""

from collections.abc import AsyncIterator

import httpx
import pytest

from c2casgiutils import auth
from tests.support.auth import forget_all, make_app, make_client


@pytest.fixture(autouse=True)
async def _fresh() -> AsyncIterator[None]:
    """Nothing of an earlier test is remembered, all that was opened is closed."""
    forget_all()
    yield
    await auth.shutdown()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A browser-like client of an application with protected views."""
    async with make_client(make_app()) as client:
        yield client
