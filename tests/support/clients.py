"""A client of an application that runs in the process of the test."""

import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from tests.support.auth import SECRET


@contextlib.asynccontextmanager
async def signed_in(
    operations: FastAPI, redis_url: str, *, raise_app_exceptions: bool = True
) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application with Redis, and yield an administrator of it.

    Args:
        operations: What is mounted.
        redis_url: The Redis of the service.
        raise_app_exceptions: Raise them in the test, instead of the answer that a server sends.
    """
    config.settings.auth = config.settings.auth.model_copy(update={"secret": SECRET})
    config.settings.redis.url = redis_url
    main = FastAPI()
    main.mount("/c2c", operations)
    async with (
        c2casgiutils.lifespan(main),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(main, raise_app_exceptions=raise_app_exceptions),
            base_url="http://testserver/c2c/",
            headers={"X-API-Key": SECRET},
            timeout=60,
        ) as client,
    ):
        yield client
