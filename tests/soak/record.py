"""What a run of the soak test saw: everything that was asked and answered, and when what was broken.

All times are seconds of the monotonic clock of the process that drives the run. A process is known by its
pid.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOREVER = float("inf")
NO_MEMORY = "noeviction"
"""The trouble in which Redis refuses all writes, beats too."""

_RECENT_SECONDS = 15.0


@dataclass(slots=True)
class Life:
    """One process, from the first answer to its end.

    Attributes:
        ended: When it had exited.
        clean: Whether it could do its own shutdown.
        ending: When it was told to end: it may leave the roster at any time from then on.
    """

    pid: int
    ready: float
    ended: float = FOREVER
    clean: bool = False
    ending: float = FOREVER

    def is_to_live(self, start: float, end: float) -> bool:
        """Return whether it was ready before, and nobody had told it to end."""
        return self.ready < start and end < min(self.ending, self.ended)


@dataclass(slots=True)
class Trouble:
    """What kept a process, or with no pid all of them, from working with Redis for some time."""

    what: str
    pid: int | None
    start: float
    end: float = FOREVER

    def concerns(self, pid: int) -> bool:
        return self.pid in (None, pid)


@dataclass(slots=True)
class Loss:
    """Redis may have forgotten what it had acknowledged before `end`."""

    what: str
    start: float
    end: float = FOREVER


@dataclass(frozen=True, slots=True)
class Report:
    """Who answered, as the caller was told.

    Attributes:
        complete: Whether everybody did.
        current: Whether it was known who everybody is.
        answered: Who did, as far as the answer names them.
        others: How many more did, whom the answer does not name.
        missing: Who did not, failed, or answered with an older version.
        lost: Who vanished.
        unnamed: How many are missing without a name.
    """

    complete: bool
    current: bool
    answered: frozenset[int] = frozenset()
    others: int = 0
    missing: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()
    unnamed: int = 0

    @property
    def named(self) -> frozenset[int]:
        return self.answered | self.missing | self.lost

    def __str__(self) -> str:
        roster = "current" if self.current else "stale"
        pids = {"answered": self.answered, "missing": self.missing, "lost": self.lost}
        lists = ", ".join(f"{name} {sorted(found)}" for name, found in pids.items())
        known = f"complete {self.complete}, roster {roster}, {lists}"
        return f"{known}, {self.others} others, {self.unnamed} unnamed"


@dataclass(frozen=True, slots=True)
class Question:
    """A broadcast with answers; no report: it could not be asked."""

    pid: int
    start: float
    end: float
    report: Report | None


@dataclass(slots=True)
class Change:
    """A level that was set. `end` is infinite while it is not known whether the change was made."""

    pid: int
    name: str
    value: str
    start: float
    end: float = FOREVER
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The level of a logger in one process."""

    pid: int
    name: str
    value: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Listing:
    """The roster as one process shows it: the pids with their liveness."""

    pid: int
    start: float
    end: float
    liveness: dict[int, str]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All processes and the store, compared after everything was mended.

    Attributes:
        start: When all faults were repaired and no change was in progress.
        end: When all was equal, or when the waiting for that ended.
        difference: What was not equal at the end, empty if nothing.
        levels: The levels by logger that all agree on.
    """

    start: float
    end: float
    difference: str
    levels: dict[str, str]


@dataclass(slots=True)
class Record:
    """A whole run."""

    beat: float
    faults: list[str] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    story: list[tuple[float, str]] = field(default_factory=list)

    def recent(self, time: float) -> str:
        """Return what happened in the last seconds before a time, the oldest first."""
        events = [(at, text) for at, text in self.story if time - _RECENT_SECONDS <= at <= time]
        return ", ".join(f"{text} {time - at:.2f} s before" for at, text in events) or "nothing"

    def counts(self) -> str:
        """Return how much was seen."""
        acknowledged = sum(change.report is not None for change in self.changes)
        answered = sum(question.report is not None for question in self.questions)
        return (
            f"{len(self.faults)} faults, {len(self.lives)} processes, "
            f"{acknowledged} of {len(self.changes)} changes acknowledged, "
            f"{answered} of {len(self.questions)} questions answered, {len(self.reads)} reads, "
            f"{len(self.listings)} rosters, {len(self.checkpoints)} checkpoints"
        )

    def write(self, path: Path) -> None:
        """Write everything as JSON, to look at it after the run."""
        path.write_text(json.dumps(dataclasses.asdict(self), default=_plain, indent=1), encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(type(value))
