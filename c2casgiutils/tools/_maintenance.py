"""The views of the maintenance of the databases, which is begun and ended in all processes."""

import datetime
import logging
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, Strict, WithJsonSchema, model_validator

from c2casgiutils import auth, broadcast, switches
from c2casgiutils._outages import waiting
from c2casgiutils.config._types import in_plain_words, read_by
from c2casgiutils.config.tools import LEAST_LEVEL_TTL, MOST_LEVEL_TTL
from c2casgiutils.db import _maintenance
from c2casgiutils.switches import Setting, SwitchesUnavailableError, SwitchReport
from c2casgiutils.switches._reason import Reason
from c2casgiutils.switches._report import Confirmation
from c2casgiutils.tools._level_fields import parse_ttl

router = APIRouter(prefix="/db", tags=["database"])

_LOGGER = logging.getLogger(__name__)

_NAME = _maintenance.Maintenance.name
_CHANNEL = "c2c_maintenance"
_TIMEOUT_SECONDS = 2.0
_GRACE_SECONDS = 0.5
"""For the answers of the processes that waited as long as they were asked to."""
_MAX_WAIT = datetime.timedelta(minutes=5)
_UNREACHABLE: dict[int | str, dict[str, Any]] = {
    503: {"description": "Redis is configured but cannot be reached."}
}


def _parse_ttl(value: Any) -> datetime.timedelta | None:
    ttl = None if value is None else parse_ttl(value)
    if ttl is not None and not LEAST_LEVEL_TTL <= ttl <= MOST_LEVEL_TTL:
        raise ValueError("a ttl must be from 1 second to 7 days, or null for no end")
    return ttl


def _parse_wait(value: Any) -> datetime.timedelta | None:
    wait = None if value is None else parse_ttl(value)
    if wait is not None and not datetime.timedelta() <= wait <= _MAX_WAIT:
        raise ValueError("a wait must be from 0 seconds to 5 minutes")
    return wait


def _duration(description: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}],
            "description": f"A duration (`10m`, `PT1H`) or seconds, {description}",
        }
    )


class MaintenanceChange(BaseModel):
    """Maintenance to begin, or to end."""

    model_config = ConfigDict(extra="forbid")

    readonly: Annotated[bool, Strict()] = Field(description="Begin the maintenance, or end it")
    ttl: Annotated[
        datetime.timedelta | None, read_by(_parse_ttl), _duration("1 s to 7 days; null for no end")
    ] = None
    reason: Reason | None = Field(default=None, description="Shown to those who want to write")
    wait: Annotated[
        datetime.timedelta | None,
        read_by(_parse_wait),
        _duration("at most 5 min, to wait until no transaction runs that may write"),
    ] = None

    @model_validator(mode="after")
    @in_plain_words
    def _check_end(self) -> "MaintenanceChange":
        if not self.readonly and (self.ttl is not None or self.wait is not None):
            raise ValueError("ttl and wait are only for the beginning (readonly true)")
        return self


class MaintenanceProcess(BaseModel):
    """The maintenance in one process."""

    id: str
    readonly: bool
    transactions: int = Field(description="Running transactions that may write")


class MaintenanceReply(BaseModel):
    """The maintenance, and which processes have it."""

    readonly: bool
    since: datetime.datetime | None
    expires: datetime.datetime | None = Field(description="By the clock of Redis; null for no end")
    by: str | None = Field(description="Who began it; null for that of c2cwsgiutils")
    reason: str | None
    processes: list[MaintenanceProcess] = Field(description="Those that answered")
    cluster: SwitchReport


class _Answer(Confirmation):
    readonly: bool
    transactions: int


@router.get("/maintenance", name="c2c_maintenance", dependencies=[Depends(auth.require_read_only_access)])
async def get_maintenance() -> MaintenanceReply:
    """Return whether the databases are in maintenance, as each process says."""
    try:
        with waiting(_TIMEOUT_SECONDS) as seconds:
            await switches.refresh(seconds=seconds)
    except SwitchesUnavailableError as error:
        _LOGGER.debug("Could not read the stored maintenance: %s", error)  # the report says so, too
    return await _ask()


@router.put(
    "/maintenance",
    name="c2c_maintenance_put",
    dependencies=[Depends(auth.require_admin_access)],
    responses=_UNREACHABLE,
)
async def put_maintenance(request: Request, body: MaintenanceChange) -> MaintenanceReply:
    """Begin the maintenance of the databases in all processes, or end it."""
    done = await change(request, body)
    if body.wait:
        await _wait(done.instances, body.wait.total_seconds())
    return await _ask(done)


@router.delete(
    "/maintenance",
    name="c2c_maintenance_delete",
    dependencies=[Depends(auth.require_admin_access)],
    responses=_UNREACHABLE,
)
async def delete_maintenance(request: Request) -> MaintenanceReply:
    """End the maintenance of the databases in all processes."""
    return await _ask(await change(request, MaintenanceChange(readonly=False)))


async def change(request: Request, wanted: MaintenanceChange) -> switches.Change:
    """Begin or end the maintenance within 2 s, and record it in the audit log.

    Raises:
        SwitchesUnavailableError: Redis is configured but unreachable.
        SwitchRefusedError: The reason is rejected.
    """
    ttl = wanted.ttl.total_seconds() if wanted.ttl else None
    told = {"readonly": wanted.readonly, "ttl": ttl, "reason": wanted.reason}
    async with auth.audit.recorded(
        "db.maintenance",
        request=request,
        before=_told(_maintenance.maintenance()),
        after={name: value for name, value in told.items() if value is not None},
    ) as record:
        with waiting(_TIMEOUT_SECONDS) as seconds:
            options: Any = {"by": record.by, "seconds": seconds}
            done = await (
                switches.put(_NAME, "", value=True, ttl=ttl, reason=wanted.reason, **options)
                if wanted.readonly
                else switches.remove(_NAME, "", **options)
            )
        record.result = done.report.result
    return done


def _told(setting: Setting | None) -> dict[str, Any]:
    """Return the audit fields of a state."""
    if setting is None:
        return {"readonly": False}
    end = setting.expires_at
    told = {"readonly": True, "by": setting.by, "reason": setting.reason, "expires": end and end.isoformat()}
    return {name: value for name, value in told.items() if value is not None}


async def _wait(ids: Sequence[str], seconds: float) -> None:
    """Wait until no transaction runs in these processes or the maintenance ends, or for the given time."""
    await broadcast.ask(
        _CHANNEL,
        _answer,
        {"wait_seconds": seconds},
        timeout=seconds + _GRACE_SECONDS,
        or_alone=True,
        to=ids,
    )


async def _ask(done: switches.Change | None = None) -> MaintenanceReply:
    """Ask all processes; those that lack a change are reported as behind."""
    with waiting(_TIMEOUT_SECONDS) as seconds:
        reply = await broadcast.ask(_CHANNEL, _answer, timeout=seconds, or_alone=True, answer=_Answer)
    setting = _maintenance.maintenance()
    return MaintenanceReply(
        readonly=setting is not None,
        since=None if setting is None else setting.since_at,
        expires=None if setting is None else setting.expires_at,
        by=None if setting is None else setting.by,
        reason=None if setting is None else setting.reason,
        processes=[MaintenanceProcess(**dict(answer)) for answer in sorted(reply.payloads, key=_id)],
        cluster=SwitchReport.of_reply(reply, 0) if done is None else _report(reply, done),
    )


def _report(reply: broadcast.Reply, done: switches.Change) -> SwitchReport:
    """Summarise the answers after a change.

    A process that did not confirm the change may be lost by now, and is not asked any more.
    """
    report = SwitchReport.of_reply(reply, done.version)
    known = {(process.hostname, process.pid) for process in [*reply.payloads, *report.behind]}
    silent = [process for process in done.report.behind if (process.hostname, process.pid) not in known]
    fields = {
        "complete": report.complete and not silent,
        "alive": report.alive + len(silent),
        "behind": [*report.behind, *silent],
    }
    return report.model_copy(update=fields)


def _id(answer: _Answer) -> str:
    return answer.id


async def _answer(*, wait_seconds: float = 0.0, **_of_newer_releases: Any) -> _Answer:
    known = _maintenance.kind()
    await known.wait_idle(min(wait_seconds, _MAX_WAIT.total_seconds()))
    is_refused = f"{_NAME}:" in switches.refused()
    return _Answer(
        **dict(Confirmation.of_this_process(-1 if is_refused else switches.version())),
        readonly=known.current() is not None,
        transactions=len(known.writers),
    )


async def startup() -> None:
    """Answer other processes."""
    try:
        await broadcast.subscribe(_CHANNEL, _answer)
    except broadcast.BroadcastError:
        _LOGGER.exception("Requests of other processes for the maintenance will not be answered")
