"""The views that follow single requests in the log."""

import contextlib
import datetime
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from c2casgiutils import auth, follow, switches
from c2casgiutils._outages import waiting
from c2casgiutils.config._types import checked_by
from c2casgiutils.switches import SwitchReport
from c2casgiutils.tools import _level_values, _middleware, _sensitive_loggers
from c2casgiutils.tools._level_fields import Level, ShortTtl

router = APIRouter(tags=["logging"], dependencies=[Depends(auth.require_admin_access)])

_TIMEOUT_SECONDS = 2.0
_RETRY_MILLISECONDS = 3_000
_RIGHTS_SECONDS = 5.0
"""How long a stream goes on before the rights of its reader are checked again."""
_STREAM = "text/event-stream"
_UNREACHABLE: dict[int | str, dict[str, Any]] = {503: {"description": "Redis is configured but unreachable."}}


def _family_of(name: str) -> str:
    """Return the name of a valid logger; an empty one for the root, whose children are all others."""
    return _level_values.checked_name(name) if name not in {"", logging.root.name} else ""


class FollowRequest(BaseModel):
    """What to follow."""

    model_config = ConfigDict(extra="forbid")

    ttl: ShortTtl = datetime.timedelta(minutes=10)
    level: Annotated[Level, Field(description="The lowest level of the lines.")] = 10
    logger: Annotated[
        str,
        checked_by(_family_of),
        Field(description="Only lines of this logger and its children; all by default, and for `root`."),
    ] = ""


class FollowReply(BaseModel):
    """A follow: requests that carry the token, in the header or the cookie, are followed."""

    id: str
    token: str
    header: str = Field(description="The name of the header that takes the token")
    cookie: str = Field(description="The same as a cookie, with the token")
    expires: datetime.datetime = Field(description="By the clock of Redis")
    scope: str = Field(description="`cluster`, or `process` without Redis: only the process that answers")
    warning: str | None = Field(
        default=None,
        exclude_if=lambda warning: warning is None,
        description="Only there when such lines are known to hold secrets.",
    )
    cluster: SwitchReport


class LinesReply(BaseModel):
    """Lines of a follow.

    Each is `{"at", "instance", "logger", "level", "message", "request_id"}`, or `{"left_out"}`, the number of
    lines that were more than 200 in a second.
    """

    lines: list[dict[str, Any]]
    after: str = Field(description="For the next request")


class EndedReply(BaseModel):
    """The end of a follow."""

    id: str
    scope: str = Field(description="As in the answer to the POST")
    cluster: SwitchReport


_TOO_MANY: dict[int | str, dict[str, Any]] = {
    409: {"description": "20 follows are active; the text lists them."}
}


@router.post("/follow", name="c2c_follow", responses=_UNREACHABLE | _TOO_MANY)
async def post_follow(request: Request, wanted: FollowRequest | None = None) -> FollowReply:
    """Start to follow requests: those that carry the token of the answer."""
    wanted = wanted or FollowRequest()
    id_, ttl = follow.create_id(), wanted.ttl.total_seconds()
    recorded = auth.audit.recorded(
        "logging.follow",
        request=request,
        target=id_,
        after={
            "level": logging.getLevelName(wanted.level),
            "logger": wanted.logger or "root",
            "ttl": ttl,
        },
    )
    async with recorded as record:
        with waiting(_TIMEOUT_SECONDS) as seconds:
            started = await follow.start(
                id_, ttl=ttl, level=wanted.level, logger=wanted.logger, by=record.by, seconds=seconds
            )
        record.result = started.report.result
    return FollowReply(
        id=id_,
        token=started.token,
        header=follow.HEADER,
        cookie=f"{follow.COOKIE}={started.token}",
        expires=started.expires,
        scope=switches.scope(),
        warning=_sensitive_loggers.followed_warning(wanted.logger, wanted.level),
        cluster=started.report,
    )


_Id = Annotated[str, Path(max_length=100, description="That of the answer to the POST.")]


async def known(follow_id: _Id) -> str:
    """Return the id of an active follow.

    Raises:
        HTTPException: 404 for any other, 503 if it cannot be told.
    """
    with waiting(_TIMEOUT_SECONDS) as seconds:
        is_active = await follow.is_active(follow_id, seconds=seconds)
    if not is_active:
        raise HTTPException(404, "Nothing is followed under this id, or no longer")
    return follow_id


_KnownId = Annotated[str, Depends(known)]
_OF_ID: dict[int | str, dict[str, Any]] = {
    **_UNREACHABLE,
    404: {"description": "Nothing is followed under this id, or no longer."},
}
_SHAPES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": LinesReply,
        "content": {_STREAM: {"schema": {"type": "string"}}},
        "description": "Server-sent events; with `after` JSON.",
    }
}


@router.get("/follow/{follow_id}", name="c2c_follow_lines", responses=_OF_ID | _SHAPES, response_model=None)
async def get_follow(
    request: Request,
    follow_id: _KnownId,
    after: Annotated[
        str | None, Query(description="Answer with JSON: the lines after this place, empty for all.")
    ] = None,
    last_event_id: Annotated[str, Header(description="Of the last event, as browsers send it.")] = "",
) -> Response | LinesReply:
    """Read the lines of the requests that carry the token: as they come, or those that came."""
    follow.leave_out()
    try:
        cursor = follow.parse_cursor(last_event_id if after is None else after)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    if after is not None:
        return await read(follow_id, cursor)
    events = _nothing() if _middleware.is_head(request.scope) else _events(request, follow_id, cursor)
    # otherwise nginx buffers the response
    return StreamingResponse(events, media_type=_STREAM, headers={"X-Accel-Buffering": "no"})


async def read(id_: str, cursor: follow.Cursor) -> LinesReply:
    """Return the lines that came after a place."""
    found = await follow.read(id_, cursor)
    last = found[-1][0] if found else follow.write_cursor(cursor)
    return LinesReply(lines=[line for _, line in found], after=last)


async def _events(request: Request, id_: str, cursor: follow.Cursor) -> AsyncIterator[str]:
    """Return the stream of events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

    It ends when its reader signed out or lost the level.
    """
    yield f"retry: {_RETRY_MILLISECONDS}\n\n"
    checked = time.monotonic()
    async with contextlib.aclosing(follow.stream(id_, cursor)) as found:
        async for event in found:
            if time.monotonic() - checked >= _RIGHTS_SECONDS:
                if not await auth.is_still_admin(request):
                    yield _end("access")
                    return
                checked = time.monotonic()
            if event.line is not None:
                yield f"id: {event.cursor}\ndata: {json.dumps(event.line)}\n\n"
            elif event.end:
                yield _end(event.end)
            else:
                yield ":\n\n"


def _end(reason: str) -> str:
    return f"event: end\ndata: {json.dumps({'reason': reason})}\n\n"


async def _nothing() -> AsyncIterator[str]:
    return
    yield


@router.delete("/follow/{follow_id}", name="c2c_unfollow", responses=_OF_ID)
async def delete_follow(request: Request, follow_id: _KnownId) -> EndedReply:
    """End a follow, and forget its lines."""
    async with auth.audit.recorded("logging.unfollow", request=request, target=follow_id) as record:
        with waiting(_TIMEOUT_SECONDS) as seconds:
            report = await follow.end(follow_id, by=record.by, seconds=seconds)
        record.result = report.result
    return EndedReply(id=follow_id, scope=switches.scope(), cluster=report)
