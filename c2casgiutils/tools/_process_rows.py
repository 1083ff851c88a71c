"""The processes as the pages show them: a state in one word, figures, and the order that was asked for."""

import dataclasses
import datetime
import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from c2casgiutils import switches
from c2casgiutils.instances import Instance
from c2casgiutils.tools import _attention, _check_rows, _figures
from c2casgiutils.tools._figures import Figure

if TYPE_CHECKING:
    from c2casgiutils.tools._summary import Summary

SHAPES = {
    "down": "fail",
    "lost": "fail",
    "late": "warn",
    "unseen": "skip",
    "degraded": "warn",
    "starting": "skip",
    "stopping": "skip",
    "draining": "skip",
    "behind": "warn",
    "ready": "pass",
}
"""The states of a process and how they are drawn, the worst first."""
_RANKS = {word: rank for rank, word in enumerate(SHAPES)}


@dataclasses.dataclass(frozen=True)
class Row:
    """A process.

    Attributes:
        instance: What the roster knows of it.
        states: All states that it is in, the worst first.
        failing: Its checks that are down or degraded.
        beat_at: When it sent its last heartbeat.
    """

    instance: Instance
    states: Sequence[str]
    failing: Sequence[str]
    beat_at: datetime.datetime

    @functools.cached_property
    def figures(self) -> Mapping[str, Figure]:
        """By name, see `_figures.TITLES`."""
        return _figures.of(self.instance)

    @property
    def other_figures(self) -> Mapping[str, float]:
        """Those that the application registered, and the rest."""
        return _figures.others(self.instance)

    @property
    def word(self) -> str:
        """The worst state."""
        return self.states[0]

    @property
    def shape(self) -> str:
        """How the state is drawn."""
        return SHAPES[self.word]

    @property
    def name(self) -> str:
        """The process as people write it."""
        return _attention.name_of(self.instance)

    @property
    def version(self) -> str:
        """The version of the application, with the commit."""
        return _attention.version_of(self.instance.version, self.instance.git_hash or "")

    @property
    def texts(self) -> Iterable[str]:
        """What a search looks at."""
        one = self.instance
        return (self.name, one.id, one.version, one.git_hash or "", one.script, *self.failing)


@dataclasses.dataclass(frozen=True)
class Column:
    """A column that rows can be sorted by, the worst first."""

    title: str
    key: Callable[[Row], tuple[float | str, ...]]
    order: Literal["ascending", "descending"] = "ascending"


def _by_figure(name: str) -> Callable[[Row], tuple[float | str, ...]]:
    def key(row: Row) -> tuple[float | str, ...]:
        value = row.figures[name].value
        return (float("inf") if value is None else -value,)

    return key


COLUMNS: Mapping[str, Column] = {
    "name": Column("Process", lambda _: ()),
    "state": Column("State", lambda row: (_RANKS[row.word],)),
    "up": Column("Up", lambda row: (-row.instance.started.timestamp(),)),
    "version": Column("Version", lambda row: (row.version,)),
    **{name: Column(title, _by_figure(name), "descending") for name, title in _figures.TITLES.items()},
    "beat": Column("Last beat", lambda row: (row.beat_at.timestamp(),), "descending"),
}
"""The columns by the value of `sort`."""


def rows(summary: "Summary", *, sort: str = "state") -> list[Row]:
    """Return the processes, those that need attention first, or in the order of a column."""
    return rows_of(summary.roster, summary.unseen, sort=sort)


def rows_of(roster: Iterable[Instance], unseen: Iterable[Instance] = (), *, sort: str = "state") -> list[Row]:
    """Return the processes of a roster.

    Args:
        roster: The processes that can be seen.
        unseen: Those that cannot be seen now, as they were before.
        sort: One of `COLUMNS`.
    """
    now = datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC)
    version = switches.version()
    found = [_row(instance, _states(instance, version, now), now) for instance in roster]
    found += [
        _row(instance, {"lost" if instance.liveness == "lost" else "unseen"}, now) for instance in unseen
    ]
    return sorted(found, key=lambda row: (*COLUMNS[sort].key(row), row.instance.hostname, row.instance.pid))


def by_host(found: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Return the processes of each host."""
    ordered = sorted(found, key=lambda row: (row.instance.hostname, row.instance.pid))
    return [
        (host, list(group)) for host, group in itertools.groupby(ordered, lambda row: row.instance.hostname)
    ]


def matching(found: Iterable[Row], *, text: str, state: str) -> list[Row]:
    """Return the processes that a filter lets through.

    Args:
        found: The processes.
        text: A part of the name, id, version, commit or a failing check; all if empty.
        state: One of `SHAPES`; all if empty.
    """
    wanted = text.casefold()
    return [
        row
        for row in found
        if (not state or state in row.states) and any(wanted in one.casefold() for one in row.texts)
    ]


def _states(instance: Instance, version: int, now: datetime.datetime) -> Collection[str]:
    if instance.liveness == "lost":
        return {"lost"}
    words = {"behind"} if _attention.is_behind(instance, version, now) else set[str]()
    if instance.liveness != "ok":
        return {instance.liveness, *words}
    return {instance.state, _health_of(instance), *words} & _RANKS.keys()


def _row(instance: Instance, states: Collection[str], now: datetime.datetime) -> Row:
    failing = [name for name, check in instance.checks.items() if _check_rows.is_bad(check)]
    return Row(
        instance,
        sorted(states, key=_RANKS.__getitem__),
        failing,
        now - datetime.timedelta(seconds=instance.beat_age_seconds),
    )


def _health_of(instance: Instance) -> str:
    words = {_check_rows.drawn(check.status, check.severity)[0] for check in instance.checks.values()}
    return "down" if "fail" in words else "degraded" if "warn" in words else ""
