"""What needs attention as the page shows it: one line for each cause, with the link to where one can act."""

import dataclasses
import datetime
import itertools
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from c2casgiutils.tools import _level_tree, _pages
from c2casgiutils.tools._attention import Attention

_MAX_ALIKE = 3
"""More processes of which the same is to be said are one line."""
_RANKS = {"fail": 0, "warn": 1, "skip": 2}
_OF_PROCESSES = ("late", "lost", "draining")
_PLACES = {
    "versions": ("processes?sort=version", "versions"),
    "partial": ("processes?state=behind", "instances?state=behind"),
    "maintenance": ("database#maintenance", "db/maintenance"),
    "proxy": ("", "headers/"),
}
"""Where one can act, and where the data is, of what there is once."""
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
        href: Where one can act, relative to a view.
        subject: What it is about, for the name of the link.
        twin: The address of its data as JSON, below the mount.
    """

    state: str
    word: str
    text: str
    since: datetime.datetime | None = None
    href: str = ""
    subject: str = ""
    twin: str = ""


def lines(attention: Iterable[Attention]) -> list[Problem]:
    """Return what the page shows of what needs attention, the worst first: all of it, and nothing else."""
    found = [
        problem
        for kind, items in itertools.groupby(attention, lambda item: item.kind)
        for problem in _grouped(kind, list(items))
    ]
    return sorted(found, key=lambda problem: _RANKS[problem.state])


def _grouped(kind: str, items: Sequence[Attention]) -> Iterator[Problem]:
    if kind not in _OF_PROCESSES or len(items) <= _MAX_ALIKE:
        yield from map(_problem, items)
        return
    ids = [id_ for item in items for id_ in item.processes]
    since = min((item.since for item in items if item.since is not None), default=None)
    text = f"{len(items)} processes: {', '.join(ids[:_MAX_ALIKE])} and {len(items) - _MAX_ALIKE} more"
    state = _state_of(items[0])
    yield Problem(
        state, kind, text, since, f"processes?state={kind}", f"{kind} processes", f"instances?state={kind}"
    )


def _problem(item: Attention) -> Problem:
    word = item.state if item.kind == "check" else item.kind
    href, twin = _places(item)
    return Problem(_state_of(item), word, item.text, item.since, href, item.subject, twin)


def _state_of(item: Attention) -> str:
    if item.kind in _DRAWN:
        return _DRAWN[item.kind]
    return _pages.STATES[item.state] if item.state != "ok" else "skip"


def _places(item: Attention) -> tuple[str, str]:
    """Return where one can act, relative to a view, and the address of the data as JSON."""
    subject = quote(item.subject, safe="")
    match item.kind:
        case "check":
            return f"checks?check={subject}", f"health/cluster?check={subject}&history=true"
        case "late" | "lost" | "draining" | "unlike":
            return f"process?id={subject}", f"instances?id={subject}"
        case "level" | "unwritten":
            return _level_href(item.subject), f"logging/loggers?q={subject}"
        case _:
            return _PLACES.get(item.kind, ("", "overview"))


def _level_href(name: str) -> str:
    return f"levels?logger={quote(name, safe='')}#{quote(_level_tree.id_of(name), safe='%')}"
