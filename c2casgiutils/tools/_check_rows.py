"""The health checks as the pages show them: one line for each, and a cell for each process."""

import collections
import dataclasses
import datetime
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Self

from c2casgiutils import instances, switches
from c2casgiutils._names import listed
from c2casgiutils.instances import CheckState, Instance
from c2casgiutils.tools import _attention

_DRAWN = {"pass": ("pass", "ok"), "skip": ("skip", "not configured"), "warn": ("warn", "degraded")}
NO_RESULT = "no result yet"
MAX_COLUMNS = 12
"""How many processes have a column each; of more, each has a letter."""

_MAX_NAMED = 3
_RANKS = {"fail": 0, "warn": 1, "skip": 2, "pass": 3}
_LETTERS = {"pass": "·", "warn": "!", "fail": "x", "skip": "-"}


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
class Letters:
    """States, one letter each; `counts` tells them to those who do not see them."""

    text: str
    counts: str

    @classmethod
    def of(cls, groups: Iterable[Sequence[tuple[str, str]]]) -> Self:
        """Return the letters of groups of shapes and words."""
        groups = list(groups)
        text = " ".join("".join(_LETTERS.get(shape, "_") for shape, _ in group) for group in groups)
        counts = collections.Counter(word for group in groups for _, word in group)
        return cls(text, ", ".join(f"{number} {word}" for word, number in counts.most_common()))


@dataclasses.dataclass(frozen=True)
class Cell:
    """A check in one process.

    Attributes:
        shape: The state.
        word: The state.
        check: What the process told.
        ran_at: The end of its last run; `None` before the first one.
        is_old: The last run is too long ago to tell the present state.
    """

    shape: str
    word: str
    check: CheckState
    ran_at: datetime.datetime | None
    is_old: bool

    @classmethod
    def of(cls, instance: Instance, name: str) -> Self:
        """Return a check of a process."""
        check = instance.checks[name]
        shape, word = drawn(check.status, check.severity)
        if check.age is None:
            return cls(shape, word, check, None, is_old=False)
        age = check.age + instance.beat_age_seconds
        ran_at = datetime.datetime.fromtimestamp(switches.now() - age, tz=datetime.UTC)
        is_silent = instance.liveness != "ok" or (
            instances.is_cut_off() and instance.id != instances.own_id()
        )
        # a process that beats may have run it since its last beat
        is_old = is_silent or (check.kept is not None and check.age > check.kept)
        return cls(shape, word, check, ran_at, is_old=is_old)


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
        ran_at: The last run in the worst state, if it is too long ago to tell the present one.
    """

    name: str
    severity: str
    shape: str
    word: str
    cells: Mapping[str, Cell]
    bad: Sequence[str]
    since: datetime.datetime | None
    ran_at: datetime.datetime | None

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
    def reason(self) -> str:
        """Why it does not pass in the first process that says so."""
        return next((one.check.reason for one in self.cells.values() if one.check.reason), "")


def lines(roster: Iterable[Instance], *, with_lost: bool = False) -> list[Line]:
    """Return the checks, the worst first; by default without what lost processes told last."""
    living = [instance for instance in roster if with_lost or instance.liveness != "lost"]
    names = dict.fromkeys(name for instance in living for name in instance.checks)
    found = [_line(name, [one for one in living if name in one.checks]) for name in names]
    return sorted(found, key=lambda line: (_RANKS[line.shape], line.is_fine, line.name))


def where(line: Line, roster: Iterable[Instance]) -> str:
    """Return in which processes a check has its worst state."""
    roster = list(roster)
    is_cut_off = instances.is_cut_off()
    checked = len(line.cells) + sum(
        bool(one.checks) for one in roster if one.liveness != "lost" and one.id not in line.cells
    )
    if len(line.bad) == checked and not is_cut_off:
        return "everywhere"
    share = _attention.share_of(len(line.bad), len(line.cells), checked, is_cut_off=is_cut_off)
    names = (_attention.name_of(instance) for instance in roster if instance.id in line.bad)
    return f"{share}: {listed(names, most=_MAX_NAMED)}"


def letters(line: Line, roster: Iterable[Instance]) -> Letters:
    """Return the states of a check in the processes that have checks, those of a host together."""
    by_host = sorted((one for one in roster if one.checks), key=lambda one: one.hostname)
    groups = [list(group) for _, group in itertools.groupby(by_host, key=lambda one: one.hostname)]
    cells = [[line.cells.get(one.id) for one in group] for group in groups]
    return Letters.of(
        [("", "without it") if cell is None else (cell.shape, cell.word) for cell in group] for group in cells
    )


def rows(
    found: Iterable[Line], roster: Sequence[Instance], shown: Sequence[Instance]
) -> tuple[list[tuple[Line, str, Letters | None]], Sequence[Instance]]:
    """Return what a table of checks shows.

    Args:
        found: The checks.
        roster: All processes.
        shown: Those that should have columns.

    Returns:
        The checks, each with the processes in its worst state, and with letters if it differs between them
        and they have no columns; and the processes with columns: none if they are too many.
    """
    columns = shown if len(shown) <= MAX_COLUMNS else []
    return [
        (line, where(line, roster), None if columns or line.is_equal else letters(line, roster))
        for line in found
    ], columns


def columns(found: Iterable[Line], roster: Iterable[Instance]) -> list[Instance]:
    """Return the processes that have a cell in a line that is not equal everywhere."""
    shown: Collection[str] = {id_ for line in found if not line.is_equal for id_ in line.cells}
    return [instance for instance in roster if instance.id in shown]


def _line(name: str, having: Sequence[Instance]) -> Line:
    cells = {one.id: Cell.of(one, name) for one in having}
    worst = min(cells.values(), key=lambda cell: (_RANKS[cell.shape], cell.check.status == "skip"))
    bad = [id_ for id_, cell in cells.items() if (cell.shape, cell.word) == (worst.shape, worst.word)]
    since = min((moment for id_ in bad if (moment := cells[id_].check.since) is not None), default=None)
    ran_at = max((moment for id_ in bad if (moment := cells[id_].ran_at) is not None), default=None)
    is_old = all(cells[id_].is_old for id_ in bad)
    return Line(
        name, worst.check.severity, worst.shape, worst.word, cells, bad, since, ran_at if is_old else None
    )
