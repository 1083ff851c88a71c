"""An application that logs, fails and has probes."""

import logging
import warnings

from fastapi import FastAPI, Response

from c2casgiutils.request_tracking import CURRENT, RequestContext

_LOGGER = logging.getLogger("my_app.views")
app = FastAPI()


@app.get("/")
async def root(secret: str = "") -> dict[str, str]:
    CURRENT.set(RequestContext("the id"))
    _LOGGER.info("asked\nfor /?secret=%s", secret, extra={"more": {"a": "b"}})
    _LOGGER.debug("details")
    logging.getLogger("sqlalchemy.engine").info("SELECT 1")
    logging.getLogger("other").info("chatter")
    _LOGGER.info("%d", "not a number")
    warnings.warn("an old way", DeprecationWarning, stacklevel=1)
    return {}


@app.get("/boom")
async def boom() -> None:
    raise RuntimeError("https://h/?token=hunter2")


@app.get("/c2c/readyz")
async def readyz(status: int = 200) -> Response:
    return Response(status_code=status)
