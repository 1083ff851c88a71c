"""The health checks of all processes in one matrix."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pydantic
import pydantic_core
from pydantic import BaseModel, Field

from c2casgiutils import broadcast, config, instances
from c2casgiutils.broadcast.types import ClusterReport
from c2casgiutils.health_checks._factory import FACTORY, worst_of
from c2casgiutils.health_checks._model import Severity, Status
from c2casgiutils.health_checks._outcome import UNKNOWN, Outcome
from c2casgiutils.health_checks._runner import Entry

_HEALTH = "c2c_health_cluster"
_MAX_PAYLOAD_SIZE = 8_192
_REASON_LENGTH = 120
_REASONS_SIZE = 1_000  # bytes; the beat as a whole is limited
_ANSWER_SECONDS = 1.0  # for the round trip, in addition to the timeout of the checks


class _Answer(BaseModel):
    """The answer of one process; each check is validated separately, as newer releases may differ."""

    id: str
    checks: list[dict[str, Any]]
    cells: dict[str, Any]


_Answers = dict[str, _Answer]
"""By id of the process."""


class Cell(BaseModel):
    """One check in one process; `age` is in seconds, null if it has not run yet."""

    status: Status
    milliseconds: float
    age: float | None
    history: list[tuple[str, Status, float]] | None = Field(
        None, description="The last 60 results, oldest first: time, status, milliseconds"
    )
    payload: dict[str, Any] | None = Field(
        None,
        description="Of the last result, if one check was asked for and `C2C__HEALTH__DETAILS` allows it",
    )


class Row(BaseModel):
    """One check in all processes, by the id of the process."""

    name: str
    tags: list[str] = []
    level: int = 1
    severity: Severity = "critical"
    cells: dict[str, Cell]


class Column(BaseModel):
    """One process; `answered` is whether its heartbeat is on time, or whether it sent its history."""

    id: str
    hostname: str
    pid: int
    state: str
    liveness: instances.Liveness
    answered: bool


class ClusterHealth(BaseModel):
    """The matrix of checks and processes.

    `status` is the worst one; it is at least `warn` if a process is missing, late or lost.
    """

    status: Status
    scope: str
    cluster: ClusterReport
    instances: list[Column]
    checks: list[Row]


async def subscribe() -> None:
    """Report the checks in the roster, and answer other processes."""
    instances.register_static("checks", _checks)
    instances.register_beat("checks", _beat_cells)
    instances.register_beat("reasons", _beat_reasons)
    await broadcast.subscribe(_HEALTH, _answer_health)


async def unsubscribe() -> None:
    """Stop answering other processes."""
    await broadcast.unsubscribe(_HEALTH)


async def matrix(*, history: bool, check: str | None = None, id_: str | None = None) -> ClusterHealth:
    """Return the checks of all processes.

    Args:
        history: Ask all processes for their last results, instead of reading the roster.
        check: The name of one check; by default all.
        id_: The id of the only process that is shown; by default all are.
    """
    if history:
        roster, (answers, report) = await asyncio.gather(instances.roster(), _ask(check))
    else:
        roster, own = await asyncio.gather(instances.roster(), _answer_health(check=check))
        answers, report = {own.id: own}, broadcast.report_roster(roster)
    roster = [instance for instance in roster if id_ in (None, instance.id)]
    rows = [row for row in _rows(roster, answers) if check in (None, row.name)]
    return ClusterHealth(
        status=_status(roster, rows, is_complete=report.complete),
        scope=instances.scope(),
        cluster=report,
        instances=[
            Column(
                **instance.model_dump(include={"id", "hostname", "pid", "state", "liveness"}),
                answered=instance.id in answers if history else instance.liveness == "ok",
            )
            for instance in roster
        ],
        checks=rows,
    )


async def _ask(check: str | None) -> tuple[_Answers, ClusterReport]:
    """Ask all processes, and return their payloads by id."""
    timeout = config.settings.health.timeout.total_seconds() + _ANSWER_SECONDS
    params = {"history": True, "check": check}
    reply = await broadcast.ask(
        _HEALTH, _answer_health, params, timeout=timeout, or_alone=True, answer=_Answer
    )
    return {answer.id: answer for answer in reply.payloads}, reply.report


def _status(roster: list[instances.Instance], rows: list[Row], *, is_complete: bool) -> Status:
    """Return the worst status of the live processes, at least `warn` if a process is missing or lost."""
    live = {instance.id for instance in roster if instance.liveness != "lost"}
    is_whole = is_complete and all(instance.liveness == "ok" for instance in roster)
    status = worst_of(
        (row.severity, cell.status) for row in rows for id_, cell in row.cells.items() if id_ in live
    )
    return status if is_whole or status == "fail" else "warn"


def _rows(roster: list[instances.Instance], answers: _Answers) -> list[Row]:
    """Return the matrix; cells of processes that did not answer come from the roster."""
    rows: dict[str, Row] = {}
    for instance in roster:
        answer = answers.get(instance.id)
        told = _told(instance) if answer is None else ((row, answer.cells) for row in answer.checks)
        for fixed, cells in told:
            with contextlib.suppress(pydantic.ValidationError):  # a status or severity of a newer release
                row = Row.model_validate({**fixed, "cells": {}})
                cell = Cell.model_validate(cells.get(row.name))
                rows.setdefault(row.name, row).cells[instance.id] = cell
    return list(rows.values())


def _told(instance: instances.Instance) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the checks of a process in the roster, in the same form as in an answer."""
    for name, check in instance.checks.items():
        age = None if check.age is None else check.age + instance.beat_age_seconds
        cell = {"status": check.status, "milliseconds": check.milliseconds or 0.0, "age": age}
        fixed = {"name": name, "tags": check.tags, "level": check.level, "severity": check.severity}
        yield fixed, {name: cell}


def _checks(entries: Sequence[Entry] | None = None) -> list[dict[str, Any]]:
    """Return what the roster tells of the checks once."""
    fixed = {"name", "tags", "level", "severity"}
    return [
        entry.options.model_dump(mode="json", include=fixed, exclude_defaults=True) | {"kept": entry.kept}
        for entry in (FACTORY.entries if entries is None else entries)
    ]


def _beat_cells() -> str:
    """Return what each beat tells of the checks, in the same order; nothing is run for that."""
    now = time.monotonic()
    offset = broadcast.now() - now
    return " ".join(
        instances.UNKNOWN_CHECK
        if (last := entry.last) is None
        else instances.encode_check(last.status, offset + last.since, last.milliseconds, now - last.at)
        for entry in FACTORY.entries
    )


def _beat_reasons() -> dict[str, str] | None:
    """Return why checks do not pass, by name: each shortened, and as many as a beat has room for."""
    if config.settings.health.details == "never":
        return None
    left, found = _REASONS_SIZE, {}
    for entry in FACTORY.entries:
        last = entry.last
        if last is None or last.status not in ("fail", "warn"):
            continue
        reason = last.reason[:_REASON_LENGTH]
        left -= len(pydantic_core.to_json({entry.name: reason}))
        if left < 0:
            break
        if reason:
            found[entry.name] = reason
    return found or None


async def _answer_health(*, history: bool = False, check: str | None = None) -> _Answer:
    """Return the column of this process, in bounded time: a check that goes on is told as it was before."""
    entries = FACTORY.select(check)
    stale = [asyncio.ensure_future(entry.refresh()) for entry in entries if entry.fresh() is None]
    if stale:
        try:
            await asyncio.wait(stale, timeout=config.settings.health.timeout.total_seconds() + 0.1)
        finally:
            for task in stale:
                task.cancel()
            await asyncio.gather(*stale, return_exceptions=True)
    found = [(entry, entry.last or UNKNOWN) for entry in entries]
    return _Answer(
        id=instances.own().id,
        checks=_checks(entries),
        cells={
            entry.name: _cell(entry, outcome, history=history)
            | ({"payload": _payload(outcome)} if history and check is not None else {})
            for entry, outcome in found
        },
    )


def _payload(outcome: Outcome) -> dict[str, Any] | None:
    """Return the details of a result if they may be shown; of large ones only the beginning of the texts."""
    if config.settings.health.details == "never":
        return None
    if len(pydantic_core.to_json(outcome.details)) <= _MAX_PAYLOAD_SIZE:
        return outcome.details
    texts = {name: text for name, text in outcome.details.items() if isinstance(text, str)}
    return {name: text[: _MAX_PAYLOAD_SIZE // max(1, len(texts))] for name, text in texts.items()} | {
        "shortened": "GET health_checks shows all of it"
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
