"""What needs attention as the page shows it: one line for each cause, with the link to where one can act."""

import dataclasses
import datetime
import itertools
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from fastapi import Request

from c2casgiutils import db, headers
from c2casgiutils.db import _maintenance
from c2casgiutils.tools import _level_tree, _loggers, _pages
from c2casgiutils.tools._attention import Attention
from c2casgiutils.tools._summary import Summary

_MAX_ALIKE = 3
"""More processes of which the same is to be said are one line."""
_MAX_LOGGERS = 20
_RANKS = {"fail": 0, "warn": 1, "skip": 2}
_OF_PROCESSES = ("late", "lost", "draining")


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something that needs attention.

    Attributes:
        state: `fail`, `warn` or, for what somebody wanted, `skip`.
        word: What it is.
        text: A sentence.
        since: When it began, if that is known.
        href: Where one can act, relative to a view.
        subject: What it is about, for the name of the link.
    """

    state: str
    word: str
    text: str
    since: datetime.datetime | None = None
    href: str = ""
    subject: str = ""


def of_cluster(summary: Summary) -> list[Problem]:
    """Return what is the same whichever process answers."""
    found = [
        problem
        for kind, items in itertools.groupby(summary.attention, lambda item: item.kind)
        for problem in _grouped(kind, list(items))
    ]
    setting = _maintenance.maintenance()
    if setting is not None:
        text = str(db.MaintenanceError(setting))
        found.append(
            Problem("warn", "maintenance", text, setting.since_at, "database#maintenance", "maintenance")
        )
    return in_order(found)


def of_request(request: Request) -> Iterator[Problem]:
    """Return what is wrong with the way of this request."""
    if unread := headers.unread_forwarded(request.scope):
        text = (
            f"{', '.join(unread)} sent by a proxy is ignored, so links and client addresses may be wrong: "
            "set C2C__PROXY_HEADERS__TYPE and C2C__PROXY_HEADERS__TRUSTED_HOSTS"
        )
        yield Problem("warn", "proxy", text)


def of_levels(names: Iterable[str]) -> Iterator[Problem]:
    """Return the loggers whose level was set, but whose records no handler writes."""
    unwritten = (
        Problem("warn", "unwritten", f"Log level of {name}: {warning}", None, _level_href(name), name)
        for name in names
        if (warning := _loggers.read(name).warning) is not None
    )
    yield from itertools.islice(unwritten, _MAX_LOGGERS)


def in_order(found: Iterable[Problem]) -> list[Problem]:
    """Return the problems, the worst first."""
    return sorted(found, key=lambda problem: _RANKS[problem.state])


def _grouped(kind: str, items: Sequence[Attention]) -> Iterator[Problem]:
    if kind not in _OF_PROCESSES or len(items) <= _MAX_ALIKE:
        yield from map(_problem, items)
        return
    ids = [id_ for item in items for id_ in item.processes]
    since = min((item.since for item in items if item.since is not None), default=None)
    text = f"{len(items)} processes: {', '.join(ids[:_MAX_ALIKE])} and {len(items) - _MAX_ALIKE} more"
    state = _state_of(items[0])
    yield Problem(state, kind, text, since, f"processes?state={kind}", f"{kind} processes")


def _problem(item: Attention) -> Problem:
    word = item.state if item.kind == "check" else item.kind
    return Problem(_state_of(item), word, item.text, item.since, _href(item), item.subject)


def _state_of(item: Attention) -> str:
    if item.kind == "lost":
        return "fail"  # as in the row of the process, although the service is only degraded
    return _pages.STATES[item.state] if item.state != "ok" else "skip"


def _href(item: Attention) -> str:
    subject = quote(item.subject, safe="")
    match item.kind:
        case "check":
            return f"checks?check={subject}"
        case "late" | "lost" | "draining" | "unlike":
            return f"process?id={subject}"
        case "versions":
            return "processes?sort=version"
        case "partial":
            return "processes?state=behind"
        case "level":
            return _level_href(item.subject)
        case _:
            return ""


def _level_href(name: str) -> str:
    return f"levels?logger={quote(name, safe='')}#{quote(_level_tree.id_of(name), safe='%')}"
