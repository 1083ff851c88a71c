"""The page that shows which statements take the time, with the form that starts and ends the profiler."""

import dataclasses
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from c2casgiutils import db
from c2casgiutils.switches import SwitchReport
from c2casgiutils.tools import _forms, _pages, _sql_profiler, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._sql_profiler import ProfilerRequest
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("statements")
_MAX_ROWS = 100
_DURATIONS = (("5m", "5 minutes"), ("1m", "1 minute"), ("15m", "15 minutes"), ("1h", "1 hour"))
_PLANS = (
    ("", "no plans"),
    ("explain", "plans"),
    ("analyze", "plans, with queries that only read executed once more"),
)


@dataclasses.dataclass(frozen=True)
class Entered(_forms.Entered):
    """The fields of the form."""

    ttl: str = ""
    plans: str = ""
    end: str = ""

    def body(self) -> dict[str, str | bool]:
        """Return the JSON that starts to record as the button does."""
        fields: dict[str, str | bool] = {"ttl": self.ttl} if self.ttl else {}
        if self.plans:
            fields[self.plans] = True
        return fields


@router.get("/statements", name="c2c_statements")
async def get_statements(request: Request) -> Response:
    """Return the page."""
    return await _page(request)


@router.post("/statements", name="c2c_statements_change")
async def post_statements(request: Request) -> Response:
    """Start or end the profiler from the form of the page; redirect to it only on full success."""
    return await _forms.submit(request, Entered, _act, _page)


async def _act(request: Request, entered: Entered) -> Response:
    report = await _change(entered, request)
    if report.complete:
        return RedirectResponse("statements", 303)
    return await _page(request, message=_partly(report), entered=entered)


async def _change(entered: Entered, request: Request) -> SwitchReport:
    if entered.end not in ("", "1"):
        raise HTTPException(422, "end must be 1, or absent to start")
    if entered.end:
        return await _sql_profiler.end(request=request)
    return (await _sql_profiler.start(ProfilerRequest.model_validate(entered.body()), request=request)).report


def _partly(report: SwitchReport) -> Message:
    text = (
        f"{report.applied} of {report.alive} processes confirmed it. The others follow within one heartbeat."
    )
    return Message("warn", "Partly done.", text)


async def _page(
    request: Request, *, message: Message | None = None, entered: Entered | None = None, status: int = 200
) -> HTMLResponse:
    query = Query(request)
    if entered is None:
        ttl = query.field("ttl", ProfilerRequest) or _DURATIONS[0][0]
        entered = Entered(ttl, query.choice("plans", dict(_PLANS), ""))

    async def load(_: Caller, __: Summary) -> dict[str, Any]:
        profile = await db.profiler().read()
        report = profile.report
        silent = [*report.missing, *report.failed]
        return {
            "is_live": False,
            "profile": profile,
            "statements": profile.statements[:_MAX_ROWS],
            "more": max(0, len(profile.statements) - _MAX_ROWS),
            "silent": [f"{process.pid} on {process.hostname}" for process in silent],
            "is_stale": report.roster == "stale",
            "durations": _DURATIONS,
            "plans": _PLANS,
            "entered": entered,
        }

    return await _pages.respond(
        request, _VIEW, "statements.html", load, query=query, message=message, status=status
    )
