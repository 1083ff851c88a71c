"""What needs attention as the page shows it: one line for each cause, with the link to where one can act."""

import dataclasses
import datetime
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

from c2casgiutils import config
from c2casgiutils._names import listed
from c2casgiutils.tools import _level_tree, _pages
from c2casgiutils.tools._attention import Attention
from c2casgiutils.tools._caller import Caller

_MAX_ALIKE = 3
"""More processes of which the same is to be said are one line."""
_RANKS = {"fail": 0, "warn": 1, "skip": 2}
_OF_VIEW = ("redis", "roster")
"""They say what the other lines do not know, so they come first."""
_OF_PROCESSES = ("late", "lost", "draining")
_DIAGNOSES = {"loop": "event loop", "stacks": "stacks", "memory": "memory"}
"""The remedies that are a view of the diagnostics, and the words of their links."""


class Link(NamedTuple):
    """A link of a line: its address relative to a view, and its word."""

    href: str
    word: str = "open"


class _Place(NamedTuple):
    """Where one can act, and the address of the data as JSON, below the mount."""

    links: Sequence[Link] = ()
    twin: str = "overview"


_CHANGED = _Place([Link("levels?changed=1", "which")], "logging/loggers?changed=true")
_PLACES = {
    "level": _CHANGED,
    "unwritten": _CHANGED,
    "versions": _Place([Link("processes?sort=version", "which")], "versions"),
    "partial": _Place([Link("processes?state=behind", "which")], "instances?state=behind"),
    "maintenance": _Place([Link("database#maintenance")], "db/maintenance"),
    "proxy": _Place(twin="headers/"),
}
"""The places of what there is once, and of levels that are only counted."""
_DRAWN = {"lost": "fail", "unwritten": "warn", "proxy": "warn"}
"""What looks worse than it is for the service: a lost process is red in its row, too."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something that needs attention.

    Attributes:
        state: `fail`, `warn` or, for what somebody wanted, `skip`.
        word: What it is.
        text: A sentence.
        since: When it began, if that is known.
        links: Where one can act.
        subject: What it is about, for the names of the links.
        twin: The address of its data as JSON, below the mount.
        undrains: Whether the line has a button that puts the process back into service.
    """

    state: str
    word: str
    text: str
    since: datetime.datetime | None = None
    links: Sequence[Link] = ()
    subject: str = ""
    twin: str = ""
    undrains: bool = False


def remedies_of(caller: Caller) -> Collection[str]:
    """Return the remedies that the page offers to somebody who may read it."""
    if not caller.is_admin:
        return {"loop"}
    return {"loop", "stacks", "undrain", *(["memory"] if config.settings.debug.enabled else [])}


def lines(attention: Iterable[Attention], remedies: Collection[str]) -> list[Problem]:
    """Return what the page shows of what needs attention, the worst first: all of it, and nothing else.

    Args:
        attention: What needs attention.
        remedies: Those that whoever looks may use.
    """
    found = [
        problem
        for kind, items in itertools.groupby(attention, lambda item: item.kind)
        for problem in _grouped(kind, list(items), remedies)
    ]
    return sorted(found, key=lambda problem: (problem.word not in _OF_VIEW, _RANKS[problem.state]))


def _grouped(kind: str, items: Sequence[Attention], remedies: Collection[str]) -> Iterator[Problem]:
    if kind not in _OF_PROCESSES or len(items) <= _MAX_ALIKE:
        yield from (_problem(item, item.remedy if item.remedy in remedies else "") for item in items)
        return
    ids = [id_ for item in items for id_ in item.processes]
    since = min((item.since for item in items if item.since is not None), default=None)
    text = f"{len(items)} processes: {listed(ids, most=_MAX_ALIKE)}"
    state = _state_of(items[0])
    yield Problem(
        state,
        kind,
        text,
        since,
        links=[Link(f"processes?state={kind}", "which")],
        subject=f"{kind} processes",
        twin=f"instances?state={kind}",
    )


def _problem(item: Attention, remedy: str) -> Problem:
    place = _place(item, remedy)
    return Problem(
        _state_of(item),
        item.state if item.kind == "check" else item.kind,
        item.text,
        item.since,
        links=place.links,
        subject=item.subject,
        twin=place.twin,
        undrains=remedy == "undrain",
    )


def _state_of(item: Attention) -> str:
    if item.kind in _DRAWN:
        return _DRAWN[item.kind]
    return _pages.STATES[item.state] if item.state != "ok" else "skip"


def _place(item: Attention, remedy: str) -> _Place:
    subject = quote(item.subject, safe="")
    process = _Place([Link(f"process?id={subject}")], f"instances?id={subject}")
    diagnosis = (
        [Link(f"diagnostics?what={remedy}&id={subject}", _DIAGNOSES[remedy])] if remedy in _DIAGNOSES else []
    )
    match item.kind:
        case "check":
            twin = f"health/cluster?check={subject}&history=true"
            return _Place([Link(f"checks?check={subject}")], twin)
        case "lost":  # it may be blocked, and then has stacks, or gone
            return process._replace(links=[Link(f"process?id={subject}", "last known"), *diagnosis])
        case "late" | "unlike" if diagnosis:
            return _Place(diagnosis, f"debug/{remedy}?instance={subject}")
        case "late" | "draining" | "unlike":
            return process
        case "level" | "unwritten" if item.subject:
            return _Place([Link(_level_href(item.subject))], f"logging/loggers?q={subject}")
        case _:
            return _PLACES.get(item.kind, _Place())


def _level_href(name: str) -> str:
    return f"levels?logger={quote(name, safe='')}#{quote(_level_tree.id_of(name), safe='%')}"
