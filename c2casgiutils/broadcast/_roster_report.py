"""The report of an answer that is read from the roster, in the same form as that of a call."""

import datetime
from typing import Any

from c2casgiutils import instances
from c2casgiutils.broadcast.types import ClusterReport, LostProcess, MissingProcess


def report_roster(roster: list[instances.Instance]) -> ClusterReport:
    """Return which processes send heartbeats: those that are late are missing.

    Args:
        roster: All processes.
    """
    late = [MissingProcess(**_named(instance)) for instance in roster if instance.liveness == "late"]
    lost = [
        LostProcess(**_named(instance), since=_ago(instance.beat_age_seconds))
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


def _ago(seconds: float) -> datetime.datetime:
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    return moment.replace(microsecond=0)  # the same in the next answer
