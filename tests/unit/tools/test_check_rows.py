"""The lines of health checks."""

import datetime
from typing import Any

import pytest

from c2casgiutils.instances import CheckState, Instance
from c2casgiutils.tools import _check_rows

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def instance(pid: int, status: str | None = "pass", *, liveness: str = "ok", **fields: Any) -> Instance:
    checks = {} if status is None else {"pool": CheckState(status=status, **fields)}
    return Instance.model_validate(
        {
            "id": f"web:{pid}:aa",
            "hostname": "web",
            "pid": pid,
            "started": NOW,
            "checks": checks,
            "liveness": liveness,
        }
    )


@pytest.mark.parametrize(
    ("status", "severity", "drawn"),
    [
        ("pass", "critical", ("pass", "ok")),
        ("fail", "critical", ("fail", "down")),
        ("fail", "degrading", ("warn", "down, degrading")),
        ("fail", "info", ("skip", "down, for information")),
        ("warn", "critical", ("warn", "degraded")),
        ("warn", "info", ("skip", "degraded, for information")),
        ("skip", "critical", ("skip", "not configured")),
        ("unknown", "critical", ("skip", "no result yet")),
        ("of a newer release", "critical", ("skip", "no result yet")),
        ("fail", "of a newer release", ("warn", "down, degrading")),
    ],
)
def test_drawing(status: str, severity: str, drawn: tuple[str, str]) -> None:
    """Red is for critical checks only."""
    assert _check_rows.drawn(status, severity) == drawn


def test_one_process_is_different() -> None:
    """The line has the worst state, where it is, and since when."""
    roster = [
        instance(1),
        instance(2, "fail", since=NOW - 4 * MINUTE, reason="pool exhausted", milliseconds=2_000),
        instance(3, "fail", since=NOW - 9 * MINUTE),
        instance(4, None),
        instance(5, "fail", liveness="lost"),
    ]
    (line,) = _check_rows.lines(roster)
    assert (line.shape, line.word, line.since) == ("fail", "down", NOW - 9 * MINUTE)
    assert (line.is_equal, line.is_fine) == (False, False)
    assert (line.reason, line.slowest) == ("pool exhausted", 2.0)
    assert _check_rows.where(line, roster) == "2 of 3: 2 on web, 3 on web"
    assert [one.pid for one in _check_rows.columns([line], roster)] == [1, 2, 3]


def test_many_are_different() -> None:
    roster = [instance(0), *(instance(pid, "fail") for pid in range(1, 8))]
    (line,) = _check_rows.lines(roster)
    assert _check_rows.where(line, roster) == "7 of 8: 1 on web, 2 on web, 3 on web and 4 more"


@pytest.mark.parametrize(
    ("status", "is_fine"), [("pass", True), ("skip", True), ("warn", False), ("unknown", False)]
)
def test_equal_everywhere(status: str, is_fine: bool) -> None:
    """No cell is needed for what is the same in each process."""
    roster = [instance(pid, status) for pid in range(50)]
    (line,) = _check_rows.lines(roster)
    assert (line.is_equal, line.is_fine) == (True, is_fine)
    assert _check_rows.where(line, roster) == "everywhere"
    assert _check_rows.columns([line], roster) == []


def test_what_a_lost_process_told_last() -> None:
    lost = instance(1, "fail", liveness="lost")
    assert _check_rows.lines([lost]) == []
    assert [line.word for line in _check_rows.lines([lost], with_lost=True)] == ["down"]


def test_the_worst_first() -> None:
    checks = {
        "a": CheckState(status="pass"),
        "b": CheckState(status="skip"),
        "c": CheckState(status="warn"),
        "d": CheckState(status="fail"),
        "e": CheckState(status="unknown"),
    }
    one = instance(1).model_copy(update={"checks": checks})
    assert [line.name for line in _check_rows.lines([one])] == ["d", "c", "e", "b", "a"]
