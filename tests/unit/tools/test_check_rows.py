"""The lines of health checks."""

import datetime
import re
from typing import Any

import pytest

from c2casgiutils import instances
from c2casgiutils.instances import CheckState, Instance
from c2casgiutils.tools import _check_rows, _pages

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def instance(pid: int, status: str | None = "pass", *, liveness: str = "ok", **fields: Any) -> Instance:
    checks = fields.pop("checks", {}) if status is None else {"pool": CheckState(status=status, **fields)}
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


@pytest.mark.parametrize(
    ("lacks_it", "cut_off", "where"),
    [
        (instance(2, None), False, "everywhere"),
        (
            instance(2, None, checks={"queue": CheckState(status="pass")}),
            False,
            "1 of 1 with this check: 1 on web",
        ),
        (instance(2, None), True, "1 of 1 that can be seen: 1 on web"),
    ],
    ids=["a script", "an old release", "without Redis"],
)
def test_where_not_all_have_it(
    lacks_it: Instance, cut_off: bool, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What some processes do not have, or others cannot show, is not everywhere."""
    monkeypatch.setattr(instances, "is_cut_off", lambda: cut_off)
    roster = [instance(1), lacks_it]
    line = next(line for line in _check_rows.lines(roster) if line.name == "pool")
    assert _check_rows.where(line, roster) == where


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


@pytest.mark.parametrize(
    ("liveness", "beat_age", "told", "is_old"),
    [
        pytest.param("ok", 4, {"age": 9, "kept": 10}, False, id="may have run since the heartbeat"),
        pytest.param("ok", 4, {"age": 40, "kept": 10}, True, id="its event loop did not run it"),
        pytest.param("late", 40, {"age": 1, "kept": 10}, True, id="the process is blocked or suspended"),
        pytest.param("late", 8, {"age": 1, "kept": 10}, True, id="nobody knows whether it has run since"),
        pytest.param("ok", 4, {"age": 40}, False, id="of an older release"),
        pytest.param("late", 40, {}, False, id="never"),
    ],
)
def test_results_that_are_too_old(
    liveness: str, beat_age: float, told: dict[str, Any], *, is_old: bool
) -> None:
    """A state is known up to the last run of the check, and no longer once that is too long ago."""
    one = instance(1, liveness=liveness, **told)
    one.beat_age_seconds = beat_age
    (line,) = _check_rows.lines([one])
    assert line.cells[one.id].is_old is is_old
    assert (line.ran_at is not None) is is_old


def test_one_process_that_still_looks_is_enough() -> None:
    """The state of a line is current if it is in one of the processes with the worst state."""
    old, new = instance(1, liveness="late", age=1, kept=0.5), instance(2, age=1, kept=10)
    assert _check_rows.lines([old, new])[0].ran_at is None
    assert _check_rows.lines([old])[0].ran_at is not None


def test_durations_end_with_the_last_run() -> None:
    """Time in which nobody looked does not count."""
    held = _pages.templates().from_string(
        '{% from "macros.html" import held %}{{ held(since, ran_at, now) }}'
    )
    since, ran_at = NOW - 10 * MINUTE, NOW - 2 * MINUTE
    assert re.sub("<.*?>", "", held.render(since=since, ran_at=None, now=NOW)) == "10 min 0 s"
    shown = re.sub("<.*?>", "", held.render(since=since, ran_at=ran_at, now=NOW))
    assert shown == "8 min 0 s at the last run, 2 min 0 s ago"
