"""The view that collects what the report of an incident needs."""

import datetime

from fastapi import APIRouter, Request, Response

from c2casgiutils import auth, debug, health_checks
from c2casgiutils.tools import (
    _debug_access,
    _debug_exchanges,
    _debug_loop,
    _debug_runtime,
    _debug_settings,
    _debug_stacks,
    _events,
    _instances,
    logging_,
)
from c2casgiutils.tools._debug_cluster import ALL

router = APIRouter(tags=["debug"], dependencies=_debug_access.ADMIN)

_ARCHIVE = "application/zip"
_MAX_EVENTS = 100


async def _audit() -> dict[str, object]:
    scope, events = await auth.audit.last(_MAX_EVENTS)
    return {"scope": scope, "events": events}


_PARTS: dict[str, debug.Part] = {
    "instances": _instances.get_instances,
    "health": lambda: health_checks.matrix(history=True),
    "levels": logging_.get_overrides,
    "stacks": lambda: _debug_stacks.get_stacks(ALL),
    "loop": lambda: _debug_loop.get_loop(ALL),
    "exchanges": lambda: _debug_exchanges.find("", "", 0.0, _debug_exchanges.MAX_SHOWN),
    "settings": _debug_settings.get_settings,
    "versions": _debug_settings.get_versions,
    "runtime": lambda: _debug_runtime.get_runtime(ALL),
    "audit": _audit,
    "events": lambda: _events.collect(with_names=True),
}


@router.post(
    "/dump",
    name="c2c_debug_dump",
    response_class=Response,
    responses={
        200: {"content": {_ARCHIVE: {}}, "description": "A ZIP archive of JSON files."},
        409: {"description": "This process already makes one."},
    },
)
async def post_dump(request: Request) -> Response:
    """Return one archive of what other views show: health, levels, stacks, requests, settings, and more."""
    with debug.dumps().held():
        async with auth.audit.recorded("debug.dump", request=request) as record:
            archive, missing = await debug.dump(_PARTS)
            record.result = "partial" if missing else "ok"
    name = f"dump-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}.zip"
    return Response(
        archive, media_type=_ARCHIVE, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
