from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from c2casgiutils._app import create_app

SECRET = "s3cret-of-the-test"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that mounts ours at `/c2c`, signed in by the shared secret."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    main = FastAPI(title="The service")
    main.mount("/c2c", create_app())
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
