"""Which processes have a log level: as they answered, or as the roster tells."""

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from typing import Self

from c2casgiutils import broadcast, instances
from c2casgiutils._names import listed
from c2casgiutils.broadcast.types import Process
from c2casgiutils.instances import Instance
from c2casgiutils.switches import CLUSTER, Setting
from c2casgiutils.tools import _attention, _logger_list
from c2casgiutils.tools._logger_list import Logger, LoggersOfProcess, Override

_MAX_NAMED = 10


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the processes answered.

    Attributes:
        answers: One for each process that answered, by its name.
        silent: The names of the others, and why they gave no answer.
        lost: The names of those that ended without a clean shutdown, which are not asked.
        is_certain: No further process can exist.
    """

    answers: Sequence[tuple[str, LoggersOfProcess]]
    silent: Sequence[tuple[str, str]]
    lost: Sequence[str]
    is_certain: bool

    @classmethod
    def of(cls, reply: broadcast.Reply, roster: Iterable[Instance]) -> Self:
        """Return the answers, and what the roster tells about the processes without one."""
        known = {(one.hostname, one.pid): one for one in roster}
        silent = [
            (_name_of(process), _why(known.get((process.hostname or "", process.pid or 0))))
            for process in (*reply.report.missing, *reply.report.failed)
        ]
        return cls(
            _named(_logger_list.answers_of(reply)),
            silent,
            lost=[_name_of(process) for process in reply.report.lost],
            is_certain=reply.report.roster == "current",
        )

    @classmethod
    def of_this_process(cls, answer: LoggersOfProcess) -> Self:
        """Return the answer of this process, as if no other one had been asked."""
        return cls(_named([answer]), [], [], is_certain=True)

    def with_list(self, own: LoggersOfProcess) -> Self:
        """Return the answers about one logger, together with the list of this process."""
        # their lists were not asked for, so nothing is left out
        others = [
            (process, answer.model_copy(update={"total": 0}))
            for process, answer in self.answers
            if answer.asked is not None and not _is_own(answer)
        ]
        return dataclasses.replace(self, answers=[*_named([own]), *others])

    def find(self, name: str) -> list[tuple[str, Logger]]:
        """Return a logger as each process has it."""
        found = []
        for process, answer in self.answers:
            logger = answer.find(name)
            if logger is not None:
                found.append((process, logger))
        return found


@dataclasses.dataclass(frozen=True)
class Holders:
    """Which processes have the level of a logger.

    Attributes:
        having: Those that have it.
        lacking: Those that should have it and do not, or not as far as known, and why.
        keeping: Those for which alone another level was set, and which.
        lost: Those that ended without a clean shutdown, which are not counted.
        is_certain: No further process can exist.
    """

    having: Sequence[str]
    lacking: Sequence[tuple[str, str]]
    keeping: Sequence[tuple[str, str]] = ()
    lost: Sequence[str] = ()
    is_certain: bool = True

    @property
    def is_complete(self) -> bool:
        """Return whether all processes that should have it are known to have it."""
        return not self.lacking and self.is_certain

    @property
    def singles(self) -> str:
        """The levels of single processes as a sentence, or empty."""
        by_level: dict[str, list[str]] = {}
        for name, level in self.keeping:
            by_level.setdefault(level, []).append(name)
        parts = [f"{level} only in {listed(names, most=_MAX_NAMED)}" for level, names in by_level.items()]
        return f"{', '.join(parts)}, as asked." if parts else ""

    def sentence(self, complete: str) -> str:
        """Return who has the level.

        Args:
            complete: What follows “3 of 3” if all have it.
        """
        total = len(self.having) + len(self.lacking)
        share = f"{len(self.having)} of {total}"
        if self.keeping:
            share = f"{self.singles} {share} {'other' if total == 1 else 'others'}"
        if self.keeping and not total:
            text = f"Each process has a level of its own: {self.singles}"
        elif not self.lacking:
            text = f"{share} {complete}."
        else:
            named = [
                *(f"{name} {why}" for name, why in self.lacking),
                *(f"{name} ok" for name in self.having),
            ]
            text = f"{share} {'has' if len(self.having) == 1 else 'have'} it: "
            text += listed(named, most=_MAX_NAMED)
            if len(self.lacking) == 1:
                text += "; it will apply it when it is back."
            else:
                text += "; they will apply it when they are back."
        if self.lost:
            text += f" Lost and not counted: {listed(self.lost, most=_MAX_NAMED)}."
        return text if self.is_certain else f"{text} Whether there are more processes is not known."


def of_answers(name: str, wanted: Override | None, asked: Asked) -> Holders:
    """Return which processes have the level of all processes, or, for `None`, no level set at run time."""
    having, lacking, keeping = [], [], []
    for process, answer in asked.answers:
        logger = answer.find(name)
        if logger is None and not answer.is_whole:
            continue
        own = None if logger is None else logger.override
        if own is not None and own.scope != CLUSTER:
            keeping.append((process, own.level))
        elif _is_same(own, wanted):
            having.append(process)
        else:
            lacking.append((process, "not yet" if own is None else f"still {own.level}"))
    if wanted is not None or not keeping:  # a level of one process is not expected in those without an answer
        lacking += asked.silent
    return Holders(having, lacking, keeping, asked.lost, asked.is_certain)


def of_roster(setting: Setting, roster: Iterable[Instance], now: datetime.datetime) -> Holders:
    """Return which processes have a level of all processes, according to their heartbeats."""
    told = [one for one in roster if one.applied is not None and one.liveness != "lost"]
    lacking = [one for one in told if _attention.is_behind(one, setting.version, now)]
    return Holders(
        [_attention.name_of(one) for one in told if one not in lacking],
        [(_attention.name_of(one), _age_of(one) or "not yet") for one in lacking],
    )


def _named(answers: Iterable[LoggersOfProcess]) -> list[tuple[str, LoggersOfProcess]]:
    """Return the answers by the name of the process, that of this process first."""
    found = sorted(answers, key=lambda answer: (not _is_own(answer), answer.hostname, answer.pid))
    return [(f"{answer.pid} on {answer.hostname}", answer) for answer in found]


def _is_own(answer: LoggersOfProcess) -> bool:
    own = instances.own()
    return (answer.hostname, answer.pid) == (own.hostname, own.pid)


def _name_of(process: Process) -> str:
    return "a process" if process.pid is None else f"{process.pid} on {process.hostname}"


def _why(instance: Instance | None) -> str:
    age = "" if instance is None else _age_of(instance)
    return f"no answer ({age})" if age else "no answer"


def _age_of(instance: Instance) -> str:
    if instance.liveness == "ok":
        return ""
    return f"{instance.liveness} {instance.beat_age_seconds:.0f} s"


def _is_same(own: Override | None, wanted: Override | None) -> bool:
    """Compare two levels by all but the name, which a process may have registered for a number."""
    if own is None or wanted is None:
        return own is wanted
    return own.model_copy(update={"level": wanted.level}) == wanted
