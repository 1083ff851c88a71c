"""What a broadcast gives back."""

import os
import socket
from typing import Any

import pytest

from c2casgiutils import broadcast
from c2casgiutils.broadcast import BroadcastResponse, ClusterReport, FailedAnswer, MissingAnswer
from c2casgiutils.broadcast._calls import Call
from c2casgiutils.broadcast._codec import decode
from c2casgiutils.broadcast._envelope import AnswerHeader
from c2casgiutils.broadcast._handlers import Outcome
from c2casgiutils.broadcast.utils import add_host_info
from c2casgiutils.instances import Member

_GOOD = BroadcastResponse[int](hostname="web", pid=1, payload=1)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (None, (0, 0, 0, 0, True)),
        ([], (0, 0, 0, 0, True)),
        ([_GOOD], (1, 1, 0, 0, True)),
        ([_GOOD, MissingAnswer("web", 2)], (2, 1, 1, 0, False)),
        ([_GOOD, MissingAnswer(), FailedAnswer("web", 3, error="no")], (3, 1, 1, 1, False)),
    ],
    ids=["no answers asked", "nobody", "all", "one missing", "one missing, one failed"],
)
def test_report_sums_up(answers: Any, expected: tuple[Any, ...]) -> None:
    report = ClusterReport.of(answers)
    counts = report.asked, report.answered, len(report.missing), len(report.failed), report.complete
    assert counts == expected


def test_report_names_the_processes() -> None:
    report = ClusterReport.of([MissingAnswer("web", 2), FailedAnswer("web", 3, error="no")])
    assert report.model_dump() == {
        "asked": 2,
        "answered": 0,
        "missing": [{"hostname": "web", "pid": 2, "reason": "timeout"}],
        "failed": [{"hostname": "web", "pid": 3, "error": "no"}],
        "lost": [],
        "complete": False,
        "roster": "current",
    }


def test_report_of_a_stale_roster_is_not_complete() -> None:
    assert ClusterReport.of([_GOOD]).complete
    assert not ClusterReport.of([_GOOD], roster="stale").complete


def test_missing_answer_without_arguments() -> None:
    assert MissingAnswer() == MissingAnswer(None, None)
    assert isinstance(FailedAnswer(error="no"), broadcast.MissingAnswer)


def test_host_is_added() -> None:
    answer = add_host_info({"a": 1})
    assert (answer.hostname, answer.pid, answer.payload) == (socket.gethostname(), os.getpid(), {"a": 1})


def _member(name: str) -> Member:
    return Member(name, "web", 1, frozenset())


def _header(name: str) -> AnswerHeader:
    return AnswerHeader(id="call", sender=name, at=0, hostname="web", pid=1)


async def test_answers_that_nobody_expects_count_and_second_ones_do_not() -> None:
    """A live process that the roster does not show yet is never discarded, whenever its answer comes."""
    call = Call()
    for name, payload in (("stranger", b"0"), ("a", b"1"), ("a", b"2")):
        call.add(_header(name), Outcome(payload))
    call.expect([_member("a"), _member("b")])
    call.add(_header("other stranger"), Outcome(b"3"))
    await call.wait(0.01)
    assert [getattr(answer, "payload", None) for answer in call.result(decode)] == [0, 1, 3, None]


async def test_missing_ones_are_not_waited_for() -> None:
    call = Call()
    call.add(_header("a"), Outcome(b"1"))
    unreachable = MissingAnswer("web", 2, reason="unreachable")
    call.expect([_member("a")], [unreachable])
    await call.wait(60)
    assert call.result(decode)[1:] == [unreachable]


async def test_without_a_roster_the_number_counts() -> None:
    call = Call()
    call.add(_header("a"), Outcome(b"1"))
    call.expect_count(2)
    await call.wait(0.01)
    assert call.result(decode)[1] == MissingAnswer()
    call.add(_header("b"), Outcome(b"2"))
    await call.wait(60)
    assert len(call.result(decode)) == 2
