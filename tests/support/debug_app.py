"""An application whose routes block its event loop in several ways."""

import os
import time

from fastapi import FastAPI

import c2casgiutils

app = FastAPI(title="blocked now and then")
c2casgiutils.install(app, logging=False)


@app.get("/")
async def pid() -> int:
    return os.getpid()


def compute(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@app.get("/busy/{seconds}")
async def busy(seconds: float) -> None:
    compute(seconds)


@app.get("/asleep/{seconds}")
async def asleep(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251  # what the tests are about


@app.get("/held/{numbers}")
async def held(numbers: int) -> None:
    """Holds the GIL all the time."""
    sum(range(numbers))
