"""The health checks as the pages show them: one line for each, and a cell for each process."""

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence

from c2casgiutils.instances import CheckState, Instance
from c2casgiutils.tools import _attention

_DRAWN = {"pass": ("pass", "ok"), "skip": ("skip", "not configured"), "warn": ("warn", "degraded")}
NO_RESULT = "no result yet"
_RANKS = {"fail": 0, "warn": 1, "skip": 2, "pass": 3}


def drawn(status: str, severity: str) -> tuple[str, str]:
    """Return the shape and the word for the status of a check: never red for one that is not critical."""
    if severity == "info" and status in ("fail", "warn"):
        return "skip", "down, for information" if status == "fail" else "degraded, for information"
    if status == "fail":
        return ("fail", "down") if severity == "critical" else ("warn", "down, degrading")
    return _DRAWN.get(status, ("skip", NO_RESULT))


def is_bad(check: CheckState) -> bool:
    """Return whether a check is down or degraded and not only for information."""
    return drawn(check.status, check.severity)[0] in ("fail", "warn")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A check in one process."""

    shape: str
    word: str
    check: CheckState


@dataclasses.dataclass(frozen=True)
class Line:
    """A check in all live processes.

    Attributes:
        name: Of the check.
        severity: What a failure means.
        shape: The worst state.
        word: The worst state.
        cells: By the id of the process.
        bad: The ids of the processes in the worst state.
        since: When the worst state began.
    """

    name: str
    severity: str
    shape: str
    word: str
    cells: Mapping[str, Cell]
    bad: Sequence[str]
    since: datetime.datetime | None

    @property
    def is_equal(self) -> bool:
        """Return whether the state is the same in each process that has the check."""
        return len(self.bad) == len(self.cells)

    @property
    def is_fine(self) -> bool:
        """Return whether it passes, or has nothing to check, in each process."""
        return all(cell.check.status in ("pass", "skip") for cell in self.cells.values())

    @property
    def slowest(self) -> float | None:
        """The longest last run in seconds."""
        found = [one.check.milliseconds for one in self.cells.values() if one.check.milliseconds is not None]
        return max(found) / 1000 if found else None

    @property
    def age(self) -> float | None:
        """How old the oldest result was at the last heartbeat, in seconds."""
        return max((one.check.age for one in self.cells.values() if one.check.age is not None), default=None)

    @property
    def reason(self) -> str:
        """Why it does not pass in the first process that says so."""
        return next((one.check.reason for one in self.cells.values() if one.check.reason), "")


def lines(roster: Iterable[Instance], *, with_lost: bool = False) -> list[Line]:
    """Return the checks, the worst first; by default without what lost processes told last."""
    living = [instance for instance in roster if with_lost or instance.liveness != "lost"]
    names = dict.fromkeys(name for instance in living for name in instance.checks)
    found = [_line(name, [one for one in living if name in one.checks]) for name in names]
    return sorted(found, key=lambda line: (_RANKS[line.shape], line.is_fine, line.name))


def where(line: Line, roster: Iterable[Instance], *, most: int = 3) -> str:
    """Return in which processes a check has its worst state."""
    if line.is_equal:
        return "everywhere"
    names = [_attention.name_of(instance) for instance in roster if instance.id in line.bad]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(line.bad)} of {len(line.cells)}: {', '.join(names[:most])}{more}"


def columns(found: Iterable[Line], roster: Iterable[Instance]) -> list[Instance]:
    """Return the processes that have a cell in a line that is not equal everywhere."""
    shown: Collection[str] = {id_ for line in found if not line.is_equal for id_ in line.cells}
    return [instance for instance in roster if instance.id in shown]


def _line(name: str, having: Sequence[Instance]) -> Line:
    cells = {
        one.id: Cell(*drawn(one.checks[name].status, one.checks[name].severity), one.checks[name])
        for one in having
    }
    worst = min(cells.values(), key=lambda cell: (_RANKS[cell.shape], cell.check.status == "skip"))
    bad = [id_ for id_, cell in cells.items() if (cell.shape, cell.word) == (worst.shape, worst.word)]
    since = min((moment for id_ in bad if (moment := cells[id_].check.since) is not None), default=None)
    return Line(name, worst.check.severity, worst.shape, worst.word, cells, bad, since)
