"""The view of what happened: one time line of changes, states, and processes that came and went."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from c2casgiutils import events, instances, redis_utils
from c2casgiutils.tools import _attention, _check_rows, _events, _pages, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("activity")
_MAX_ROWS = 100
_KINDS: dict[events.Kind, str] = {
    "audit": "changes",
    "check": "health checks",
    "join": "processes that joined",
    "leave": "processes that left",
    "loss": "processes that were lost",
    "return": "processes that returned",
    "state": "states of processes",
}
_SINCE = {"10m": "10 minutes", "1h": "1 hour", "1d": "1 day", "7d": "7 days"}
_SHAPES = {"join": "pass", "loss": "fail", "return": "warn"}
_WORDS = {"audit": "change", "join": "joined", "leave": "left", "loss": "lost", "return": "returned"}


@dataclasses.dataclass(frozen=True)
class Filters:
    """The filters, as they are in the query; an empty one is off."""

    kind: str
    who: str
    what: str
    since: str
    until: str

    @classmethod
    def of(cls, query: Query, caller: Caller) -> Self:
        """Read the query; what cannot be used is left out and reported."""
        kind, who = query.text("kind").lower(), query.text("who")
        if kind and kind not in _KINDS:
            query.refused.append(f"kind is ignored: “{kind}” is not one of {', '.join(_KINDS)}.")
            kind = ""
        if who and not caller.is_admin:
            query.refused.append(f"who is ignored: {_events.OF_ADMINISTRATORS}.")
            who = ""
        return cls(kind, who, query.text("what"), _moment("since", query), _moment("until", query))

    @property
    def used(self) -> dict[str, str]:
        """Those that are on."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}

    def accept(self, event: events.Event) -> bool:
        """Return whether an event has the texts of the filters, in any case."""
        return _events.has_texts(event, what=self.what, who=self.who)


@dataclasses.dataclass(frozen=True)
class Row:
    """An event as the view shows it.

    Attributes:
        id: Stays the same, so that a page that is refreshed keeps its place.
        shape: The shape of its badge.
        word: What happened.
        before: The state before, of a check as the other views call it.
        after: The state afterwards.
        subject: What it happened to.
        process: The process as people write it, empty if it is not known.
    """

    id: str
    event: events.Event
    shape: str
    word: str
    before: str
    after: str
    subject: str
    process: str

    @classmethod
    def of(cls, event: events.Event, severities: Mapping[str, str]) -> Self:
        """Return the row of an event.

        Args:
            event: It.
            severities: What a failure means, by the name of the check; one that is not known is critical.
        """
        key = "\n".join((event.at.isoformat(), event.kind, event.what, event.instance or ""))
        shape = _SHAPES.get(event.kind, "skip")
        before, after = event.before or "", event.after or ""
        if event.kind == "check":
            severity = severities.get(event.what, "critical")
            before = _drawn(before, severity)[1]
            shape, after = _drawn(after, severity)
        process = _attention.name_of_id(event.instance) if event.instance else ""
        return cls(
            id=f"e-{hashlib.sha256(key.encode()).hexdigest()[:12]}",
            event=event,
            shape=shape,
            word=_WORDS.get(event.kind, event.kind),
            before=before,
            after=after,
            subject=process if event.what == event.instance else event.what,
            process=process,
        )


@router.get("/activity", name="c2c_activity")
async def get_activity(request: Request) -> HTMLResponse:
    """Return the view."""
    query = Query(request)

    async def load(caller: Caller, summary: Summary) -> dict[str, Any]:
        filters = Filters.of(query, caller)
        found = await _find(filters, caller)
        shown = found.events[:_MAX_ROWS]
        severities = {check.name: check.severity for check in summary.checks}
        is_empty = bool(filters.used) and not found.events
        return {
            "filters": filters,
            "search": "what",
            "kinds": [("", "everything"), *_KINDS.items()],
            "times": _times(filters.since),
            "rows": [Row.of(event, severities) for event in shown],
            "has_more": found.more or len(found.events) > _MAX_ROWS,
            "older": _older(filters, shown),
            "newest": urlencode({name: value for name, value in filters.used.items() if name != "until"}),
            "total": len((await _events.collect(with_names=False)).events) if is_empty else 0,
            "query": urlencode(filters.used),
            "is_complete": found.complete,
            "is_alone": not redis_utils.is_configured(),
            "own": instances.own(),
        }

    return await _pages.respond(request, _VIEW, "activity.html", load, query=query)


async def _find(filters: Filters, caller: Caller) -> _events.EventsResponse:
    return await _events.collect(
        since=_events.parse_moment(filters.since),
        until=_events.parse_moment(filters.until),
        kind=next((kind for kind in _events.KINDS if kind == filters.kind), None),
        with_names=caller.is_admin,
        accept=filters.accept,
    )


def _moment(name: str, query: Query) -> str:
    value = query.text(name)
    try:
        _events.parse_moment(value)
    except ValueError as error:
        query.refused.append(f"{name} is ignored: “{value}” {error}.")
        return ""
    return value


def _older(filters: Filters, shown: Sequence[events.Event]) -> str:
    """Return the query for the events before these; the last of them is in it, as others may be as old."""
    if not shown or shown[0].at == shown[-1].at:
        return ""
    return urlencode({**filters.used, "until": shown[-1].at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})


def _drawn(status: str, severity: str) -> tuple[str, str]:
    """Return the shape and the word for the state of a check, which another process may call anything."""
    is_known = status in ("pass", "warn", "fail", "unknown", "skip")
    return _check_rows.drawn(status, severity) if is_known else ("skip", status)


def _times(since: str) -> list[tuple[str, str]]:
    """Return the times to choose from, the one of the query included."""
    other = {} if since in ("", *_SINCE) else {since: since}
    return [("", "the beginning"), *_SINCE.items(), *other.items()]
