"""The view of one process: everything that is known of it, also once it is lost, and its drain."""

import dataclasses
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from c2casgiutils import instances
from c2casgiutils.health_checks import _views as drains
from c2casgiutils.tools import _check_rows, _forms, _pages, _process_rows, _summary, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._process_rows import Row
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("process")
_DURATIONS = (("", "until it is undrained"), ("60", "1 minute"), ("600", "10 minutes"), ("3600", "1 hour"))
_REFUSED = 409
_ACTIONS = ("begin", "end")
_MAX_ID_LENGTH = 500


@dataclasses.dataclass(frozen=True)
class Entered(_forms.Entered):
    """The fields of the form."""

    seconds: str = ""
    reason: str = ""
    force: str = ""
    drain: str = ""

    def body(self, id_: str) -> dict[str, str]:
        """Return the JSON that drains a process as the button does."""
        given = {"seconds": self.seconds, "reason": self.reason, "force": self.force}
        return {"instance": id_, **{name: text for name, text in given.items() if text}}


@router.get("/process", name="c2c_process")
async def get_process(request: Request) -> Response:
    """Return the page of a process."""
    if "result" in request.query_params:  # of a change that the last second's roster does not have yet
        _summary.forget(at_once=False)
    return await _page(request)


@router.post("/process", name="c2c_process_drain")
async def post_process(request: Request) -> Response:
    """Drain or undrain the process from the form of its page; redirect to the page only on full success."""
    return await _forms.submit(request, Entered, _act, _page)


async def _act(request: Request, entered: Entered) -> Response:
    id_ = Query(request).text("id", max_length=_MAX_ID_LENGTH)
    reply = await _change(request, id_, entered)
    _summary.forget(at_once=True)
    if reply.cluster.is_confirmed:
        return RedirectResponse(f"process?id={quote(id_, safe='')}&result=changed#drain", 303)
    message = Message("warn", "Not confirmed.", "The process did not answer in time; it may still follow.")
    return await _page(request, message=message, entered=entered)


async def _change(request: Request, id_: str, entered: Entered) -> drains.DrainReply:
    if entered.drain not in _ACTIONS:
        raise HTTPException(422, f"The action must be {' or '.join(_ACTIONS)}")
    if entered.drain == "end":
        return await drains.undrain(request, id_)
    return await drains.drain(request, drains.DrainRequest.model_validate(entered.body(id_)))


async def _page(
    request: Request, *, message: Message | None = None, entered: Entered | None = None, status: int = 200
) -> HTMLResponse:
    query = Query(request)
    id_ = query.text("id", max_length=_MAX_ID_LENGTH)
    if status == 200:  # noqa: PLR2004  # OK
        *_, status = _summary.find_process(await _summary.collect(request), id_)
    if entered is None:
        entered = Entered(*(query.field(name, drains.DrainRequest) for name in ("seconds", "reason")))

    view = _VIEW if id_ else dataclasses.replace(_VIEW, twin="")

    async def load(_: Caller, summary: Summary) -> dict[str, Any]:
        rows = _process_rows.rows(summary)
        row = next((row for row in rows if row.instance.id == id_), None)
        return {
            "id": id_,
            "row": row,
            "result": message or _done(request, row),
            "rows": [] if row else rows,
            "columns": _process_rows.COLUMNS,
            "lines": _check_rows.lines([row.instance], with_lost=True) if row else [],
            "is_own": id_ == instances.own_id(),
            "is_last": status == _REFUSED,
            "entered": entered,
            "durations": _DURATIONS,
            "now": _pages.now(),
        }

    return await _pages.respond(request, view, "process.html", load, query=query, status=status)


def _done(request: Request, row: Row | None) -> Message | None:
    """Return what was done, after the redirect from the form; taken from the state, not from the URL."""
    if "result" not in request.query_params or row is None or row.word in ("late", "lost", "unseen"):
        return None
    state = row.instance.state
    if state == "draining":
        return Message("pass", "Done.", f"{row.name} is draining: its readiness probe fails.")
    return Message("pass", "Done.", f"{row.name} is ready.") if state == "ready" else None
