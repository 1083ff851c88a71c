"""A service that logs, calls another one, broadcasts, and may fail."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import BackgroundTasks, FastAPI

import c2casgiutils
from c2casgiutils import broadcast, request_tracking

_LOGGER = logging.getLogger("my_app")


async def handle() -> int:
    """Log in each process."""
    _LOGGER.info("handler")
    return os.getpid()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Subscribe."""
    await broadcast.subscribe("work", handle)
    yield


app = FastAPI(lifespan=lifespan)
c2casgiutils.install(app)
other_service = request_tracking.async_client(base_url=os.environ["OTHER_SERVICE"])


@app.get("/work")
async def work(tasks: BackgroundTasks, fail: bool = False) -> dict[str, Any]:
    """Do all that a request may do, and log each step."""
    _LOGGER.info("endpoint")
    other = (await other_service.get("/")).json()
    await asyncio.to_thread(_LOGGER.info, "thread")
    tasks.add_task(_LOGGER.info, "background")
    answers = await broadcast.broadcast("work", expect_answers=True)
    if fail:
        raise RuntimeError("boom")
    pids = [answer.payload for answer in answers or [] if isinstance(answer, broadcast.BroadcastResponse)]
    return {"other": other["id"], "pids": pids}


@app.get("/ping")
def ping() -> None:
    """Log in a thread of the pool."""
    _LOGGER.info("ping")
