"""The rows of processes: their state, their order, and filters."""

import datetime
from collections.abc import Iterable
from typing import Any

import pytest

from c2casgiutils import switches
from c2casgiutils.broadcast import ClusterReport
from c2casgiutils.instances import CheckState, Instance
from c2casgiutils.tools import _process_rows
from c2casgiutils.tools._summary import Summary

STARTED = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
BROKEN = {"pool": CheckState(status="fail")}
SLOW = {"pool": CheckState(status="fail", severity="degrading")}
NOTED = {"pool": CheckState(status="fail", severity="info")}


def rows(*roster: Instance, unseen: Iterable[Instance] = (), sort: str = "state") -> list[_process_rows.Row]:
    summary = Summary(
        state="ok",
        attention=[],
        processes=[],
        checks=[],
        levels={},
        cluster=ClusterReport.alone(),
        roster=list(roster),
        unseen=list(unseen),
    )
    return _process_rows.rows(summary, sort=sort)


def instance(pid: int = 1, **fields: Any) -> Instance:
    given = {"state": "ready", "version": "1.0", "started": STARTED, "hostname": "web", **fields}
    return Instance(id=f"{given['hostname']}:{pid}:aa", pid=pid, **given)


@pytest.mark.parametrize(
    ("fields", "states"),
    [
        pytest.param({}, ["ready"], id="ready"),
        pytest.param({"checks": BROKEN}, ["down", "ready"], id="a critical check"),
        pytest.param({"checks": SLOW}, ["degraded", "ready"], id="a degrading check"),
        pytest.param({"checks": NOTED}, ["ready"], id="a check for information"),
        pytest.param({"state": "draining", "checks": SLOW}, ["degraded", "draining"], id="draining"),
        pytest.param({"state": "starting"}, ["starting"], id="starting"),
        pytest.param({"liveness": "late", "checks": BROKEN}, ["late"], id="late"),
        pytest.param({"liveness": "lost", "checks": BROKEN}, ["lost"], id="lost"),
    ],
)
def test_states(fields: dict[str, Any], states: list[str]) -> None:
    """What a silent process told last is not its state."""
    (row,) = rows(instance(**fields))
    assert row.states == states
    assert row.word == states[0]
    assert row.shape == _process_rows.SHAPES[states[0]]


def test_processes_that_cannot_be_seen_now() -> None:
    """They are shown as they were, and not called lost or ready."""
    found = rows(instance(1), unseen=[instance(2, checks=BROKEN), instance(3, liveness="lost")])
    assert {row.instance.pid: row.states for row in found} == {1: ["ready"], 2: ["unseen"], 3: ["lost"]}


async def test_a_process_without_the_last_change_is_behind() -> None:
    """Not if it has not beaten since, unless it is late."""
    await switches.put("level", "c2c.of.the.test", "DEBUG", by="test")
    lacking: dict[str, Any] = {"applied": switches.version() - 1}
    found = rows(
        instance(1, **lacking, beat_age_seconds=-3),
        instance(2, applied=switches.version()),
        instance(3, **lacking),
        instance(4, **lacking, liveness="late"),
        instance(5, **lacking, liveness="lost"),
    )
    assert {row.instance.pid: row.states for row in found} == {
        1: ["behind", "ready"],
        2: ["ready"],
        3: ["ready"],
        4: ["late", "behind"],
        5: ["lost"],
    }


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("state", [3, 1, 2, 4]),
        ("name", [1, 2, 3, 4]),
        ("up", [4, 1, 2, 3]),
        ("version", [2, 1, 3, 4]),
        ("memory", [2, 1, 3, 4]),
        ("beat", [1, 2, 3, 4]),
    ],
)
def test_orders(sort: str, order: list[int]) -> None:
    """The worst first: the longest silence, the largest figure, the last restart."""
    roster = [
        instance(1, liveness="late", beat_age_seconds=9, figures={"rss_bytes": 5}),
        instance(2, version="0.9", figures={"rss_bytes": 7}, beat_age_seconds=3),
        instance(3, checks=BROKEN, beat_age_seconds=2),
        instance(4, started=STARTED + datetime.timedelta(minutes=1)),
    ]
    assert [row.instance.pid for row in rows(*roster, sort=sort)] == order


@pytest.mark.parametrize("sort", _process_rows.COLUMNS)
def test_each_order_bears_any_process(sort: str) -> None:
    """Processes that tell nothing at all can be sorted."""
    roster = [instance(pid, version="", figures={}) for pid in (2, 1)]
    assert [row.instance.pid for row in rows(*roster, sort=sort)] == [1, 2]


@pytest.mark.parametrize(
    ("text", "state", "found"),
    [
        ("", "", [1, 2]),
        ("WEB-B", "", [2]),
        ("1 on", "", [1]),
        ("pool", "", [2]),
        ("2.0", "", [2]),
        ("", "down", [2]),
        ("web-a", "down", []),
        ("", "ready", [1, 2]),
        ("%_*", "", []),
    ],
)
def test_filters(text: str, state: str, found: list[int]) -> None:
    """Name, version and failing checks are searched; the state is any that a process is in."""
    roster = [instance(1, hostname="web-a"), instance(2, hostname="web-b", version="2.0", checks=BROKEN)]
    shown = _process_rows.matching(rows(*roster, sort="name"), text=text, state=state)
    assert [row.instance.pid for row in shown] == found


def test_hosts() -> None:
    roster = [instance(2, hostname="b"), instance(9, hostname="a"), instance(1, hostname="b", checks=BROKEN)]
    found = _process_rows.by_host(rows(*roster))
    assert [(host, [row.instance.pid for row in rows]) for host, rows in found] == [("a", [9]), ("b", [1, 2])]
