"""The view of the databases: maintenance, pools, and the way to the statements that take the time."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from c2casgiutils import auth
from c2casgiutils.tools import _caller, _maintenance_form, _pages, _views, _way_in
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._databases import Databases
from c2casgiutils.tools._maintenance_form import Entered
from c2casgiutils.tools._pages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("database")
_DURATIONS = (
    ("none", "no end"),
    ("10m", "10 minutes"),
    ("1h", "1 hour"),
    ("1d", "1 day"),
    ("7d", "7 days"),
)


@router.get("/database", name="c2c_database")
async def get_database(request: Request) -> Response:
    """Return the view."""
    return await _respond(request)


@router.post("/database", name="c2c_database_change")
async def post_database(request: Request) -> Response:
    """Begin or end the maintenance; redirect to the view only on full success."""
    entered = Entered()
    caller = await _caller.caller_of(request, Response())
    try:
        auth_info = await auth.get_auth(request, Response())
        await auth.require_admin_access(auth_info, request, Response())
        entered = Entered.of(await auth.forms.read(request))
    except HTTPException as error:
        message = Message("fail", "Not changed.", f"{error.detail}.")
        return await _respond(request, caller=caller, message=message, status=error.status_code)
    refusal = await _maintenance_form.submit(entered, request=request)
    if refusal is None:
        return RedirectResponse("database?result=maintenance#maintenance", 303)
    message, status = refusal
    return await _respond(request, caller=caller, message=message, entered=entered, status=status)


async def _respond(
    request: Request,
    *,
    caller: Caller | None = None,
    message: Message | None = None,
    entered: Entered | None = None,
    status: int = 200,
) -> HTMLResponse:
    query = Query(request)
    is_done = query.choice("result", ("", "maintenance"), "") == "maintenance"

    async def load(_: Caller, __: Summary) -> dict[str, Any]:
        database = Databases.collect()
        done = _done(database) if is_done else None
        return {
            "database": database,
            "durations": _DURATIONS,
            "entered": entered or Entered.of(_way_in.entry(request)),
            **({"message": done} if done is not None else {}),
        }

    return await _pages.respond(
        request, _VIEW, "database.html", load, caller=caller, query=query, message=message, status=status
    )


def _done(database: Databases) -> Message:
    """Return what was done, after the redirect from the form; taken from the state, not from the URL."""
    is_on = database.maintenance is not None
    text = "The databases are in maintenance." if is_on else "The databases can be written."
    return Message("pass", "Done.", text)
