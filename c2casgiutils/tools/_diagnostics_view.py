"""The view of the diagnostics: event loops, stacks, memory and profiles of one process or of all."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from c2casgiutils import auth, config, instances
from c2casgiutils.tools import (
    _debug_loop,
    _debug_memory,
    _debug_profile,
    _debug_stacks,
    _forms,
    _pages,
    _summary,
    _views,
)
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._debug_cluster import ALL, SELF
from c2casgiutils.tools._debug_memory import MemoryQuery
from c2casgiutils.tools._debug_profile import ProfileRequest
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("diagnostics")
_KINDS = {
    "loop": "Event loops",
    "stacks": "Stacks",
    "memory": "Memory",
    "profile": "Profile",
}
_OF_READERS = ("loop",)
_COSTLY = ("memory", "profile")
_SECONDS = (("10", "10 seconds"), ("5", "5 seconds"), ("30", "30 seconds"), ("60", "60 seconds"))
_MAX_GROUPS = 200


@dataclasses.dataclass(frozen=True)
class Entered(_forms.Entered):
    """The fields of the form."""

    id: str = ""
    seconds: str = "10"


@router.get("/diagnostics", name="c2c_diagnostics")
async def get_diagnostics(request: Request) -> Response:
    """Return the view; what costs something is only asked for by a button."""
    return await _respond(request)


@router.post("/diagnostics", name="c2c_diagnostics_profile")
async def post_diagnostics(request: Request) -> Response:
    """Start a profile; the view that it leads to shows when it is there."""
    return await _forms.submit(request, Entered, _start, _respond, refused="Not started.")


async def _start(request: Request, entered: Entered) -> Response:
    _check_on("profile")
    wanted = ProfileRequest.model_validate({"instance": entered.id, "seconds": entered.seconds})
    started = await _debug_profile.post_profile(request, Response(), wanted)
    query = urlencode({"what": "profile", "id": wanted.instance, "profile": started.id})
    return RedirectResponse(f"diagnostics?{query}#started", 303)


async def _respond(
    request: Request, *, message: Message | None = None, entered: Entered | None = None, status: int = 200
) -> Response:
    query = Query(request)
    what = query.choice("what", _KINDS, "loop")
    twin = "" if query.refused else f"debug/{what}"
    entered = entered or Entered(seconds=query.field("seconds", ProfileRequest) or Entered.seconds)
    id_ = query.text("id", max_length=500) or entered.id or ALL
    is_asked = query.is_on("ask")
    profile = query.text("profile", max_length=500)
    trouble = ""
    if id_ not in (ALL, SELF) and message is None:
        _, trouble, status = _summary.find_process(await _summary.collect(request), id_)
        query.refused += [trouble] if trouble else []

    view = dataclasses.replace(_VIEW, twin=twin, twin_query={"id": "instance"})
    if what == "profile":
        view = dataclasses.replace(_VIEW, twin=f"debug/profile/{quote(profile, safe='')}" if profile else "")

    async def load(caller: Caller, summary: Summary) -> dict[str, Any]:
        may_see = caller.is_admin or what in _OF_READERS
        off = _off(what) if what in _COSTLY and not config.settings.debug.enabled else None
        is_other_site = auth.is_cross_site(request)
        found: Mapping[str, Any] = {}
        may_ask = may_see and off is None and not is_other_site and not trouble
        if may_ask and (is_asked or profile or what not in _COSTLY):
            try:
                found = await (_find_profile(profile) if profile else _find(what, id_, request))
            except HTTPException as error:
                query.fail(str(error.detail), error.status_code)
        report = found.get("report")
        is_late = any(one.id == id_ and one.liveness != "ok" for one in summary.processes)
        return {
            "is_silent": bool(report.missing) if report is not None else is_late and what == "loop",
            "is_live": found.get("remaining") is not None,
            "kinds": _KINDS,
            "what": what,
            "id": id_,
            "processes": [ALL, *(process.id for process in summary.processes)],
            "own": instances.own_id(),
            "may_see_this": may_see,
            "off": off,
            "is_other_site": is_other_site,
            "durations": _SECONDS,
            "entered": entered,
            **found,
        }

    return await _pages.respond(
        request, view, "diagnostics.html", load, query=query, message=message, status=status
    )


async def _find(what: str, id_: str, request: Request) -> Mapping[str, Any]:
    if what == "loop":
        loops = await _debug_loop.get_loop(id_)
        return {"loops": loops.processes, "report": loops.cluster}
    if what == "stacks":
        stacks = await _debug_stacks.get_stacks(id_)
        left_out = stacks.left_out + max(0, len(stacks.groups) - _MAX_GROUPS)
        return {"groups": stacks.groups[:_MAX_GROUPS], "left_out": left_out, "report": stacks.cluster}
    if what == "memory":
        memory = await _debug_memory.get_memory(request, MemoryQuery(instance=id_))
        return {"memories": memory.processes, "report": memory.cluster}
    return {}


async def _find_profile(id_: str) -> Mapping[str, Any]:
    state = await _debug_profile.state_of(id_)
    if state.state != "running" and state.profile is None:
        raise HTTPException(404, _debug_profile.NO_PROFILE)
    return {"profile": id_, "remaining": state.remaining_seconds if state.state == "running" else None}


def _check_on(what: str) -> None:
    if not config.settings.debug.enabled:
        raise HTTPException(404, _off(what))


def _off(what: str) -> str:
    names = {"memory": "Analyses of the memory", "profile": "Profiles"}
    return f"{names[what]} are off. Set C2C__DEBUG__ENABLED=true and start again"
