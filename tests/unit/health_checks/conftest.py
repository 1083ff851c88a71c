from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from c2casgiutils import health_checks


@pytest.fixture(autouse=True)
def _no_checks() -> Iterator[None]:
    """Each test starts and ends without registered checks."""
    health_checks.FACTORY.clear()
    yield
    health_checks.FACTORY.clear()


@pytest.fixture
def app() -> FastAPI:
    """An application of somebody that includes the router."""
    app = FastAPI()
    app.include_router(health_checks.router, prefix="/health")
    app.include_router(health_checks.mount_router)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    await health_checks.shutdown()
