"""The diagnostic views that profile a process, and show the result."""

import functools
import math
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from c2casgiutils import auth, debug
from c2casgiutils._threads import run_in_thread
from c2casgiutils.config._types import checked_by
from c2casgiutils.tools import _debug_access, _pages, _profile_page
from c2casgiutils.tools._debug_cluster import ALL, SELF, Question, one_answer

router = APIRouter(tags=["debug"], dependencies=_debug_access.ENABLED)

_DEFAULT_SECONDS = 10
_DEFAULT_HZ = 100
_NOT_FOUND = 404
NO_PROFILE = "No such profile: a process keeps its last 5, for 10 minutes"
_ID = r"^[0-9a-f]{16}\.[!-~]+$"
Format = Literal["collapsed", "speedscope", "html"]


def _check_instance(instance: str) -> str:
    if instance == ALL:
        raise ValueError(f"a profile is of one process: the id of a process, or {SELF}")
    return instance


class ProfileRequest(BaseModel):
    """What to profile."""

    model_config = ConfigDict(extra="forbid")

    instance: Annotated[str, checked_by(_check_instance)] = Field(
        default=SELF, description=f"The id of a process, or `{SELF}`"
    )
    seconds: float = Field(default=_DEFAULT_SECONDS, gt=0, le=debug.MAX_SECONDS, allow_inf_nan=False)
    hz: int = Field(default=_DEFAULT_HZ, ge=1, le=debug.MAX_HZ, description="Samples a second")


class StartedProfile(BaseModel):
    """A profile that has started."""

    id: str = Field(pattern=_ID, description="names the process, too")


class RunningProfile(StartedProfile):
    """A profile that is not yet done."""

    state: Literal["running"] = "running"
    remaining_seconds: float


async def _start(*, duration: float, hz: int, **_: Any) -> StartedProfile:
    checked = ProfileRequest(seconds=duration, hz=hz)
    return StartedProfile(id=debug.profiles().start(seconds=checked.seconds, hz=checked.hz))


async def _find(*, id: str, **_: Any) -> debug.ProfileState:  # noqa: A002  # the name in the message
    debug.check_enabled()
    return debug.profiles().find(id)


START = Question("c2c_debug_profile_start", _start, StartedProfile)
FIND = Question("c2c_debug_profile", _find, debug.ProfileState)


@router.post("/profile", name="c2c_debug_profile_start", status_code=202)
async def post_profile(request: Request, response: Response, body: ProfileRequest) -> StartedProfile:
    """Sample what the threads of a process do, for a while; the answer has the id of the result."""
    recorded = auth.audit.recorded(
        "debug.profile", request=request, target=body.instance, after={"seconds": body.seconds, "hz": body.hz}
    )
    async with recorded:
        found = await START.ask(body.instance, duration=body.seconds, hz=body.hz)
        started = one_answer(found)
    response.headers["Location"] = f"profile/{started.id}"
    return started


@router.get(
    "/profile/{id}",
    name="c2c_debug_profile",
    response_class=Response,
    responses={202: {"model": RunningProfile}},
)
async def get_profile(
    request: Request,
    id: str,  # noqa: A002  # the name in the path
    wanted: Annotated[
        Format | None, Query(alias="format", description="By default what `Accept` asks for")
    ] = None,
) -> Response:
    """Return a profile, from whichever process was profiled.

    Raises:
        HTTPException: 404 if there is none, 410 if the process has ended, 504 if it does not answer.
    """
    state = await state_of(id)
    if state.state == "running":
        running = RunningProfile(id=id, remaining_seconds=state.remaining_seconds)
        retry = {"Retry-After": str(max(math.ceil(state.remaining_seconds), 1))}
        return JSONResponse(running.model_dump(), 202, headers=retry)
    if state.profile is None:
        raise HTTPException(404, NO_PROFILE)
    render = functools.partial(_render, state.profile, wanted or _preferred(request))
    return await run_in_thread(render, name="c2casgiutils-diagnosis")


async def state_of(id_: str) -> debug.ProfileState:
    """Return a profile, or how long it still runs.

    Raises:
        HTTPException: 404 for an id that is wrong, 410 if the process has ended, 504 if it does not answer.
    """
    instance = id_.partition(".")[2]
    if not re.fullmatch(_ID, id_) or instance in (SELF, ALL):
        raise HTTPException(404, "No such profile")
    try:
        return one_answer(await FIND.ask(instance, id=id_))
    except HTTPException as error:
        if error.status_code != _NOT_FOUND:
            raise
        raise HTTPException(
            410, "The process that was profiled has ended, and its profiles with it"
        ) from error


def _preferred(request: Request) -> Format:
    if auth.prefers_html(request):
        return "html"
    return "speedscope" if "application/json" in request.headers.get("accept", "") else "collapsed"


def _render(profile: debug.Profile, format_: Format) -> Response:
    if format_ == "html":
        return HTMLResponse(_profile_page.render(profile), headers=_pages.HEADERS)
    if format_ == "speedscope":
        return JSONResponse(debug.speedscope(profile))
    return PlainTextResponse(debug.collapsed(profile))
