"""The report of an answer that is read from the roster, in the same form as that of a call."""

import datetime
from typing import Any

from c2casgiutils import instances
from c2casgiutils.broadcast import _current
from c2casgiutils.broadcast.types import ClusterReport, LostProcess, MissingProcess


def report_roster(roster: list[instances.Instance], *, now: float | None = None) -> ClusterReport:
    """Return which processes send heartbeats: those that are late are missing.

    Args:
        roster: All processes.
        now: When they were read, by the clock of Redis; by default just now.
    """
    read_at = _current.now() if now is None else now
    late = [MissingProcess(**_named(instance)) for instance in roster if instance.liveness == "late"]
    lost = [
        LostProcess(**_named(instance), since=_moment(read_at - instance.beat_age_seconds))
        for instance in roster
        if instance.liveness == "lost"
    ]
    asked = len(roster) - len(lost)
    currency = "stale" if instances.is_cut_off() else instances.currency()
    return ClusterReport(
        asked=asked,
        answered=asked - len(late),
        missing=late,
        failed=[],
        lost=lost,
        complete=not late and currency == "current",
        roster=currency,
    )


def _named(instance: instances.Instance) -> dict[str, Any]:
    return {"hostname": instance.hostname, "pid": instance.pid}


def _moment(seconds: float) -> datetime.datetime:
    # without microseconds, so that the next answer has the same
    return datetime.datetime.fromtimestamp(int(seconds), tz=datetime.UTC)
