"""The page for operators, rendered on the server, without JavaScript or requests to other hosts.

All links are relative, so that they work at any mount path, with any root path and behind any proxy.
"""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from c2casgiutils import auth, config, instances
from c2casgiutils.tools import (
    _level_form,
    _level_values,
    _overview,
    _pages,
    _process_rows,
    _views,
    _way_in,
)
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._level_form import Entered
from c2casgiutils.tools._pages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("")
_DURATIONS = (
    ("", "default"),
    ("10m", "10 minutes"),
    ("1h", "1 hour"),
    ("1d", "1 day"),
    ("7d", "7 days"),
    ("none", "no end"),
)


@router.get("/", name="c2c_index")
async def get_index(request: Request) -> Response:
    """Return the page; a browser whose URL contains the secret is redirected to one without it."""
    if "secret" in request.query_params and auth.prefers_html(request):
        return await auth.redirect_without_secret(request)
    return await _page(request)


@router.post("/", name="c2c_index_set_level")
async def post_index(request: Request) -> Response:
    """Do what a form of the page asks for; redirect to the page only on full success."""
    response = Response()
    try:
        auth_info = await auth.get_auth(request, response)
        await auth.require_read_write_access(auth_info, request, response)
        # Read the body only after the authorisation, so that anonymous callers cannot make us read one.
        form = await auth.forms.read(request)
    except HTTPException as error:
        message = Message("fail", "Not changed.", f"{error.detail}.")
        return await _page(request, message=message, status=error.status_code)
    entered = Entered.of(form)
    refusal = await _level_form.submit(entered, request=request, auth_info=auth_info)
    if refusal is None:
        result = "ended" if entered.is_end else "set"
        return RedirectResponse(f"?logger={quote(entered.name, safe='')}&result={result}#levels", 303)
    message, status = refusal
    return await _page(request, message=message, entered=entered, status=status)


async def _page(
    request: Request,
    *,
    message: Message | None = None,
    entered: Entered | None = None,
    status: int = 200,
) -> HTMLResponse:
    fields = _way_in.entry(request)
    entered = entered or Entered.of({"name": fields.get("logger", []), **fields})
    logger = entered.name if status == 200 else None  # noqa: PLR2004  # OK

    query = Query(request)
    sort = query.choice("sort", _process_rows.COLUMNS, "state")

    async def load(caller: Caller, summary: Summary) -> dict[str, Any]:
        if not caller.can_read:
            return {}
        overview = await _overview.collect(request, summary, sort=sort, logger=logger)
        return {
            "overview": overview,
            "is_cut_off": instances.is_cut_off(),
            "columns": _process_rows.COLUMNS,
            "now": _pages.now(),
            "message": message or _done(request, overview),
            "logger": entered.name[: _level_values.MAX_NAME_LENGTH],
            "entered": entered,
            "durations": _DURATIONS,
            "usual_seconds": config.settings.tools.logging.ttl.total_seconds(),
            "example": config.settings.tools.logging.application_module,
        }

    return await _pages.respond(
        request, _VIEW, "index.html", load, query=query, message=message, status=status
    )


def _done(request: Request, overview: _overview.Overview) -> Message | None:
    """Return what was done, after the redirect from the form; taken from the state, not from the URL."""
    logger, result = (request.query_params.get(name, "") for name in ("logger", "result"))
    if result not in ("set", "ended"):
        return None
    row = overview.levels.newest(logger)
    if result == "ended":
        asked = overview.levels.asked
        text = f"The logger {logger} has the level of the configuration."
        return Message("pass", "Done.", text) if row is None and asked is not None else None
    if row is None:
        return None
    where = "in every process" if row.is_of_cluster else f"in the process {row.override.scope} alone"
    if overview.levels.found.is_alone:
        where = "in this process alone"
    left = row.seconds_left
    end = "" if left is None else f" It ends in {_pages.duration(left)}."
    return Message("pass", "Done.", f"The level of {logger} was set to {row.override.level} {where}.{end}")
