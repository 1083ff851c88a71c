"""The view of the last requests, or of the lines that a followed request logs."""

import dataclasses
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from c2casgiutils import debug, follow
from c2casgiutils.tools import _attention, _debug_exchanges, _follow, _forms, _pages, _summary, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._debug_cluster import ALL, SELF
from c2casgiutils.tools._follow import FollowReply, FollowRequest
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("requests")
_STATUSES = (
    ("", "any status"),
    ("5xx", "5xx"),
    ("4xx", "4xx"),
    ("3xx", "3xx"),
    ("2xx", "2xx"),
)
_LIMITS = tuple((limit, limit) for limit in ("100", "200", "500"))
_LIMIT = "[1-9][0-9]?|[1-4][0-9]{2}|500"
_MAX_LINES = 200
_LEVELS = tuple((name, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR"))
_DURATIONS = (("10m", "10 minutes"), ("1m", "1 minute"), ("1h", "1 hour"))


@dataclasses.dataclass(frozen=True)
class Entered(_forms.Entered):
    """The fields of the form that starts to follow requests, or ends it."""

    logger: str = ""
    level: str = "DEBUG"
    ttl: str = "10m"
    end: str = ""

    def body(self) -> dict[str, str]:
        """Return the JSON that starts to follow as the button does."""
        given = {"ttl": self.ttl, "level": self.level, "logger": self.logger}
        return {name: text for name, text in given.items() if text}


@router.get("/requests", name="c2c_requests")
async def get_requests(request: Request) -> Response:
    """Return the view."""
    return await _respond(request)


@router.post("/requests", name="c2c_requests_follow")
async def post_requests(request: Request) -> Response:
    """Start or end to follow requests; the token is shown in this answer alone."""
    return await _forms.submit(request, Entered, _act, _respond)


async def _act(request: Request, entered: Entered) -> Response:
    if entered.end:
        await _follow.delete_follow(request, await _follow.known(entered.end))
        return RedirectResponse("requests", 303)
    wanted = FollowRequest.model_validate(entered.body())
    started = await _follow.post_follow(request, wanted)
    return await _respond(request, entered=entered, started=started)


async def _respond(
    request: Request,
    *,
    entered: Entered | None = None,
    started: FollowReply | None = None,
    message: Message | None = None,
    status: int = 200,
) -> HTMLResponse:
    query = Query(request)
    if entered is None:
        entered = Entered.of(
            {name: [query.field(name, FollowRequest)] for name in ("level", "logger", "ttl")}
        )
    wanted: dict[str, Any] = {
        "status": query.matching("status", debug.STATUS_PATTERN, "503, or 5xx for a whole class"),
        "route": query.text("route"),
        "min_ms": query.number("min_ms", default=0, least=0),
        "limit": int(query.matching("limit", _LIMIT, "a whole number from 1 to 500") or _LIMITS[0][0]),
        "instance": query.text("instance", max_length=500) or ALL,
    }
    followed = started.id if started is not None else query.text("follow")
    view = _VIEW
    if followed:
        lines = f"logging/follow/{quote(followed, safe='')}?after="
        view = dataclasses.replace(_VIEW, twin=lines, twin_query={})

    async def load(_: Caller, summary: Summary) -> dict[str, Any]:
        common = {"levels": _LEVELS, "durations": _DURATIONS, "entered": entered, "started": started}
        if followed:  # this is refreshed, so nothing is asked of all processes
            return {**common, "followed": followed, **await _lines(followed, query)}
        found = await _find(wanted, summary, query)
        return {
            **common,
            "is_live": False,
            "query": wanted,
            "exchanges": [] if found is None else found.exchanges,
            "report": None if found is None else found.cluster,
            "statuses": _with_own(_STATUSES, wanted["status"]),
            "processes": _with_own(
                [(ALL, "all"), *((one.id, _attention.name_of_id(one.id)) for one in summary.processes)],
                wanted["instance"],
            ),
            "limits": _with_own(_LIMITS, str(wanted["limit"])),
        }

    return await _pages.respond(
        request, view, "requests.html", load, query=query, message=message, status=status
    )


async def _find(
    wanted: dict[str, Any], summary: Summary, query: Query
) -> _debug_exchanges.ExchangesResponse | None:
    """Return the requests, none with a note if the process that is asked for is not there."""
    id_ = wanted["instance"]
    _, trouble, status = ("", "", 0) if id_ in (ALL, SELF) else _summary.find_process(summary, id_)
    if trouble:
        query.fail(trouble, status)
        return None
    try:
        return await _debug_exchanges.find(**wanted)
    except HTTPException as error:  # it is lost, or left just now
        query.fail(str(error.detail), error.status_code)
        return None


async def _lines(followed: str, query: Query) -> dict[str, Any]:
    """Return the last lines of a follow; of one that has ended those that are still kept, with a note."""
    follow.leave_out()  # a browser may have the cookie: each refresh would add lines
    is_active, lines = True, []
    try:
        await _follow.known(followed)
    except HTTPException as error:
        query.refused.append(f"{error.detail}.")
        is_active = error.status_code != HTTPStatus.NOT_FOUND
    try:
        lines = await follow.read(followed, follow.START, last=_MAX_LINES)
    except follow.LinesUnavailableError as error:
        query.refused.append(f"{error.detail}.")
    href = f"requests?follow={quote(followed, safe='')}"
    return {"lines": lines, "is_full": len(lines) == _MAX_LINES, "is_live": is_active, "live_href": href}


def _with_own(options: Sequence[tuple[str, str]], chosen: str) -> list[tuple[str, str]]:
    """Return the options, with one more for a value that a link gave."""
    return [*options, *([] if chosen in dict(options) else [(chosen, chosen)])]
