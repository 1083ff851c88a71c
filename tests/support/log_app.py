"""An application that logs a lot, for tests of all servers."""

import asyncio
import logging
import os
import warnings

from fastapi import FastAPI

from c2casgiutils import install

_LOGGER = logging.getLogger(__name__)
app = FastAPI()
install(app)


@app.get("/items/{item}")
async def read(item: int, secret: str = "") -> None:
    _LOGGER.info("asked for %d with /?secret=%s", item, secret, extra={"item": item})
    _LOGGER.debug("details")


@app.get("/long/{item}")
async def read_long(item: int) -> None:
    _LOGGER.info("%s", f"{item} " * 10_000)


@app.get("/boom/{item}")
async def boom(item: int) -> None:
    warnings.warn("an old way", DeprecationWarning, stacklevel=1)
    raise RuntimeError(f"{item} " * 1000)


@app.get("/slow")
async def slow(seconds: float) -> int:
    _LOGGER.info("begun")
    await asyncio.sleep(seconds)
    return os.getpid()
