"""An application with checks, run under uvicorn by the tests."""

import asyncio
import logging
import os

from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import health_checks, request_tracking
from c2casgiutils.health_checks import FACTORY, Check, Result

logging.basicConfig(format="%(created)f %(message)s")
app = FastAPI(lifespan=c2casgiutils.lifespan)
app.mount("/c2c", c2casgiutils.app)
app.add_middleware(request_tracking.RequestTrackingMiddleware, server_timing=True)
health_checks.probes(app)


class Fine(Check):
    """Good."""

    async def check(self) -> Result:
        return Result()


class Slow(Check):
    """As slow as a test wants it in one process."""

    seconds = 0.0

    async def check(self) -> Result:
        await asyncio.sleep(self.seconds)
        return Result()


FACTORY.add(Fine(), groups=["ready"])
FACTORY.add(Slow(), timeout=0.5, severity="degrading")


@app.get("/")
async def root() -> int:
    return os.getpid()


@app.get("/work")
async def work(seconds: float = 0.05) -> int:
    await asyncio.sleep(seconds)
    return os.getpid()


@app.post("/slow")
async def slow(seconds: float) -> None:
    Slow.seconds = seconds
