"""What needs attention, in rosters of all kinds."""

import datetime
from typing import Any

import pytest

from c2casgiutils.instances import CheckState, DrainState, Instance
from c2casgiutils.switches import Setting
from c2casgiutils.tools import _attention

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def instance(pid: int, **fields: Any) -> Instance:
    given = {"state": "ready", "version": "1.0", "started": NOW - 60 * MINUTE, **fields}
    return Instance(id=f"web:{pid}:aa", hostname="web", pid=pid, **given)


def check(status: str, severity: str = "critical", minutes: int = 5) -> dict[str, CheckState]:
    return {"pool": CheckState(status=status, since=NOW - minutes * MINUTE, severity=severity)}


def find(*roster: Instance, version: int = 0, **levels: Setting) -> list[_attention.Attention]:
    return _attention.find(roster, levels, version=version, now=NOW)


def test_all_is_well() -> None:
    found = find(instance(1, checks=check("pass")), instance(2, checks=check("skip")))
    assert found == []
    assert _attention.worst(found) == "ok"


def test_a_check_that_is_down_in_one_process() -> None:
    """Whichever process answers: where it is down, and since when."""
    found = find(
        instance(1, checks=check("pass")),
        instance(2, checks=check("fail", minutes=4)),
        instance(3, checks=check("pass")),
    )
    (item,) = found
    assert (item.kind, item.state, item.subject) == ("check", "down", "pool")
    assert item.text == "Health check pool is down in 1 of 3: 2 on web"
    assert (item.since, item.processes) == (NOW - 4 * MINUTE, ["web:2:aa"])
    assert _attention.worst(found) == "down"


@pytest.mark.parametrize(
    ("status", "severity", "state"),
    [
        ("fail", "critical", "down"),
        ("fail", "degrading", "degraded"),
        ("warn", "critical", "degraded"),
        ("fail", "info", None),
        ("unknown", "critical", None),
    ],
)
def test_severities(status: str, severity: str, state: str | None) -> None:
    found = find(instance(1, checks=check(status, severity)))
    assert [item.state for item in found] == ([state] if state else [])


def test_the_same_everywhere_is_one_line() -> None:
    (item,) = find(*(instance(pid, checks=check("warn", minutes=pid)) for pid in range(1, 41)))
    assert item.text == "Health check pool is degraded everywhere (40 of 40)"
    assert item.since == NOW - 40 * MINUTE
    assert len(item.processes) == 40


def test_a_check_that_only_the_new_release_has_is_not_everywhere() -> None:
    """A script has no checks, and says nothing about it."""
    old, new = instance(1, checks={"queue": check("pass")["pool"]}), instance(2, checks=check("fail"))
    (item,) = find(old, new, instance(3))
    assert item.text == "Health check pool is down in 1 of 1 with this check: 2 on web"


def test_nothing_is_everywhere_while_others_cannot_be_seen() -> None:
    roster = [instance(1, checks=check("fail"))]
    (item,) = _attention.find(roster, {}, version=0, now=NOW, is_cut_off=True)
    assert item.text == "Health check pool is down in 1 of 1 that can be seen: 1 on web"


def test_a_lost_process_says_when_and_its_checks_no_longer_count() -> None:
    found = find(instance(1), instance(2, liveness="lost", beat_age_seconds=40, checks=check("fail")))
    (item,) = found
    assert (item.kind, item.state) == ("lost", "degraded")
    assert item.text == "Process 2 on web: no heartbeat since 11:59:20 UTC, no clean shutdown"
    assert item.since == NOW - datetime.timedelta(seconds=40)


def test_late_and_draining() -> None:
    late, draining = find(
        instance(1, liveness="late", beat_age_seconds=11), instance(2, state="draining"), instance(3)
    )
    assert (late.kind, late.state, late.processes) == ("late", "degraded", ["web:1:aa"])
    assert (draining.kind, draining.state, draining.since) == ("draining", "ok", None)
    assert draining.text == "Process 2 on web is draining"
    assert (late.remedy, draining.remedy) == ("stacks", "undrain")
    assert "remedy" not in late.model_dump()


@pytest.mark.parametrize(
    ("drain", "end"),
    [
        pytest.param({}, ", until it is undrained", id="by nobody, without an end"),
        pytest.param(
            {"by": "alice", "until": NOW + 3 * MINUTE, "reason": "INC-42"},
            " by alice, until 12:03:00 UTC: INC-42",
            id="everything",
        ),
        pytest.param({"reason": "SIGTERM", "is_final": True}, ", until it stops: SIGTERM", id="stop"),
    ],
)
def test_who_drained_it_and_until_when(drain: dict[str, Any], end: str) -> None:
    (item,) = find(instance(2, state="draining", drain=DrainState(since=NOW - MINUTE, **drain)))
    assert item.text == f"Process 2 on web is draining{end}"
    assert item.since == NOW - MINUTE
    assert item.remedy == ("" if drain.get("is_final") else "undrain")


def test_different_versions() -> None:
    """Since the first process of the second version started; scripts do not count."""
    new = {"version": "1.1", "git_hash": "abcdef123", "started": NOW - 12 * MINUTE}
    (item,) = find(instance(1), instance(2), instance(3, **new), instance(4, version="9", script="job"))
    assert item.text == "Different versions run: 1.0 in 2, 1.1 abcdef1 in 1"
    assert (item.since, item.processes) == (NOW - 12 * MINUTE, ["web:3:aa"])


def test_one_that_is_unlike_the_others() -> None:
    roster = [instance(pid, figures={"rss_bytes": 80e6 + pid * 1e6}) for pid in range(1, 6)]
    assert find(*roster) == []
    (item,) = find(*roster, instance(9, figures={"rss_bytes": 2e9}))
    assert (item.kind, item.processes) == ("unlike", ["web:9:aa"])
    assert item.text == "Process 9 on web: rss 1907 MiB, the others 80 MiB"


def test_a_few_processes_are_not_compared() -> None:
    assert find(instance(1, figures={"rss_bytes": 1e6}), instance(2, figures={"rss_bytes": 2e9})) == []


def test_who_does_not_have_the_last_change() -> None:
    """Only a process that has sent a heartbeat after the change, or that sends none any more."""
    version = int((NOW - MINUTE).timestamp() * 1000)
    has = instance(1, applied=version)
    assert find(has, instance(2, applied=version - 1, beat_age_seconds=60), version=version) == []
    (item,) = find(has, instance(2, applied=version - 1, beat_age_seconds=3), version=version)
    assert (item.kind, item.text) == ("partial", "1 of 2 have the last change: not yet 2 on web")
    assert item.processes == ["web:2:aa"]
    silent = instance(2, applied=version - 1, beat_age_seconds=62, liveness="late")
    late, partial = find(has, silent, version=version)
    assert (late.kind, partial.kind, partial.processes) == ("late", "partial", ["web:2:aa"])
    assert partial.text == "1 of 2 have the last change: not yet 2 on web (late)"
    lost = instance(2, applied=version - 1, beat_age_seconds=62, liveness="lost")
    assert [item.kind for item in find(has, lost, version=version)] == ["lost"]


def test_levels() -> None:
    since = NOW.timestamp()
    (item,) = find(
        instance(1),
        orders=Setting("DEBUG", 1, since, expires=since + 60, by="alice", reason="INC-42"),
    )
    assert item.text == "Logger orders is at DEBUG by alice, until 12:01:00 UTC: INC-42"
    assert (item.state, item.since) == ("ok", NOW)


def test_what_is_not_named_is_counted() -> None:
    """A line that names some processes does not read as if these were all."""
    version = int((NOW - MINUTE).timestamp() * 1000)
    bad = [instance(pid, checks=check("fail"), applied=version - 1) for pid in range(1, 6)]
    texts = {item.kind: item.text for item in find(*bad, instance(6, checks=check("pass")), version=version)}
    assert texts["check"] == "Health check pool is down in 5 of 6: 1 on web, 2 on web, 3 on web and 2 more"
    assert texts["partial"].endswith(": not yet 1 on web, 2 on web, 3 on web and 2 more")


def test_many_levels_are_counted() -> None:
    """The line of those that have none of their own is the last one."""
    levels = {f"logger_{number}": Setting("DEBUG", 1, 10.0 + number) for number in range(55)}
    found = _attention.find([instance(1)], levels, version=0, now=NOW)
    assert len(found) == 51
    assert (found[-1].subject, found[-1].text) == ("", "The levels of 5 more loggers are set")


def test_the_worst_first() -> None:
    found = find(
        instance(1, checks=check("fail")), instance(2, liveness="late"), instance(3, state="draining")
    )
    assert [item.kind for item in found] == ["check", "late", "draining"]
