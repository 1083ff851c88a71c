"""The data of the overview: what needs attention, processes and checks."""

import dataclasses
import datetime
from collections.abc import Sequence

from c2casgiutils import instances, switches
from c2casgiutils.instances import Instance
from c2casgiutils.tools import _check_rows, _problems, _process_rows, _spread
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._check_rows import Letters, Line
from c2casgiutils.tools._problems import Problem
from c2casgiutils.tools._process_rows import Row
from c2casgiutils.tools._spread import Spread
from c2casgiutils.tools._summary import Summary

MAX_ROWS = 12
"""Up to so many processes are all shown, with a cell for each check."""
_MAX_WORST = 10
_MAX_LINES = 20


@dataclasses.dataclass(frozen=True)
class Processes:
    """The table of the processes: all of them if they are few, otherwise the first ones.

    Attributes:
        rows: What the table shows.
        sort: The column that they are sorted by.
        total: How many processes there are.
        hosts: All processes by host, for the squares; empty if the table shows all.
        spread: How a figure is spread over all processes; `None` if the table shows them.
    """

    rows: Sequence[Row]
    sort: str
    total: int
    hosts: Sequence[tuple[str, Sequence[Row]]]
    spread: Spread | None = None


@dataclasses.dataclass(frozen=True)
class Checks:
    """The checks that are not well in every process, and the number of the others.

    Attributes:
        lines: The worst first; where each is, and a letter for each process if these have no columns.
        columns: The processes that have cells; empty if these are too many, or no check differs.
        fine: The number of checks that are well everywhere.
        unknown: The number of checks without a result in any process.
        more: The number of lines left out.
    """

    lines: Sequence[tuple[Line, str, Letters | None]]
    columns: Sequence[Instance]
    fine: int
    unknown: int
    more: int

    @property
    def total(self) -> int:
        """The number of checks."""
        return len(self.lines) + self.fine + self.unknown + self.more


@dataclasses.dataclass(frozen=True)
class Overview:
    """All data of the overview."""

    at: datetime.datetime
    problems: list[Problem]
    table: Processes
    checks: Checks
    last_change: tuple[str, str, datetime.datetime] | None
    scope: str

    @property
    def first_problems(self) -> Sequence[Problem]:
        """The worst ones, which leave the processes in view."""
        return self.problems[:MAX_ROWS]

    @property
    def other_problems(self) -> Sequence[Problem]:
        """Those after the worst ones."""
        return self.problems[MAX_ROWS:]


def of(summary: Summary, caller: Caller, *, sort: str) -> Overview:
    """Return what a reader sees."""
    roster = summary.roster
    return Overview(
        at=datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC),
        problems=_problems.lines(summary.attention, _problems.remedies_of(caller)),
        table=_table(summary, sort),
        checks=_checks(roster),
        last_change=_last_change(roster),
        scope=instances.scope(),
    )


def _table(summary: Summary, sort: str) -> Processes:
    found = _process_rows.rows(summary, sort=sort)
    if len(found) <= MAX_ROWS:
        return Processes(found, sort, len(found), [])
    hosts = _process_rows.by_host(found)
    return Processes(found[:_MAX_WORST], sort, len(found), hosts, _spread.of(found, sort))


def _checks(roster: Sequence[Instance]) -> Checks:
    living = [one for one in roster if one.liveness != "lost"]
    lines = _check_rows.lines(living)
    unknown = [line for line in lines if line.is_equal and line.word == _check_rows.NO_RESULT]
    shown = [line for line in lines if not line.is_fine and line not in unknown]
    rows, columns = _check_rows.rows(shown[:_MAX_LINES], living, _check_rows.columns(shown, living))
    return Checks(
        rows,
        columns,
        fine=len(lines) - len(shown) - len(unknown),
        unknown=len(unknown),
        more=max(0, len(shown) - _MAX_LINES),
    )


def _last_change(roster: Sequence[Instance]) -> tuple[str, str, datetime.datetime] | None:
    """Return the check whose state is the newest one, the state, and when it began."""
    changes = [
        (name, _check_rows.drawn(check.status, check.severity)[1], check.since)
        for instance in roster
        for name, check in instance.checks.items()
        if check.since is not None
    ]
    return max(changes, key=lambda change: change[2], default=None)
