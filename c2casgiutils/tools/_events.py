"""The time line of the service: the audit log, changes of states, and processes that came and went."""

import datetime
import functools
import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field

from c2casgiutils import auth, config, events, instances, redis_utils, switches
from c2casgiutils.auth._audit_lists import AuditEvent
from c2casgiutils.config._types import read_by
from c2casgiutils.tools._query import MAX_LENGTH

router = APIRouter(tags=["events"])

KINDS: tuple[events.Kind, ...] = get_args(events.Kind)
MAX_SHOWN = 500
"""Maximum number of events in an answer."""
SOMEBODY = "somebody"
"""Instead of a name, for those who may not see names."""
OF_ADMINISTRATORS = "names are for administrators"

_ACCEPTED = "must be a time, such as 2025-01-31T12:00:00Z, or how long ago, such as 90m or 2d"


def parse_moment(value: object) -> datetime.datetime | None:
    """Return the moment that a text means, `None` for an empty one.

    Args:
        value: A time (ISO 8601, in UTC unless it says otherwise), or a duration before now.

    Raises:
        ValueError: It is neither.
    """
    text = str(value or "").strip()
    if not text:
        return None
    try:
        return datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC) - config.parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        # a plus sign that is not encoded is a space in a query
        found = datetime.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)
    except ValueError:
        raise ValueError(_ACCEPTED) from None


def _absent_if_empty(value: Any) -> Any:
    return value.strip().lower() or None if isinstance(value, str) else value


Moment = Annotated[datetime.datetime | None, read_by(parse_moment)]
KindName = Annotated[events.Kind | None, BeforeValidator(_absent_if_empty)]


class EventsResponse(BaseModel):
    """The events, newest first."""

    events: list[events.Event]
    scope: Literal["cluster", "process"] = Field(
        description="`process` for those of the responding one alone: Redis is not used or unreachable"
    )
    complete: bool = Field(description="`false` if events of this time may be missing")
    more: bool = Field(description="there are older ones that are not shown")


@router.get("/events", name="c2c_events", dependencies=[Depends(auth.require_read_only_access)])
async def get_events(
    request: Request,
    response: Response,
    *,
    auth_info: Annotated[auth.AuthInfo, Depends(auth.get_auth)],
    since: Annotated[Moment, Query(description="A time, or a duration before now")] = None,
    until: Annotated[Moment, Query(description="The same, for the newest event")] = None,
    kind: Annotated[KindName, Query(description="Only events of this kind")] = None,
    what: Annotated[
        str, Query(max_length=MAX_LENGTH, description="A part of the subject or of the id of the process")
    ] = "",
    who: Annotated[
        str, Query(max_length=MAX_LENGTH, description="A part of the name; for administrators")
    ] = "",
) -> EventsResponse:
    """Return what happened in the service, newest first; names of users are for administrators."""
    is_admin = await auth.check_admin_access(auth_info, request, response)
    if who.strip() and not is_admin:
        raise HTTPException(403, f"who: {OF_ADMINISTRATORS}")
    accept = functools.partial(has_texts, what=what.strip(), who=who.strip())
    return await collect(since=since, until=until, kind=kind, with_names=is_admin, accept=accept)


def has_texts(event: events.Event, *, what: str, who: str) -> bool:
    """Return whether an event has these texts, in any case."""
    subjects = f"{event.what}\n{event.instance or ''}".lower()
    return who.lower() in (event.who or "").lower() and what.lower() in subjects


async def collect(
    *,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    kind: events.Kind | None = None,
    with_names: bool,
    accept: Callable[[events.Event], bool] = lambda _: True,
) -> EventsResponse:
    """Return the events of all processes, newest first.

    Args:
        since: The first moment; by default all that are kept.
        until: The last moment.
        kind: Only those of this kind.
        with_names: Tell who did what.
        accept: Returns whether an event is wanted.
    """
    first = since.timestamp() if since is not None else 0.0
    found: list[events.Event] = []
    is_complete = instances.currency() == "current"
    if kind != "audit":
        of_processes = await instances.read_events(first)
        found += of_processes.events
        is_complete = is_complete and of_processes.is_complete
    if kind in (None, "audit"):
        scope, changes = await auth.audit.last(events.MAX_EVENTS)
        found += [_of_audit(change, with_names=with_names) for change in changes]
        is_complete = is_complete and (scope == "cluster" or not redis_utils.is_configured())
    wanted = [
        event
        for event in found
        if kind in (None, event.kind)
        and event.at.timestamp() >= first
        and (until is None or event.at <= until)
        and accept(event)
    ]
    wanted.sort(key=lambda event: event.at, reverse=True)
    return EventsResponse(
        events=wanted[:MAX_SHOWN],
        scope=instances.scope(),
        complete=is_complete,
        more=len(wanted) > MAX_SHOWN,
    )


def _of_audit(change: AuditEvent, *, with_names: bool) -> events.Event:
    before, _ = _told(change.before, with_names=with_names)
    after, reason = _told(change.after, with_names=with_names)
    result = "" if change.result == "ok" else f"({change.result})"
    return events.Event(
        at=change.at,
        kind="audit",
        who=events.short(change.who) if with_names else SOMEBODY,
        what=events.short(f"{change.action} {change.target or ''}") or "",
        before=events.short(before),
        after=events.short(f"{after} {result}"),
        reason=events.short(reason),
        instance=change.instance,
    )


def _told(value: Any, *, with_names: bool) -> tuple[str, str]:
    """Return a value of the audit log as people write it, and the reason in it."""
    if not isinstance(value, str) or not value.startswith("{"):
        return "" if value is None else str(value), ""
    try:
        fields = json.loads(value)
    except ValueError:  # it was cut
        return value if with_names else "", ""
    reason = fields.pop("reason", None)
    hidden = {"ttl" if "expires" in fields else "", "" if with_names else "by"}
    return ", ".join(f"{name} {each}" for name, each in fields.items() if name not in hidden), reason or ""
