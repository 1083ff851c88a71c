"""The checks of all processes, side by side."""

import asyncio
import time
from typing import Any

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
    """One check in one process; `age` in seconds, null when it did not run yet."""

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
    answered: bool


class ClusterHealth(BaseModel):
    """The matrix of checks and processes. `status` is that of the worst; silence is a warning."""

    status: Status
    scope: str
    cluster: ClusterReport
    instances: list[Column]
    checks: list[Row]


async def subscribe() -> None:
    """Answer the other processes."""
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
            **instance.model_dump(include={"id", "hostname", "pid", "state"}), answered=instance.id in by_id
        )
        for instance in roster
    ]
    words = {payload["status"] for payload in reply.payloads} | (
        {"pass"} if reply.report.complete else {"warn"}
    )
    return ClusterHealth(
        status="fail" if "fail" in words else "warn" if "warn" in words else "pass",
        scope=instances.scope(),
        cluster=reply.report,
        instances=columns,
        checks=_rows(by_id),
    )


def _rows(by_id: dict[str, Any]) -> list[Row]:
    rows: dict[str, Row] = {}
    for instance, payload in by_id.items():
        for check in payload["checks"]:
            row = rows.setdefault(check["name"], Row(**check, cells={}))
            row.cells[instance] = Cell(**payload["cells"][check["name"]])
    return list(rows.values())


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
        "checks": [
            entry.options.model_dump(mode="json", include={"name", "tags", "level", "severity"})
            for entry in entries
        ],
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
