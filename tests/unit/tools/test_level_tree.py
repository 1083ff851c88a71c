"""The tree of the loggers, and which processes have the level of one."""

import datetime
from typing import Any

import pytest

from c2casgiutils import instances
from c2casgiutils.broadcast import ClusterReport, Reply
from c2casgiutils.broadcast.types import FailedProcess, LostProcess, MissingProcess
from c2casgiutils.switches import Setting
from c2casgiutils.tools import _level_holders, _level_tree
from c2casgiutils.tools._level_holders import Asked
from c2casgiutils.tools._logger_list import Logger, LoggersOfProcess, Override

SETTING = Setting("DEBUG", version=5_000, since=5.0)
OTHER = Setting("INFO", version=4_000, since=4.0)


def logger(name: str, setting: Setting | None = None, effective: str = "WARNING") -> Logger:
    override = None if setting is None else Override.of(setting)
    level = "NOTSET" if setting is None else setting.value
    return Logger(
        name=name,
        level=level,
        effective_level=effective if setting is None else setting.value,
        configured_level="NOTSET",
        override=override,
    )


def answer(pid: int, *loggers: Logger, **fields: Any) -> LoggersOfProcess:
    values = {"total": len(loggers), "shown": len(loggers), "hostname": "web", **fields}
    return LoggersOfProcess(loggers=list(loggers), pid=pid, **values)


def ask(*answers: LoggersOfProcess, seen: tuple[instances.Instance, ...] = (), **report: Any) -> Asked:
    silent = [*report.get("missing", ()), *report.get("failed", ())]
    fields: dict[str, Any] = {"missing": [], "failed": [], "lost": [], "roster": "current", **report}
    found = ClusterReport(
        asked=len(answers) + len(silent), answered=len(answers), complete=not silent, **fields
    )
    return Asked.of(Reply([one.model_dump(mode="json") for one in answers], found), seen)


def instance(pid: int, applied: int | None, **fields: Any) -> instances.Instance:
    now = SETTING.since_at
    return instances.Instance(
        id=f"web:{pid}:a", hostname="web", pid=pid, started=now, applied=applied, **fields
    )


HAS, HAS_NOT = logger("app", SETTING), logger("app")
OWN = Setting("ERROR", version=6_000, since=6.0, scope="web:2:a")
MISSING = MissingProcess(hostname="web", pid=3)
FAILED = FailedProcess(hostname="web", pid=3)
LATE = instance(3, 4_000, liveness="late", beat_age_seconds=11.2)
SENTENCES: dict[str, tuple[Asked, str]] = {
    "all": (ask(answer(1, HAS), answer(2, HAS)), "2 of 2 applied DEBUG."),
    "late": (
        ask(answer(1, HAS), missing=[MISSING], seen=(LATE,)),
        "1 of 2 has it: 3 on web no answer (late 11 s), 1 on web ok; it will apply it when it is back.",
    ),
    "several": (
        ask(answer(1, HAS_NOT), answer(2, logger("app", OTHER)), failed=[FAILED]),
        (
            "0 of 3 have it: 1 on web not yet, 2 on web still INFO, 3 on web no answer; "
            "they will apply it when they are back."
        ),
    ),
    "own": (
        ask(answer(1, HAS), answer(2, logger("app", OWN))),
        "ERROR only in 2 on web, as asked. 1 of 1 other applied DEBUG.",
    ),
    "several of their own": (
        ask(answer(1, HAS), answer(2, logger("app", OWN)), answer(3, logger("app", OWN)), answer(4, HAS)),
        "ERROR only in 2 on web, 3 on web, as asked. 2 of 2 others applied DEBUG.",
    ),
    "own and late": (
        ask(answer(1, HAS), answer(2, logger("app", OWN)), missing=[MISSING], seen=(LATE,)),
        (
            "ERROR only in 2 on web, as asked. 1 of 2 others has it: 3 on web no answer (late 11 s), "
            "1 on web ok; it will apply it when it is back."
        ),
    ),
    "all their own": (
        ask(answer(2, logger("app", OWN))),
        "Each process has a level of its own: ERROR only in 2 on web, as asked.",
    ),
    "without a name": (
        ask(answer(1, HAS), missing=[MissingProcess()]),
        "1 of 2 has it: a process no answer, 1 on web ok; it will apply it when it is back.",
    ),
    "lost": (
        ask(answer(1, HAS), lost=[LostProcess(hostname="web", pid=9, since=SETTING.since_at)]),
        "1 of 1 applied DEBUG. Lost and not counted: 9 on web.",
    ),
    "stale": (
        ask(answer(1, HAS), roster="stale"),
        "1 of 1 applied DEBUG. Whether there are more processes is not known.",
    ),
    "cut off list": (ask(answer(1, HAS), answer(2, total=300, shown=0)), "1 of 1 applied DEBUG."),
    "many": (
        ask(*(answer(pid, HAS) for pid in range(1, 20)), missing=[MISSING]),
        "19 of 20 have it: 3 on web no answer, "
        + ", ".join(f"{pid} on web ok" for pid in range(1, 10))
        + " and 10 more; it will apply it when it is back.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_who_has_a_level(case: str) -> None:
    """Everybody who has no level is named, with the reason, before those who have it."""
    asked, expected = SENTENCES[case]
    holders = _level_holders.of_answers("app", Override.of(SETTING), asked)
    assert holders.sentence("applied DEBUG") == expected
    own = ("own", "several of their own", "all their own")
    assert holders.is_complete == (case in ("all", "lost", "cut off list", *own))


@pytest.mark.parametrize(
    ("others", "told", "is_partial"),
    [
        pytest.param((answer(1, HAS_NOT),), "", False, id="has none"),
        pytest.param((), " No answer: 3 on web.", False, id="silent"),
        pytest.param((answer(1, HAS),), None, True, id="still has one of all"),
    ],
)
def test_a_level_of_one_process(
    others: tuple[LoggersOfProcess, ...], told: str | None, *, is_partial: bool
) -> None:
    """Nobody else should have it, so nobody lacks it; who still has one that ended is told all the same."""
    missing = [] if others else [MISSING]
    asked = ask(answer(2, logger("app", OWN)), *others, missing=missing)
    row = rows(asked, {}, selected="app")["app"]
    assert row.is_partial == is_partial
    only = "ERROR only in 2 on web, as asked."
    if told is None:
        assert row.holders.startswith(f"No level is set. {only} 0 of 1 other have it: 1 on web still DEBUG;")
    else:
        assert row.holders == f"{only} No level is set for all processes.{told}"


def test_who_has_a_level_by_the_roster() -> None:
    """Who has the version, told by the heartbeats; scripts that tell none and lost processes do not count.

    Who has not beaten since the change may have it, but not if the next heartbeat does not come.
    """
    roster = [
        instance(1, 5_000),
        instance(2, 6_000),
        instance(3, 4_999),
        instance(4, None),
        instance(5, 4_000, liveness="lost"),
        instance(6, 4_000, beat_age_seconds=8),
        instance(7, 4_000, beat_age_seconds=8, liveness="late"),
    ]
    now = datetime.datetime.fromtimestamp(12, tz=datetime.UTC)
    holders = _level_holders.of_roster(SETTING, roster, now)
    assert holders.having == ["1 on web", "2 on web", "6 on web"]
    assert holders.lacking == [("3 on web", "not yet"), ("7 on web", "late 8 s")]


def rows(asked: Asked, levels: dict[str, Setting], **options: Any) -> dict[str, _level_tree.Row]:
    tree = _level_tree.build(asked, levels, **{"is_search": True, "roster": [], **options})
    found: dict[str, _level_tree.Row] = {}
    waiting = list(tree.rows)
    while waiting:
        row = waiting.pop()
        found[row.name] = row
        waiting += row.children
    return found


@pytest.mark.parametrize("changed", ["app", "app.db", "app.db.pool"])
def test_what_was_changed_is_in_sight(changed: str) -> None:
    """A logger is open if one below it was changed."""
    asked = ask(answer(1, *(logger(name) for name in ("app", "app.db", "app.db.pool"))))
    found = rows(asked, {changed: SETTING})
    opened = [found[name].is_above_notable for name in ("app", "app.db")]
    assert opened == [changed != "app", changed == "app.db.pool"]


def test_the_answers_are_about_the_selected_logger_only() -> None:
    """The others were not asked for, so the roster tells who has their levels."""
    both = {"app": SETTING, "other": SETTING}
    own = instances.own()
    listed = answer(own.pid, HAS, logger("other", SETTING), hostname=own.hostname)
    asked = ask(answer(own.pid, asked=HAS, hostname=own.hostname), answer(2, asked=HAS_NOT)).with_list(listed)
    roster = [instance(1, 5_000), instance(2, 5_000)]
    found = rows(asked, both, selected="app", is_search=False, roster=roster)
    assert found["app"].holders.startswith("1 of 2 has it: 2 on web not yet")
    assert found["other"].holders == ""
    behind = [instance(1, 5_000), instance(2, 4_000)]
    found = rows(asked, both, selected="app", is_search=False, roster=behind)
    assert found["other"].holders.startswith("1 of 2 has it: 2 on web not yet")
    assert found["other"].is_partial


def test_processes_that_differ() -> None:
    """Named with the level in effect, whatever the reason is."""
    asked = ask(
        answer(1, logger("app")), answer(2, logger("app", effective="INFO")), answer(3, logger("app"))
    )
    row = rows(asked, {})["app"]
    assert (row.differing, row.is_asked) == (["2 on web INFO"], False)


@pytest.mark.parametrize(
    ("loggers", "singles", "differing", "is_asked"),
    [
        pytest.param((logger("app.db", OWN),), {}, "2 on web ERROR", True, id="its own"),
        pytest.param(
            (logger("app.db", effective="ERROR"),),
            {"app": "ERROR"},
            "2 on web ERROR (set for app)",
            True,
            id="of the parent",
        ),
        pytest.param(
            (logger("app.db", effective="ERROR"),),
            {"root": "ERROR"},
            "2 on web ERROR (set for root)",
            True,
            id="of the root",
        ),
        pytest.param(
            (logger("app.db", effective="INFO"),),
            {"app": "ERROR"},
            "2 on web INFO",
            False,
            id="of a parent that is not the nearest",
        ),
        pytest.param((logger("app.db", SETTING),), {"app": "DEBUG"}, "2 on web DEBUG", False, id="of all"),
    ],
)
@pytest.mark.parametrize("first", [1, 2])
def test_a_process_that_differs_as_asked(
    loggers: tuple[Logger, ...], singles: dict[str, str], differing: str, first: int, *, is_asked: bool
) -> None:
    """It is named, whichever process answers, and is no warning if the level was set for it alone."""
    answers = [answer(pid, logger("app.db")) for pid in (1, 3)]
    answers.insert(2 * (first - 1), answer(2, *loggers, singles=singles))
    row = rows(ask(*answers), {})["app.db"]
    assert (row.differing, row.is_asked) == ([differing], is_asked)


def test_one_that_differs_as_asked_beside_one_that_does_not() -> None:
    asked = ask(
        answer(1, logger("app")), answer(2, logger("app", OWN)), answer(3, logger("app", effective="INFO"))
    )
    row = rows(asked, {})["app"]
    assert (row.differing, row.is_asked) == (["2 on web ERROR", "3 on web INFO"], False)


def test_packages() -> None:
    """A package with several loggers is a row, also if Python knows none of its name; not in a search."""
    asked = ask(answer(1, logger("app.a"), logger("app.b"), logger("alone.a")))
    assert set(rows(asked, {}, is_search=False)) == {"app", "app.a", "app.b", "alone.a"}
    assert set(rows(asked, {})) == {"app.a", "app.b", "alone.a"}
    tree = _level_tree.build(asked, {}, is_search=False, roster=[])
    assert tree.total == 3
