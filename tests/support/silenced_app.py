"""An application whose process runs an `env.py` of `alembic init`: `tests.support.silenced_app:app`."""

import contextlib
import logging.config
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI

import c2casgiutils


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with c2casgiutils.lifespan(app):
        if "TEST_LOG_FILE_CONFIG" in os.environ:
            logging.config.fileConfig(os.environ["TEST_LOG_FILE_CONFIG"])
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/c2c", c2casgiutils.app)
