"""An application with much to log, run under uvicorn by the tests."""

import asyncio
import logging
import os

from fastapi import FastAPI, HTTPException

import c2casgiutils

app = FastAPI()
c2casgiutils.install(app)
_LOGGER = logging.getLogger("shop.orders")
_OTHER = logging.getLogger("library.client")


@app.get("/work")
async def work(text: str = "work", lines: int = 1) -> int:
    for number in range(lines):
        _LOGGER.debug("%s %s", text, number)
    _LOGGER.warning("%s is done", text)
    await asyncio.sleep(0)
    return os.getpid()


@app.get("/in-thread")
def in_thread() -> int:
    """Run in a thread, with a logger that has a handler of its own and a level."""
    _OTHER.debug("token=%s", "hunter2-hunter2")
    return os.getpid()


@app.get("/fails")
async def fails() -> None:
    try:
        int("none")
    except ValueError:
        _LOGGER.exception("it failed")
    raise HTTPException(500)


@app.get("/breaks")
async def breaks() -> None:
    """Fail with an exception that nobody handles."""
    raise RuntimeError("it broke")
