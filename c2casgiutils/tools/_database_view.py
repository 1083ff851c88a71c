"""The view of the databases: maintenance, pools, and the way to the statements that take the time."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from c2casgiutils import switches
from c2casgiutils._names import listed
from c2casgiutils.tools import _attention, _forms, _maintenance, _maintenance_form, _pages, _summary, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._databases import Databases
from c2casgiutils.tools._maintenance import MaintenanceChange, MaintenanceReply
from c2casgiutils.tools._maintenance_form import Entered
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("database")
_MAX_NAMED = 10
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
    if "result" in request.query_params:  # of a change that the last second's roster does not have yet
        _summary.forget(at_once=False)
    return await _respond(request)


@router.post("/database", name="c2c_database_change")
async def post_database(request: Request) -> Response:
    """Begin or end the maintenance; redirect to the view only on full success."""
    return await _forms.submit(request, Entered, _change, _respond)


async def _change(request: Request, entered: Entered) -> Response:
    refusal = await _maintenance_form.submit(entered, request=request)
    _summary.forget(at_once=True)
    if refusal is None:
        return RedirectResponse("database?result=maintenance#maintenance", 303)
    message, status = refusal
    return await _respond(request, message=message, entered=entered, status=status)


async def _respond(
    request: Request,
    *,
    message: Message | None = None,
    entered: Entered | None = None,
    status: int = 200,
) -> HTMLResponse:
    query = Query(request)
    if entered is None:
        ttl = query.field("ttl", MaintenanceChange, also=(_maintenance_form.NO_END,))
        entered = Entered(ttl, query.field("reason", MaintenanceChange))
    is_done = query.choice("result", ("", "maintenance"), "") == "maintenance"

    async def load(_: Caller, summary: Summary) -> dict[str, Any]:
        # the heartbeats of the others may be older than a change that somebody just made
        reply = await _maintenance.get_maintenance() if is_done else None
        database = Databases.collect()
        unsure = _unsure(summary) if reply is None else _unlike(reply, summary)
        return {
            "unsure": unsure,
            "database": database,
            "durations": _DURATIONS,
            "entered": entered,
            **({"message": _done(database, unsure), "is_live": False} if is_done else {}),
        }

    return await _pages.respond(
        request, _VIEW, "database.html", load, query=query, message=message, status=status
    )


def _unsure(summary: Summary) -> str:
    """Return of which processes it is not known whether they have the last change, in words."""
    version = switches.version()
    found = [
        f"{_attention.name_of(one)} ({one.liveness if one.liveness != 'ok' else 'not yet'})"
        for one in summary.roster
        if one.liveness != "ok" or (one.applied is not None and one.applied < version)
    ]
    return listed(found, most=_MAX_NAMED)


def _unlike(reply: MaintenanceReply, summary: Summary) -> str:
    """Return the processes that did not say that they have what the one that answers has, in words."""
    names = {one.id: _attention.name_of(one) for one in summary.roster}
    silent = [*reply.cluster.missing, *reply.cluster.failed]
    found = [
        *(
            f"{names.get(one.id, one.id)} (not yet)"
            for one in reply.processes
            if one.readonly != reply.readonly
        ),
        *(f"{one.pid or 'unknown'} on {one.hostname or 'unknown'} (no answer)" for one in silent),
        *(f"{one.pid} on {one.hostname} (lost)" for one in reply.cluster.lost),
    ]
    if not found and not reply.cluster.complete:
        return "processes that cannot be seen"
    return listed(found, most=_MAX_NAMED)


def _done(database: Databases, unsure: str) -> Message:
    """Return what was done, after the redirect from the form; taken from the state, not from the URL."""
    is_on = database.maintenance is not None
    if unsure:
        state = "read-only" if is_on else "writable"
        return Message("warn", "Partly done.", f"Not known to be {state} in {unsure}.")
    text = "The databases are in maintenance." if is_on else "The databases can be written."
    return Message("pass", "Done.", text)
