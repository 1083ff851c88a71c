"""The view of the whole service in one answer: for a page that polls it, and for other dashboards."""

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from c2casgiutils import auth, broadcast, instances, switches
from c2casgiutils.broadcast import ClusterReport
from c2casgiutils.tools import _attention, _etag, _levels, _logger_list, _process_rows, _troubles
from c2casgiutils.tools._query import one_of
from c2casgiutils.tools._state import STATE

router = APIRouter(tags=["overview"])


class Process(BaseModel):
    """A process, without what changes at each heartbeat."""

    id: str
    hostname: str
    pid: int
    script: str
    version: str
    git_hash: str | None
    started: datetime.datetime
    state: instances.State
    liveness: instances.Liveness


class CheckRow(BaseModel):
    """A health check in all processes."""

    name: str
    severity: str
    worst: str
    cells: dict[str, tuple[str, datetime.datetime | None]] = Field(
        description="By the id of the process: the status, and since when"
    )


class State(BaseModel):
    """What everybody may know."""

    state: _attention.State = Field(description="The worst state of what needs attention")


class Summary(State):
    """The whole service, without ages, so that it stays equal while nothing changes."""

    attention: list[_attention.Attention]
    processes: list[Process]
    checks: list[CheckRow]
    levels: dict[str, _logger_list.Override]
    cluster: ClusterReport
    roster: list[instances.Instance] = Field(exclude=True, description="What it was made from, for the pages")
    unseen: list[instances.Instance] = Field(
        [],
        exclude=True,
        description="While Redis is unreachable: the other processes, as they were seen last",
    )

    @property
    def seen_at(self) -> datetime.datetime | None:
        """Return when the last of the processes was seen that cannot be seen now."""
        age = min((instance.beat_age_seconds for instance in self.unseen), default=None)
        if age is None:
            return None
        return datetime.datetime.fromtimestamp(switches.now() - age, tz=datetime.UTC)


def forget(*, at_once: bool) -> None:
    """Read the roster again for the next viewer, who looks for the result of a change.

    Args:
        at_once: This process made the change; otherwise anybody may ask, so ten times a second at most.
    """
    STATE.recent.get().forget(at_once=at_once)


@router.get("/overview", name="c2c_overview", response_model=None)
async def get_overview(
    request: Request,
    response: Response,
    may_look: Annotated[bool, Depends(auth.may_see_details)],
    sort: Annotated[
        str, one_of(_process_rows.COLUMNS), Query(description="A column of the page, for the processes")
    ] = "",
) -> Response:
    """Return the state of the service, to readers also what needs attention, processes, checks and levels.

    A request with the `ETag` of the last answer in `If-None-Match` gets 304 while nothing changed (RFC 9110,
    13.1.2). Anonymous callers get the state only.
    """
    summary = await collect(request)
    if sort:
        rows = _process_rows.rows_of(summary.roster, sort=sort)
        summary = summary.model_copy(update={"processes": [_process(row.instance) for row in rows]})
    shown: Any = summary if may_look else State(state=summary.state)
    body = TypeAdapter(type(shown)).dump_json(shown)
    tag = _etag.make(body)
    headers = {**response.headers, "ETag": tag}
    if _etag.matches(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def collect(request: Request) -> Summary:
    """Return the whole service from one read of the roster, for the page and for `/overview`.

    Args:
        request: Of whoever looks: a proxy on its way may need attention, too.
    """
    recent = STATE.recent.get()
    roster = await recent.roster()
    levels = _levels.in_force(own=False)
    unseen = recent.unseen()
    found = _attention.find(
        roster,
        levels,
        version=switches.version(),
        now=datetime.datetime.fromtimestamp(recent.read_at, tz=datetime.UTC),
        troubles=_troubles.find(request.scope, levels, unseen=len(unseen)),
        is_cut_off=instances.is_cut_off(),
    )
    return Summary(
        state=_attention.worst(found),
        attention=found,
        processes=[_process(instance) for instance in roster],
        checks=_rows(roster),
        levels={name: _logger_list.Override.of(setting) for name, setting in levels.items()},
        cluster=broadcast.report_roster(roster, now=recent.read_at),
        roster=roster,
        unseen=unseen,
    )


def find_process(summary: Summary, id_: str) -> tuple[instances.Instance | None, str, int]:
    """Return a process that is known, or was before Redis was unreachable.

    Returns:
        The process, or `None`, a sentence that says why, and the status of the answer.
    """
    found = next((one for one in (*summary.roster, *summary.unseen) if one.id == id_), None)
    if found is not None:
        return found, "", 200
    if instances.is_cut_off():
        return None, f"Process “{id_}” cannot be seen: Redis is unreachable.", 503
    return None, f"No process has the id “{id_}”: it left, or the id is wrong.", 404


def _process(instance: instances.Instance) -> Process:
    return Process(**instance.model_dump(include=set(Process.model_fields)))


def _rows(roster: list[instances.Instance]) -> list[CheckRow]:
    rows: dict[str, CheckRow] = {}
    for instance in roster:
        for name, check in instance.checks.items():
            row = rows.setdefault(name, CheckRow(name=name, severity=check.severity, worst="pass", cells={}))
            row.cells[instance.id] = (check.status, check.since)
    order = {"fail": 0, "warn": 1, "unknown": 2, "pass": 3, "skip": 4}
    for row in rows.values():
        row.worst = min((status for status, _ in row.cells.values()), key=lambda status: order.get(status, 2))
    return sorted(rows.values(), key=lambda row: (order.get(row.worst, 2), row.name))
