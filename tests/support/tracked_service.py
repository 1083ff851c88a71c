"""A service that is called by another one, and tells what it got."""

import logging

from fastapi import FastAPI, Request, Response

import c2casgiutils
from c2casgiutils import request_tracking

_LOGGER = logging.getLogger(__name__)
app = FastAPI()
c2casgiutils.install(app)


@app.get("/")
async def show(request: Request) -> dict[str, object]:
    """What came: the id, the trace and the headers as they were sent."""
    _LOGGER.info("asked")
    return {
        "id": request_tracking.current_request_id(),
        "trace_id": request_tracking.current_trace_id(),
        "headers": [(name, value) for name, value in request.headers.items()],
    }


@app.get("/status/{status}")
async def answer(status: int) -> Response:
    return Response(status_code=status)


@app.get("/redirect")
async def redirect() -> Response:
    return Response(status_code=302, headers={"Location": "/status/200"})
