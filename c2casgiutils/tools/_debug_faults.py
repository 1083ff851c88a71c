"""The diagnostic views that misbehave on demand, to test time-outs and the handling of errors."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from c2casgiutils import debug
from c2casgiutils.tools import _debug_access

router = APIRouter(tags=["debug"], dependencies=_debug_access.ENABLED)

_MAX_SECONDS = 30
_TEXT = "Test"


@router.get(
    "/sleep",
    name="c2c_debug_sleep",
    status_code=204,
    responses={409: {"description": "Five requests already sleep in this process."}},
)
async def get_sleep(
    time: Annotated[float, Query(ge=0, le=_MAX_SECONDS, allow_inf_nan=False, description="In seconds.")],
) -> Response:
    """Answer after some time, without occupying a thread."""
    with debug.sleepers().held():
        await asyncio.sleep(time)
    return Response(status_code=204)


@router.get("/error", name="c2c_debug_error", response_model=None)
async def get_error(
    status: Annotated[int, Query(ge=400, le=599, description="The status of the answer.")] = 500,
    unhandled: Annotated[bool, Query(description="Raise an exception that nothing handles.")] = False,
) -> None:
    """Answer with an error.

    Raises:
        HTTPException: With the status.
        RuntimeError: With `unhandled`.
    """
    if unhandled:
        raise RuntimeError(_TEXT)
    raise HTTPException(status, _TEXT)
