"""The diagnostic views of the clock and of the request."""

import datetime
import time
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from c2casgiutils.tools import _debug_access, headers

router = APIRouter(tags=["debug"])

_BODYLESS = frozenset((HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED))
_Status = Annotated[int, Query(ge=200, le=599, description="The status of the answer.")]


class TimeResponse(BaseModel):
    """The clock of the process."""

    local_time: datetime.datetime
    gmt_time: datetime.datetime
    epoch: float = Field(description="Seconds since 1970")
    timezone: str


@router.get("/time", name="c2c_debug_time")
def get_time() -> TimeResponse:
    """Return the time and the time zone of the process."""
    epoch = time.time()
    now = datetime.datetime.fromtimestamp(epoch, tz=datetime.UTC)
    local = now.astimezone()
    return TimeResponse(local_time=local, gmt_time=now, epoch=epoch, timezone=local.tzname() or "")


@router.get(
    "/headers",
    name="c2c_debug_headers",
    dependencies=_debug_access.ADMIN,
    response_model=headers.HeadersResponse,
)
def get_headers(request: Request, status: _Status = 200) -> Response:
    """Return the request as the application receives it, on demand with another status."""
    if status in _BODYLESS:
        return Response(status_code=status)
    return JSONResponse(headers.describe(request).model_dump(mode="json"), status)
