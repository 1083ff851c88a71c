"""The application that runs in each process of the soak test: `tests.soak.application:app`."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

import c2casgiutils
from c2casgiutils import broadcast
from tests.soak.names import LEVELS, LOGGERS

_CHANNEL = "soak"
_TIMEOUT_SECONDS = 2

for number in range(LEVELS):
    logging.addLevelName(1000 + number, f"SOAK{number}")
for name in LOGGERS:
    logging.getLogger(name)


async def _pid() -> int:
    return os.getpid()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await broadcast.subscribe(_CHANNEL, _pid)
    yield


app = FastAPI(lifespan=_lifespan)
c2casgiutils.install(app, metrics_port=False)


@app.get("/")
async def root() -> int:
    return os.getpid()


@app.get("/ask")
async def ask() -> dict[str, Any]:
    """Ask every process for its pid."""
    try:
        reply = await broadcast.ask(_CHANNEL, _pid, timeout=_TIMEOUT_SECONDS)
    except broadcast.BroadcastUnavailable as error:
        raise HTTPException(503, str(error)) from error
    return {"pids": reply.payloads, "cluster": reply.report.model_dump(mode="json")}
