"""The checks of all processes, side by side."""

import asyncio
import contextlib
import time
from typing import Any

import pydantic
from pydantic import BaseModel, Field

from c2casgiutils import broadcast, config, instances
from c2casgiutils.broadcast.types import ClusterReport
from c2casgiutils.health_checks._factory import FACTORY, overall
from c2casgiutils.health_checks._model import Severity, Status
from c2casgiutils.health_checks._outcome import UNKNOWN, Outcome
from c2casgiutils.health_checks._runner import Entry

_HEALTH = "c2c_health_cluster"
_ANSWER_SECONDS = 1.0  # for the way there and back, above the time of the checks


class Cell(BaseModel):
    """One check in one process; `age` in seconds, null when it did not run yet.

    That of a process which does not answer is what it last told the roster.
    """

    status: Status
    milliseconds: float
    age: float | None
    history: list[tuple[str, Status, float]] | None = Field(
        None, description="The last 60 results, oldest first: time, status, milliseconds"
    )


class Row(BaseModel):
    """One check in all processes, by the id of the process."""

    name: str
    tags: list[str]
    level: int
    severity: Severity
    cells: dict[str, Cell]


class Column(BaseModel):
    """One process."""

    id: str
    hostname: str
    pid: int
    state: str
    liveness: instances.Liveness
    answered: bool


class ClusterHealth(BaseModel):
    """The matrix of checks and processes.

    `status` is that of the worst; a process that is silent, late or lost is a warning at least.
    """

    status: Status
    scope: str
    cluster: ClusterReport
    instances: list[Column]
    checks: list[Row]


async def subscribe() -> None:
    """Answer the other processes."""
    instances.register_static("checks", _checks)
    instances.register_beat("checks", _beat_cells)
    await broadcast.subscribe(_HEALTH, _answer_health)


async def unsubscribe() -> None:
    """Answer no more."""
    await broadcast.unsubscribe(_HEALTH)


async def matrix(*, history: bool) -> ClusterHealth:
    """Ask all processes."""
    timeout = config.settings.health.timeout.total_seconds() + _ANSWER_SECONDS
    roster, reply = await asyncio.gather(
        instances.roster(),
        broadcast.ask(_HEALTH, _answer_health, {"history": history}, timeout=timeout, or_alone=True),
    )
    by_id = {payload["id"]: payload for payload in reply.payloads}
    columns = [
        Column(
            **instance.model_dump(include={"id", "hostname", "pid", "state", "liveness"}),
            answered=instance.id in by_id,
        )
        for instance in roster
    ]
    is_whole = reply.report.complete and all(instance.liveness == "ok" for instance in roster)
    words = {payload["status"] for payload in reply.payloads} | ({"pass"} if is_whole else {"warn"})
    return ClusterHealth(
        status="fail" if "fail" in words else "warn" if "warn" in words else "pass",
        scope=instances.scope(),
        cluster=reply.report,
        instances=columns,
        checks=_rows(by_id, [instance for instance in roster if instance.id not in by_id]),
    )


def _rows(by_id: dict[str, Any], silent: list[instances.Instance]) -> list[Row]:
    rows: dict[str, Row] = {}
    for instance, payload in by_id.items():
        for check in payload["checks"]:
            row = rows.setdefault(check["name"], Row(**check, cells={}))
            row.cells[instance] = Cell(**payload["cells"][check["name"]])
    for instance_ in silent:
        for name, check in instance_.checks.items():
            with contextlib.suppress(pydantic.ValidationError):  # a status or severity of a newer release
                cell = Cell.model_validate(
                    {"status": check.status, "milliseconds": check.milliseconds or 0.0, "age": check.age}
                )
                fixed = check.model_dump(include={"tags", "level", "severity"})
                row = Row.model_validate({"name": name, "cells": {}, **fixed})
                rows.setdefault(name, row).cells[instance_.id] = cell
    return list(rows.values())


def _checks() -> list[dict[str, Any]]:
    """Return what the roster tells of the checks once."""
    fixed = {"name", "tags", "level", "severity"}
    return [entry.options.model_dump(mode="json", include=fixed) for entry in FACTORY.entries]


def _beat_cells() -> str:
    """Return what each beat tells of the checks, in the same order; nothing is run for that."""
    now = time.monotonic()
    return " ".join(
        instances.UNKNOWN_CHECK
        if (last := entry.last) is None
        else instances.encode_check(last.status, now - last.since, last.milliseconds, now - last.at)
        for entry in FACTORY.entries
    )


async def _answer_health(*, history: bool = False) -> dict[str, Any]:
    """Return the column of this process, in bounded time: a check that goes on is told as it was before."""
    entries = FACTORY.entries
    stale = [asyncio.ensure_future(entry.refresh()) for entry in entries if entry.fresh() is None]
    if stale:
        try:
            await asyncio.wait(stale, timeout=config.settings.health.timeout.total_seconds() + 0.1)
        finally:
            for task in stale:
                task.cancel()
            await asyncio.gather(*stale, return_exceptions=True)
    found = [(entry, entry.last or UNKNOWN) for entry in entries]
    return {
        "id": instances.own().id,
        "status": overall(found),
        "checks": _checks(),
        "cells": {entry.name: _cell(entry, outcome, history=history) for entry, outcome in found},
    }


def _cell(entry: Entry, outcome: Outcome, *, history: bool) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "status": outcome.status,
        "milliseconds": outcome.milliseconds,
        "age": None if outcome is UNKNOWN else round(time.monotonic() - outcome.at, 3),
    }
    if history:
        cell["history"] = [
            (when.isoformat(timespec="milliseconds"), status, milliseconds)
            for when, status, milliseconds in entry.history
        ]
    return cell
