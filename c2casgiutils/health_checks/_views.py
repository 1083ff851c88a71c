"""The HTTP views."""

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from c2casgiutils.health_checks import _access
from c2casgiutils.health_checks._factory import FACTORY, outcomes, summary
from c2casgiutils.health_checks._model import GlobalResult

router = APIRouter()
"""`/`, with and without the slash: include it with a prefix such as `/health`."""
mount_router = APIRouter()
"""The views that stand beside `/health/` in the mounted application."""

_NO_STORE = "no-cache, no-store"
_BODILESS = {204, 205, 304}


async def health_checks(
    request: Request,
    response: Response,
    name: Annotated[str | None, Query(description="The name of one check")] = None,
    tags: Annotated[
        str | None, Query(description="Comma-separated tags, of which a check must have one")
    ] = None,
) -> GlobalResult:
    """The state of the selected checks; the status code is that of the worst one."""
    started = time.monotonic()
    details = await _access.may_see_details(request, response)
    result = summary(await outcomes(FACTORY.select(name, tags)), started, details=details)
    response.headers["Cache-Control"] = _NO_STORE
    response.status_code = 200 if result.status_code in _BODILESS else result.status_code
    return result


def _add(target: APIRouter, *paths: str) -> None:
    for number, path in enumerate(paths):
        target.add_api_route(
            path, health_checks, methods=["GET"], name="c2c_health_checks", include_in_schema=not number
        )
        target.add_api_route(
            path, health_checks, methods=["HEAD"], name="c2c_health_checks", include_in_schema=False
        )


_add(router, "/", "")
_add(mount_router, "/health_checks", "/health_checks/")
