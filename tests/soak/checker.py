"""Judge the record of a run, in the manner of Jepsen: what was acknowledged must be true.

Each rule returns sentences, one for each violation. A rule never blames the cluster for what it cannot know:
a process that was cut off when Redis forgot everything is unknown to the others until it is back, and one
that was told to end may have left the roster before it exits.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from tests.soak.record import FOREVER, NO_MEMORY, Change, Checkpoint, Life, Read, Record, Report

RECOVERY_SECONDS = 5.0
"""The promise: all works again that long after Redis is back."""
_EXPIRY_BEATS = 3
_LATE_BEATS = 1.5
_JITTER = 1.1
_MARGIN = 2
"""Bounds of time are doubled: the machine that tests is slow."""

NOT_SET = "NOTSET"


def settle_seconds(beat: float) -> float:
    """Return how long after the last fault everything may take to be equal."""
    return RECOVERY_SECONDS + _MARGIN * beat * _JITTER


class Checker:
    """The rules and what they share.

    Args:
        record: Of a run that is over.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._settle = settle_seconds(record.beat)
        self._lives = {life.pid: life for life in record.lives}
        self._reads: defaultdict[tuple[int, str], list[Read]] = defaultdict(list)
        for read in record.reads:
            self._reads[read.pid, read.name].append(read)
        self._writes = {(change.name, change.value): change for change in record.changes}

    def violations(self) -> list[str]:
        """Return all violations, sorted by rule."""
        rules: list[Callable[[], Iterator[str]]] = [
            self._omitted,
            self._dead_listed,
            self._dead_waited_for,
            self._called_lost,
            self._lost_changes,
            self._stale_processes,
            self._backwards,
            self._not_equal,
            self._failed,
            self._idle,
        ]
        return [violation for rule in rules for violation in rule()]

    def _failed(self) -> Iterator[str]:
        for error in self._record.errors:
            yield f"failed: {error}"

    def _idle(self) -> Iterator[str]:
        if not any(change.report for change in self._record.changes):
            yield "idle: no change was acknowledged, so that none could be lost"

    # Who is accounted for

    def _omitted(self) -> Iterator[str]:
        for what, _, start, end, report in self._reports():
            if report.unnamed or not (report.current or report.complete):  # it says that it does not know all
                continue
            expected = {life.pid for life in self._known(start, end)}
            silent = sorted(expected - report.named)
            if len(silent) > report.others:
                yield (
                    f"omitted: {what} at {start:.2f} does not account for {len(silent) - report.others} "
                    f"of the live processes {silent}{self._context(start, report)}"
                )

    def _context(self, time: float, report: Report) -> str:
        """Return what the answer was and what had happened, to understand a violation without the record."""
        return f" (answer: {report}; story: {self._record.recent(time)})"

    def _known(self, start: float, end: float) -> Iterator[Life]:
        """Yield the processes that were to live all that time and of which the others know."""
        for life in self._record.lives:
            if life.is_to_live(start - self._settle, end) and not self._is_unknown(life, start):
                yield life

    def _is_unknown(self, life: Life, time: float) -> bool:
        """Return whether nobody can know a process: it could not enter the roster, or enter it again."""
        entered = [(life.ready, life.ready), *((loss.start, loss.end) for loss in self._record.losses)]
        return any(
            start <= time
            and trouble.start <= end + self._settle
            and trouble.end >= start
            and time <= trouble.end + self._settle
            for start, end in entered
            for trouble in self._record.troubles
            if trouble.concerns(life.pid)
        )

    def _called_lost(self) -> Iterator[str]:
        for what, _, start, end, report in self._reports():
            for pid in report.lost:
                life = self._lives.get(pid)
                if life is not None and life.ended > end and not self._is_troubled(pid, start, end):
                    yield (
                        f"called lost: {what} at {start:.2f} says so of the live process {pid}"
                        f"{self._context(start, report)}"
                    )

    def _is_troubled(self, pid: int, start: float, end: float) -> bool:
        return any(
            trouble.concerns(pid) and trouble.start <= end and start <= trouble.end + self._settle
            for trouble in self._record.troubles
        )

    def _dead_listed(self) -> Iterator[str]:
        for listing in self._record.listings:
            for pid, liveness in listing.liveness.items():
                life = self._lives.get(pid)
                if life is None or life.ended == FOREVER:
                    continue
                silent = listing.start - life.ended
                if liveness == "late" and self._is_undecided(life, listing.start):
                    continue
                if liveness != "lost" and silent > self._beats(_EXPIRY_BEATS):
                    yield f"dead listed: {pid} is {liveness}, {silent:.1f} s after its end"
                elif liveness == "ok" and silent > self._beats(_LATE_BEATS):
                    yield f"dead listed: {pid} is ok, {silent:.1f} s after its end"
                elif silent > self._settle and self._said_goodbye(life):
                    yield f"dead listed: {pid} is {liveness}, but it left {silent:.1f} s ago"

    def _is_undecided(self, life: Life, time: float) -> bool:
        """Return whether Redis refused all beats before the entry of a dead process expired."""
        return any(
            trouble.what == NO_MEMORY
            and trouble.start < life.ended + self._beats(_EXPIRY_BEATS)
            and life.ended <= trouble.end
            and time <= trouble.end + self._settle
            for trouble in self._record.troubles
        )

    def _said_goodbye(self, life: Life) -> bool:
        return life.clean and not self._is_troubled(life.pid, life.ended, life.ended)

    def _dead_waited_for(self) -> Iterator[str]:
        for what, _, start, _, report in self._reports():
            for pid in report.missing if report.current else ():
                silent = start - self._lives[pid].ended if pid in self._lives else 0
                if silent > self._beats(_EXPIRY_BEATS):
                    yield (
                        f"dead waited for: {what} at {start:.2f} asked {pid}, dead for {silent:.1f} s"
                        f"{self._context(start, report)}"
                    )

    def _beats(self, number: float) -> float:
        return _MARGIN * number * self._record.beat * _JITTER

    def _reports(self) -> Iterator[tuple[str, int, float, float, Report]]:
        for question in self._record.questions:
            if question.report is not None:
                yield "a question", question.pid, question.start, question.end, question.report
        for change in self._record.changes:
            if change.report is not None:
                yield f"the change {change.value}", change.pid, change.start, change.end, change.report

    # What was acknowledged

    def _lost_changes(self) -> Iterator[str]:
        for checkpoint in self._record.checkpoints:
            if checkpoint.difference:
                continue
            for change in self._record.changes:
                present = checkpoint.levels.get(change.name, NOT_SET)
                if present != NOT_SET and (change.name, present) not in self._writes:
                    yield f"out of nowhere: {change.name} is {present} at {checkpoint.end:.2f}"
                elif self._is_lost(change, present, checkpoint):
                    yield (
                        f"lost change: {change.name} is {present} at {checkpoint.end:.2f}, "
                        f"but {change.value} was acknowledged at {change.end:.2f}"
                    )

    def _is_lost(self, change: Change, present: str, checkpoint: Checkpoint) -> bool:
        acknowledged = change.report is not None and change.end <= checkpoint.start
        return acknowledged and self._is_older(present, change) and self._is_kept(change, checkpoint)

    def _is_older(self, value: str, change: Change) -> bool:
        """Return whether a value was replaced before a change began."""
        write = self._writes.get((change.name, value))
        return write is None or write.end < change.start

    def _is_kept(self, change: Change, checkpoint: Checkpoint) -> bool:
        """Return whether the store never forgot a change, or a process that applied it still lives."""
        forgotten = any(
            loss.start <= checkpoint.end and loss.end >= change.start for loss in self._record.losses
        )
        holders = (self._lives.get(pid) for pid in self._holders(change))
        return not forgotten or any(life and life.ended > checkpoint.end for life in holders)

    def _holders(self, change: Change) -> Iterable[int]:
        """Return the processes that had a change: its writer, those seen with it, or told to have it."""
        report = change.report
        assert report is not None
        seen = {
            read.pid for read in self._record.reads if (read.name, read.value) == (change.name, change.value)
        }
        told = {life.pid for life in self._known(change.start, change.end)} if report.complete else set()
        return seen | told | {change.pid}

    def _stale_processes(self) -> Iterator[str]:
        """Find processes that a change did not reach, though its answer names nobody who lacks it."""
        for change in self._record.changes:
            report = change.report
            if report is None or not report.current:
                continue
            told = {life.pid for life in self._known(change.start, change.end)} - report.missing - report.lost
            for pid in told:
                for read in self._reads[pid, change.name]:
                    if read.start >= change.end and self._is_older(read.value, change):
                        yield (
                            f"stale process: {pid} has {change.name} {read.value} at {read.start:.2f}, "
                            f"but {change.value} was acknowledged at {change.end:.2f} without naming it"
                            f"{self._context(change.end, report)}"
                        )
                        break

    def _backwards(self) -> Iterator[str]:
        """Find processes that went back to an older value."""
        for (pid, name), reads in self._reads.items():
            for earlier, later in itertools.product(reads, reads):
                write = self._writes.get((name, earlier.value))
                if write and earlier.end <= later.start and self._is_older(later.value, write):
                    yield (
                        f"backwards: {pid} had {name} {earlier.value} at {earlier.end:.2f}, "
                        f"and has the older {later.value} at {later.start:.2f}"
                    )
                    break

    def _not_equal(self) -> Iterator[str]:
        for checkpoint in self._record.checkpoints:
            if checkpoint.difference:
                took = checkpoint.end - checkpoint.start
                yield f"not equal: {took:.1f} s after the last fault, {checkpoint.difference}"
