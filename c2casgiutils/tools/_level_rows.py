"""The levels that were set at run time, as the page shows them, with the processes that have them."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping

from c2casgiutils import broadcast, switches
from c2casgiutils.broadcast import ClusterReport
from c2casgiutils.broadcast.types import Process
from c2casgiutils.switches import CLUSTER, SwitchesUnavailableError
from c2casgiutils.tools import _levels, _logger_list
from c2casgiutils.tools._logger_list import Override

MAX_ROWS = 200


@dataclasses.dataclass(frozen=True)
class Row:
    """A level, and which processes have it.

    Attributes:
        name: The logger.
        override: The level.
        having: The processes that have it.
        lacking: Those that should have it, and why they do not.
        differing: Those that have a level of their own, with another scope.
        seconds_left: Until it ends; `None` for a level without an end.
    """

    name: str
    override: Override
    having: list[str]
    lacking: list[str]
    differing: list[str]
    seconds_left: float | None

    @property
    def is_of_cluster(self) -> bool:
        """Return whether it is for every process."""
        return self.override.scope == CLUSTER


@dataclasses.dataclass(frozen=True)
class Rows:
    """The levels.

    Attributes:
        rows: By name.
        more: How many more there are.
        is_partial: Only this process could be asked, as Redis is unreachable.
        is_alone: Without Redis, only this process is known and can be changed.
    """

    rows: list[Row]
    more: int = 0
    is_partial: bool = False
    is_alone: bool = False


async def collect() -> Rows:
    """Ask every process which levels it has."""
    is_partial = is_alone = False
    try:
        await _levels.overrides()
        is_alone = switches.scope() == "process"
    except SwitchesUnavailableError:
        is_partial = True
    reply = await _logger_list.ask_all(MAX_ROWS)
    found = _merge(_answers(reply), reply.report)
    return dataclasses.replace(found, is_partial=is_partial, is_alone=is_alone)


@dataclasses.dataclass(frozen=True)
class _Answer:
    """The levels of one process, by logger, and how many it has in all."""

    process: str
    overrides: Mapping[str, Override]
    total: int

    @property
    def is_whole(self) -> bool:
        """Return whether all of its levels are known."""
        return self.total == len(self.overrides)


def _answers(reply: broadcast.Reply) -> list[_Answer]:
    return [
        _Answer(f"{answer.pid} on {answer.hostname}", answer.overrides(), answer.total)
        for answer in _logger_list.answers_of(reply)
    ]


def _merge(answers: list[_Answer], report: ClusterReport) -> Rows:
    newest: dict[tuple[str, str], Override] = {}
    for answer in answers:
        for name, override in answer.overrides.items():
            known = newest.get((name, override.scope))
            if known is None or known.since < override.since:
                newest[name, override.scope] = override
    silent = [_silent(process) for process in (*report.missing, *report.failed)]
    now = datetime.datetime.fromtimestamp(switches.now(), tz=datetime.UTC)
    keys = sorted(newest, key=lambda key: (key[0] != "root", key))
    rows = [_row(name, newest[name, scope], answers, silent, now) for name, scope in keys[:MAX_ROWS]]
    total = max([len(keys), *(answer.total for answer in answers)])
    return Rows(rows, total - len(rows))


def _silent(process: Process) -> str:
    name = "a process" if process.pid is None else f"{process.pid} on {process.hostname}"
    return f"{name}: no answer"


def _row(
    name: str,
    override: Override,
    answers: Iterable[_Answer],
    silent: list[str],
    now: datetime.datetime,
) -> Row:
    having, lacking, differing = [], [], []
    for answer in answers:
        own = answer.overrides.get(name)
        if own is not None and _is_same(own, override):
            having.append(answer.process)
        elif override.scope != CLUSTER:
            continue
        elif own is not None and own.scope != CLUSTER:
            differing.append(answer.process)
        elif own is not None or answer.is_whole:
            lacking.append(f"{answer.process}: not yet")
    if override.scope == CLUSTER:
        lacking += silent
    left = None if override.expires is None else max(0.0, (override.expires - now).total_seconds())
    return Row(name, override, having, lacking, differing, left)


def _is_same(own: Override, override: Override) -> bool:
    """Compare two levels by all but the name, which a process may have registered for a number."""
    return own.model_copy(update={"level": override.level}) == override
