"""The data of the page: the caller, problems, checks, processes, log levels, the request."""

import asyncio
import dataclasses
import datetime
import itertools
from collections.abc import Iterator

from fastapi import Request

from c2casgiutils import broadcast, config, db, headers, health_checks, instances
from c2casgiutils._secrets import scrub, scrub_items
from c2casgiutils.health_checks import EntityResult, GlobalResult
from c2casgiutils.tools import (
    _attention,
    _level_rows,
    _level_values,
    _logger_list,
    _loggers,
    _pages,
    _summary,
)
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._databases import Databases

_WORST_FIRST = {"fail": 0, "warn": 1, "unknown": 2, "pass": 4, "skip": 5}
_MAX_LOGGERS = 20
_PROBLEMS_FIRST = ("fail", "warn", "skip")


@dataclasses.dataclass(frozen=True)
class Levels:
    """The log levels: those that were set, all selectable levels, and the requested logger.

    `refusal` says why the logger cannot be read.
    """

    found: _level_rows.Rows
    names: list[str]
    asked: _logger_list.Described | None = None
    refusal: str | None = None

    def newest(self, logger: str) -> _level_rows.Row | None:
        """Return what was last set for a logger."""
        rows = [row for row in self.found.rows if row.name == logger]
        return max(rows, key=lambda row: row.override.since, default=None)


@dataclasses.dataclass(frozen=True)
class Process:
    """A row of the table of processes."""

    shape: str
    state: str
    id: str
    hostname: str
    pid: int
    uptime: str
    memory: str
    last_sign: str
    is_own: bool


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something that needs attention; `state` is `fail`, `warn` or, for what somebody wanted, `skip`."""

    state: str
    word: str
    text: str
    since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class Overview:
    """All data of the page; what the caller may not see is empty."""

    caller: Caller
    at: datetime.datetime
    state: str
    health: list[EntityResult] = dataclasses.field(default_factory=list)
    scope: str = "process"
    processes: list[Process] = dataclasses.field(default_factory=list)
    levels: Levels | None = None
    database: Databases | None = None
    request: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    problems: list[Problem] = dataclasses.field(default_factory=list)


async def collect(request: Request, caller: Caller, *, logger: str | None) -> Overview:
    """Collect what the caller may see; each part has a timeout of at most 2 s."""
    at = datetime.datetime.now(datetime.UTC)
    if not caller.can_read:
        _, roster = await asyncio.gather(health_checks.FACTORY.check(), instances.roster())
        return Overview(caller, at, _pages.STATES[_attention.worst(_attention_of(roster))])
    health, levels, roster = await asyncio.gather(
        health_checks.FACTORY.check(), _read_levels(logger), instances.roster()
    )
    database = Databases.collect()
    attention = _attention_of(roster)
    if config.settings.health.details == "never":
        for entity in health.entities:
            entity.payload = {}
    return Overview(
        caller,
        at,
        _pages.STATES[_attention.worst(attention)],
        health=sorted(health.entities, key=lambda entity: _WORST_FIRST.get(entity.status, 3)),
        scope=instances.scope(),
        processes=[_process(instance) for instance in roster],
        levels=levels,
        database=database,
        request=_request_rows(request),
        problems=_problems(request, attention, health, levels, database),
    )


def _attention_of(roster: list[instances.Instance]) -> list[_attention.Attention]:
    """Return what needs attention in all processes, in this one as it is after the checks."""
    own = instances.own()
    return _summary.attention([own if instance.id == own.id else instance for instance in roster])


def _process(instance: instances.Instance) -> Process:
    is_own = instance.id == instances.own().id
    return Process(
        shape={"lost": "fail", "late": "warn"}.get(
            instance.liveness, "pass" if instance.state == "ready" else "warn"
        ),
        state=_word(instance),
        id=instance.id,
        hostname=instance.hostname,
        pid=instance.pid,
        uptime=_pages.duration(instance.uptime_seconds),
        memory=f"{instance.figures['rss_bytes'] / 2**20:.0f} MiB" if "rss_bytes" in instance.figures else "",
        last_sign="now" if is_own else f"{instance.beat_age_seconds:.0f} s ago",
        is_own=is_own,
    )


def _word(instance: instances.Instance) -> str:
    """Return the state of a process, or its liveness if it is late or lost."""
    return instance.state if instance.liveness == "ok" else instance.liveness


def _request_rows(request: Request) -> list[tuple[str, str]]:
    client = request.client
    return [
        ("URL", scrub(str(request.url))),
        ("Client", f"{client.host} port {client.port}" if client else "unknown"),
        ("Protocol", f"HTTP/{request.scope['http_version']}"),
        *scrub_items(request.headers.items()),
    ]


async def _read_levels(logger: str | None) -> Levels:
    asked = None
    refusal = None
    if logger:
        try:
            asked = _logger_list.describe(_level_values.checked_name(logger))
        except ValueError as error:
            refusal = f"This cannot be read: {error}."
    return Levels(await _level_rows.collect(), _level_values.names(), asked, refusal)


def _problems(
    request: Request,
    attention: list[_attention.Attention],
    health: GlobalResult,
    levels: Levels,
    database: Databases | None,
) -> list[Problem]:
    reasons = {entity.name: _reason(entity) for entity in health.entities}  # those of this process
    own = instances.own_id()
    found = [
        Problem(
            _pages.STATES[item.state] if item.state != "ok" else "skip",
            item.state if item.kind == "check" else item.kind,
            item.text
            + (reasons.get(item.subject, "") if item.kind == "check" and own in item.processes else ""),
            item.since,
        )
        for item in attention
    ]
    found += [
        Problem("warn", "unknown", f"Health check {entity.name} has no result yet")
        for entity in health.entities
        if entity.status == "unknown"
    ]
    if unread := headers.unread_forwarded(request.scope):
        text = (
            f"{', '.join(unread)} sent by a proxy is ignored, so links and client addresses may be wrong: "
            "set C2C__PROXY_HEADERS__TYPE and C2C__PROXY_HEADERS__TRUSTED_HOSTS"
        )
        found.append(Problem("warn", "proxy", text))
    if broadcast.is_listening() is False:
        text = "This process does not receive messages of other processes"
        found.append(Problem("fail", "not subscribed", text))
    if database is not None and database.maintenance is not None:
        found.append(Problem("warn", "maintenance", str(db.MaintenanceError(database.maintenance))))
    found += _level_problems(levels.found)
    return sorted(found, key=lambda problem: _PROBLEMS_FIRST.index(problem.state))


def _level_problems(found: _level_rows.Rows) -> Iterator[Problem]:
    if found.is_partial:
        yield Problem("warn", "degraded", "The log levels stored in Redis cannot be read")
    lost = (
        Problem("warn", "lost", f"Log level of {name}: {warning}")
        for name in dict.fromkeys(row.name for row in found.rows)
        if (warning := _loggers.read(name).warning) is not None
    )
    yield from itertools.islice(lost, _MAX_LOGGERS)
    lacking = (
        Problem("warn", "behind", f"Log level of {row.name}: {'; '.join(row.lacking[:_MAX_LOGGERS])}")
        for row in found.rows
        if row.lacking
    )
    yield from itertools.islice(lacking, _MAX_LOGGERS)


def _reason(entity: EntityResult) -> str:
    texts = [str(entity.payload[key]) for key in ("error", "message") if entity.payload.get(key)]
    return f": {': '.join(texts)}".partition("\n")[0][:200] if texts else ""
