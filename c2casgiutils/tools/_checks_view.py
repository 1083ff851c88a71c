"""The view of the checks in all processes, and of the last results of one of them."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from c2casgiutils import health_checks, instances, switches
from c2casgiutils.instances import Instance
from c2casgiutils.tools import _check_rows, _pages, _summary, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._check_rows import Letters
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("checks")
_WORDS = {"pass": "ok", "warn": "degraded", "fail": "down", "skip": "not configured"}


@dataclasses.dataclass(frozen=True)
class Results:
    """The last results of a check in one process, the oldest first."""

    instance: Instance
    shape: str
    word: str
    seconds: float
    since: datetime.datetime | None
    ran_at: datetime.datetime | None
    is_old: bool
    letters: Letters
    payload: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Asked:
    """What all processes answered about one check, and which gave no answer."""

    found: Sequence[Results]
    silent: Sequence[str]
    is_stale: bool


@router.get("/checks", name="c2c_checks")
async def get_checks(request: Request) -> Response:
    """Return the page with the checks; for one check, all processes are asked for its last results."""
    query = Query(request)
    name, id_ = query.text("check", max_length=500), query.text("id", max_length=500)
    summary = await _summary.collect(request)
    _, trouble, status = _summary.find_process(summary, id_) if id_ else (None, "", 200)
    query.refused += [trouble] if trouble else []
    shown = [one for one in summary.roster if id_ in ("", one.id)]
    is_unknown = bool(name) and not trouble and not any(name in one.checks for one in shown)
    if is_unknown:
        status = 503 if instances.is_cut_off() else 404

    async def load(_: Caller, summary: Summary) -> dict[str, Any]:
        roster = [one for one in summary.roster if id_ in ("", one.id)]
        lines = _check_rows.lines(roster, with_lost=bool(id_))
        having = [one for one in roster if one.checks and (id_ or one.liveness != "lost")]
        rows, columns = _check_rows.rows(lines, having, having)
        asked = None if is_unknown or trouble or not name else await _ask(name, roster)
        return {
            **({"is_live": False} if asked else {}),
            "check": name,
            "asked": asked,
            "is_unknown": is_unknown,
            "id": id_,
            "shown": roster[0] if id_ and roster else None,
            "lines": rows,
            "instances": columns,
            "now": _pages.now(),
        }

    return await _pages.respond(request, _VIEW, "checks.html", load, query=query, status=status)


async def _ask(name: str, roster: Sequence[Instance]) -> Asked:
    """Ask every process; who does not answer has its last word from the roster, without results."""
    answer = await health_checks.matrix(history=True, check=name)
    by_id = {one.id: one for one in roster}
    found = [
        _results(by_id[id_], row, cell)
        for row in answer.checks
        for id_, cell in row.cells.items()
        if id_ in by_id
    ]
    report = answer.cluster
    silent = [f"{one.pid} on {one.hostname}" for one in (*report.missing, *report.failed, *report.lost)]
    return Asked(found, silent, is_stale=report.roster == "stale")


def _results(instance: Instance, row: Any, cell: Any) -> Results:
    shape, word = _check_rows.drawn(cell.status, row.severity)
    told = _check_rows.Cell.of(instance, row.name) if row.name in instance.checks else None
    ran_at = None
    if cell.age is not None:
        ran_at = datetime.datetime.fromtimestamp(switches.now() - cell.age, tz=datetime.UTC)
    states: list[str] = [status for _, status, _ in cell.history or []]
    return Results(
        instance,
        shape,
        word,
        cell.milliseconds / 1000,
        told.check.since if told is not None and told.check.status == cell.status else None,
        ran_at,
        # a process without results did not answer
        told is not None and told.is_old and cell.history is None,
        Letters.of([[(status, _WORDS.get(status, status)) for status in states]]),
        cell.payload or {},
    )
