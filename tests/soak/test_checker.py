"""The checker of the soak test finds each kind of violation, and blames nobody without a reason."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.soak.checker import Checker
from tests.soak.load import read_report
from tests.soak.record import (
    NO_MEMORY,
    Change,
    Checkpoint,
    Life,
    Listing,
    Loss,
    Question,
    Read,
    Record,
    Report,
    Trouble,
)

A, B, C = 101, 102, 103
ALL = frozenset({A, B, C})
COMPLETE = Report(complete=True, current=True, answered=ALL)
OF_A = Report(complete=True, current=True, answered=frozenset({A}), others=2)
NAME = "soak.a"


def good() -> Record:
    """A run of three processes in which nothing went wrong."""
    return Record(
        beat=1,
        lives=[Life(A, 0), Life(B, 0), Life(C, 0)],
        questions=[Question(A, 20, 20.1, COMPLETE), Question(B, 50, 50.1, COMPLETE)],
        changes=[
            Change(A, NAME, "SOAK1", 21, 21.1, OF_A),
            Change(B, NAME, "SOAK2", 30, 30.1, dataclasses.replace(OF_A, answered=frozenset({B}))),
        ],
        reads=[Read(C, NAME, "SOAK1", 22, 22.1), Read(C, NAME, "SOAK2", 31, 31.1)],
        listings=[Listing(A, 40, 40.1, dict.fromkeys(ALL, "ok"))],
        checkpoints=[Checkpoint(60, 61, "", {NAME: "SOAK2"})],
    )


def violations(record: Record) -> list[str]:
    """The kinds of the violations."""
    return [violation.partition(":")[0] for violation in Checker(record).violations()]


def _without_c(record: Record) -> None:
    record.questions.append(Question(A, 40, 41, Report(complete=True, current=True, answered=ALL - {C})))


def _without_c_and_incomplete(record: Record) -> None:
    report = Report(complete=False, current=True, answered=frozenset({A}), missing=frozenset({B}))
    record.questions.append(Question(A, 40, 41, report))


def _stale_and_complete(record: Record) -> None:
    record.questions.append(
        Question(A, 40, 41, Report(complete=True, current=False, answered=frozenset({A})))
    )


def _stopped_and_omitted(record: Record) -> None:
    record.troubles.append(Trouble("stopped", C, 30, 45))
    _without_c(record)


def _omitted_before_it_was_told_to_end(record: Record) -> None:
    record.lives[2].clean, record.lives[2].ending, record.lives[2].ended = True, 61, 62
    _without_c(record)


def _change_without_c(record: Record) -> None:
    record.changes[-1].report = Report(complete=True, current=True, answered=frozenset({B}), others=1)


def _dead_is_late(record: Record) -> None:
    record.lives[2].ended = 60
    record.listings.append(Listing(A, 70, 70.1, {A: "ok", B: "ok", C: "late"}))


def _dead_is_ok(record: Record) -> None:
    record.lives[2].ended = 60
    record.listings.append(Listing(A, 64, 64.1, {A: "ok", B: "ok", C: "ok"}))


def _dead_is_late_again(record: Record) -> None:
    record.lives[2].ended = 60
    record.troubles.append(Trouble(NO_MEMORY, None, 80, 86))
    record.listings.append(Listing(A, 82, 82.1, {A: "ok", B: "late", C: "late"}))


def _left_is_listed(record: Record) -> None:
    record.lives[2].ended, record.lives[2].clean = 60, True
    record.listings.append(Listing(A, 70, 70.1, {A: "ok", B: "ok", C: "lost"}))


def _dead_is_waited_for(record: Record) -> None:
    record.lives[2].ended = 60
    report = Report(complete=False, current=True, answered=ALL - {C}, missing=frozenset({C}))
    record.questions.append(Question(A, 70, 72, report))


def _alive_is_called_lost(record: Record) -> None:
    report = Report(complete=True, current=True, answered=ALL - {C}, lost=frozenset({C}))
    record.questions.append(Question(A, 40, 41, report))


def _older_at_the_end(record: Record) -> None:
    record.checkpoints = [Checkpoint(60, 61, "", {NAME: "SOAK1"})]


def _nothing_at_the_end(record: Record) -> None:
    record.checkpoints = [Checkpoint(60, 61, "", {NAME: "NOTSET"})]


def _lost_though_a_holder_lives(record: Record) -> None:
    record.losses.append(Loss("FLUSHALL", 40, 40.1))
    record.lives[0].ended = record.lives[1].ended = 55
    _older_at_the_end(record)


def _out_of_nowhere(record: Record) -> None:
    record.checkpoints = [Checkpoint(60, 61, "", {NAME: "DEBUG"})]


def _did_not_get_it(record: Record) -> None:
    record.reads[1] = Read(C, NAME, "SOAK1", 31, 31.1)


def _went_back(record: Record) -> None:
    record.changes[1].report, record.changes[1].end = None, 30.1
    record.reads.append(Read(C, NAME, "SOAK1", 40, 40.1))


def _not_equal(record: Record) -> None:
    record.checkpoints.append(Checkpoint(70, 80, "1 has DEBUG, 2 has INFO", {}))


def _error_of_the_server(record: Record) -> None:
    record.errors.append("a change was answered with 500")


def _nothing_acknowledged(record: Record) -> None:
    for change in record.changes:
        change.report = None


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (_without_c, "omitted"),
        (_without_c_and_incomplete, "omitted"),
        (_stale_and_complete, "omitted"),
        (_stopped_and_omitted, "omitted"),
        (_omitted_before_it_was_told_to_end, "omitted"),
        (_change_without_c, "omitted"),
        (_dead_is_late, "dead listed"),
        (_dead_is_ok, "dead listed"),
        (_dead_is_late_again, "dead listed"),
        (_left_is_listed, "dead listed"),
        (_dead_is_waited_for, "dead waited for"),
        (_alive_is_called_lost, "called lost"),
        (_older_at_the_end, "lost change"),
        (_nothing_at_the_end, "lost change"),
        (_lost_though_a_holder_lives, "lost change"),
        (_out_of_nowhere, "out of nowhere"),
        (_did_not_get_it, "stale process"),
        (_went_back, "backwards"),
        (_not_equal, "not equal"),
        (_error_of_the_server, "failed"),
        (_nothing_acknowledged, "idle"),
    ],
)
def test_finds(spoil: Callable[[Record], None], kind: str) -> None:
    """Each violation alone is found, in a record that is fine without it."""
    record = good()
    assert violations(record) == []
    spoil(record)
    assert kind in violations(record)


def _named_as_missing(record: Record) -> None:
    report = Report(complete=False, current=True, answered=ALL - {C}, missing=frozenset({C}))
    record.questions.append(Question(A, 40, 41, report))


def _stale_and_incomplete(record: Record) -> None:
    record.questions.append(
        Question(A, 40, 41, Report(complete=False, current=False, answered=frozenset({A})))
    )


def _just_started(record: Record) -> None:
    record.lives.append(Life(104, 45))
    record.questions.append(Question(A, 47, 48, COMPLETE))


def _ended_meanwhile(record: Record) -> None:
    record.lives[2].ended = 62.5
    record.questions.append(Question(A, 62, 63, Report(complete=True, current=True, answered=ALL - {C})))


def _left_before_it_exits(record: Record) -> None:
    record.lives[2].clean, record.lives[2].ending, record.lives[2].ended = True, 61, 64
    record.questions.append(Question(A, 62, 63, Report(complete=True, current=True, answered=ALL - {C})))
    of_a = Report(complete=True, current=True, answered=frozenset({A}), others=1)
    record.changes.append(Change(A, NAME, "SOAK3", 62, 62.1, of_a))


def _writer_did_not_confirm(record: Record) -> None:
    report = Report(complete=False, current=True, others=2, missing=frozenset({B}))
    record.changes.append(Change(B, NAME, "SOAK3", 62, 62.1, report))


def _cut_off_when_all_was_forgotten(record: Record) -> None:
    record.troubles.append(Trouble("black hole", C, 38, 45))
    record.losses.append(Loss("FLUSHALL", 39, 39.1))
    _without_c(record)


def _lost_while_stopped(record: Record) -> None:
    record.troubles.append(Trouble("stopped", C, 30, 45))
    _alive_is_called_lost(record)


def _dead_for_a_moment(record: Record) -> None:
    record.lives[2].ended = 61.5
    record.listings.append(Listing(A, 62, 62.1, {A: "ok", B: "ok", C: "ok"}))


def _listed_as_lost(record: Record) -> None:
    record.lives[2].ended = 61.5
    record.listings.append(Listing(A, 80, 80.1, {A: "ok", B: "ok", C: "lost"}))


def _dead_while_beats_are_refused(record: Record) -> None:
    record.lives[2].ended = 80.5
    record.troubles.append(Trouble(NO_MEMORY, None, 80, 90))
    record.listings.append(Listing(A, 90, 90.1, {A: "ok", B: "late", C: "late"}))


def _lost_with_all_holders(record: Record) -> None:
    record.lives += [Life(104, 45)]
    for life in record.lives[:3]:
        life.ended = 55
    record.losses.append(Loss("FLUSHALL", 40, 40.1))
    _older_at_the_end(record)


def _unknown_change_made(record: Record) -> None:
    record.changes.append(Change(A, NAME, "SOAK3", 40))
    record.checkpoints = [Checkpoint(60, 61, "", {NAME: "SOAK3"})]


def _concurrent_changes(record: Record) -> None:
    record.changes[0].end = 30.05
    record.reads.pop()
    _older_at_the_end(record)


def _reads_at_once(record: Record) -> None:
    record.changes[1].report = None
    record.reads.append(Read(C, NAME, "SOAK1", 29, 32))


@pytest.mark.parametrize(
    "change",
    [
        _named_as_missing,
        _stale_and_incomplete,
        _just_started,
        _ended_meanwhile,
        _left_before_it_exits,
        _writer_did_not_confirm,
        _cut_off_when_all_was_forgotten,
        _lost_while_stopped,
        _dead_for_a_moment,
        _listed_as_lost,
        _dead_while_beats_are_refused,
        _lost_with_all_holders,
        _unknown_change_made,
        _concurrent_changes,
        _reads_at_once,
    ],
)
def test_blames_nobody(change: Callable[[Record], None]) -> None:
    """Valid observations that look like violations are accepted."""
    record = good()
    change(record)
    assert violations(record) == []


def test_a_violation_tells_the_answer_and_the_faults() -> None:
    """Who reads only the log of a test sees what was answered, and what had happened shortly before."""
    record = good()
    record.story = [
        (10, "long ago"),
        (32.5, "latency of 0.05 s: 101"),
        (38, "process 104 serves"),
        (41, "later"),
    ]
    _without_c(record)
    (text,) = Checker(record).violations()
    assert text == (
        "omitted: a question at 40.00 does not account for 1 of the live processes [103] "
        "(answer: complete True, roster current, answered [101, 102], missing [], lost [], "
        "0 others, 0 unnamed; story: latency of 0.05 s: 101 7.50 s before, process 104 serves 2.00 s before)"
    )


MISSING_A, MISSING_B, MISSING_C, UNNAMED = ({"pid": pid, "hostname": "host"} for pid in (A, B, C, None))


@pytest.mark.parametrize(
    ("cluster", "report"),
    [
        pytest.param({"answered": 3, "complete": True}, OF_A, id="complete"),
        pytest.param(
            {"answered": 2, "missing": [MISSING_A], "behind": [MISSING_A]},
            Report(complete=False, current=True, others=2, missing=frozenset({A})),
            id="the writer itself is missing",
        ),
        pytest.param(
            {"answered": 3, "behind": [MISSING_B]},
            Report(complete=False, current=True, answered=frozenset({A}), others=1, missing=frozenset({B})),
            id="one answers with an older version",
        ),
        pytest.param(
            {"answered": 1, "failed": [MISSING_C], "behind": [MISSING_B, MISSING_C], "lost": [MISSING_A]},
            Report(
                complete=False,
                current=True,
                missing=frozenset({B, C}),
                answered=frozenset({A}),
                lost=frozenset({A}),
            ),
            id="one is older, one failed",
        ),
        pytest.param(
            {"answered": 1, "missing": [UNNAMED] * 2, "behind": [UNNAMED] * 2, "roster": "stale"},
            Report(complete=False, current=False, answered=frozenset({A}), unnamed=2),
            id="the roster is not known",
        ),
    ],
)
def test_reads_the_report_of_a_change(cluster: dict[str, Any], report: Report) -> None:
    """Each process counts once: as answered, missing or behind."""
    empty: dict[str, Any] = {"missing": [], "failed": [], "complete": False}
    assert read_report({**empty, **cluster}, A) == report
