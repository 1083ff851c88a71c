"""The views of the SQL profiler."""

import datetime
import logging
from typing import Any, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from c2casgiutils import auth, db, switches
from c2casgiutils._outages import waiting
from c2casgiutils.broadcast import BroadcastError
from c2casgiutils.switches import SwitchReport
from c2casgiutils.tools._level_fields import ShortTtl

_LOGGER = logging.getLogger(__name__)

router = APIRouter(tags=["sql_profiler"], dependencies=[Depends(auth.require_admin_access)])

_TIMEOUT_SECONDS = 2.0
_DEFAULT_DATABASE = "default"
_UNREACHABLE: dict[int | str, dict[str, Any]] = {503: {"description": "Redis is configured but unreachable."}}


class ProfilerRequest(BaseModel):
    """What to record, and for how long."""

    model_config = ConfigDict(extra="forbid")

    ttl: ShortTtl = datetime.timedelta(minutes=5)
    explain: bool = Field(default=False, description="Fetch the plan of each statement once.")
    analyze: bool = Field(
        default=False,
        description="Execute queries once more for their plan, those that are known to only read; "
        "includes `explain`.",
    )


class StatementItem(BaseModel):
    """The figures of a statement, in all processes; times are in milliseconds."""

    fingerprint: str = Field(description="The same for all values, lengths of lists and layouts")
    sql: str = Field(description="Without values")
    count: int
    errors: int
    rows: int = Field(description="Returned or changed; on SQLite only changed")
    total_ms: float
    mean_ms: float
    p95_ms: float = Field(description="At most 30 % too high")
    max_ms: float
    where: str | None = Field(description="The line of the application, of the slowest execution")
    route: str | None = Field(description="Of the slowest execution")
    per_request_max: int = Field(description="Most executions in one request")
    plan: str | None = Field(description="Without values")
    database: str = Field(
        default=_DEFAULT_DATABASE,
        exclude_if=lambda database: database == _DEFAULT_DATABASE,
        description="Only there when it is not `default`.",
    )

    @classmethod
    def of(cls, figures: db.Figures) -> Self:
        """Return the item of figures."""
        return cls.model_validate({name: _rounded(getattr(figures, name)) for name in cls.model_fields})


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


class ProfilerReply(BaseModel):
    """The state of the profiler, and the statements that took the most time first."""

    enabled: bool
    expires: datetime.datetime | None
    statements: list[StatementItem]
    cluster: SwitchReport


async def startup() -> None:
    """Apply the switch in this process, and answer the questions of others."""
    try:
        await db.profiler().startup()
    except BroadcastError:
        _LOGGER.exception("The statements of this process will not be shown by others")


@router.get("/sql_profiler", name="c2c_sql_profiler")
async def get_sql_profiler() -> ProfilerReply:
    """Return which statements took the most time since the profiler was started."""
    return _reply(await db.profiler().read())


@router.put("/sql_profiler", name="c2c_sql_profiler_start", responses=_UNREACHABLE)
async def put_sql_profiler(request: Request, wanted: ProfilerRequest | None = None) -> ProfilerReply:
    """Start to record in all processes; what was recorded before is forgotten."""
    change = await start(wanted or ProfilerRequest(), request=request)
    expires = None if change.setting is None else change.setting.expires_at
    return ProfilerReply(enabled=True, expires=expires, statements=[], cluster=change.report)


@router.delete("/sql_profiler", name="c2c_sql_profiler_end", responses=_UNREACHABLE)
async def delete_sql_profiler(request: Request) -> ProfilerReply:
    """End in all processes, and forget what was recorded."""
    report = await end(request=request)
    return ProfilerReply(enabled=False, expires=None, statements=[], cluster=report)


async def start(
    wanted: ProfilerRequest, *, request: Request, auth_info: auth.AuthInfo | None = None
) -> switches.Change:
    """Start the profiler within 2 s, and record it in the audit log.

    Raises:
        SwitchesUnavailableError: Redis is configured but unreachable.
    """
    ttl = wanted.ttl.total_seconds()
    options = {"explain": wanted.explain or wanted.analyze, "analyze": wanted.analyze}
    recorded = auth.audit.recorded(
        "sql_profiler.start", request=request, auth_info=auth_info, after={"ttl": ttl, **options}
    )
    async with recorded as record:
        with waiting(_TIMEOUT_SECONDS) as seconds:
            change = await db.profiler().start(ttl=ttl, by=record.by, seconds=seconds, **options)
        record.result = change.report.result
    return change


async def end(*, request: Request, auth_info: auth.AuthInfo | None = None) -> SwitchReport:
    """End the profiler within 2 s, and record it in the audit log.

    Raises:
        SwitchesUnavailableError: Redis is configured but unreachable.
    """
    async with auth.audit.recorded("sql_profiler.end", request=request, auth_info=auth_info) as record:
        with waiting(_TIMEOUT_SECONDS) as seconds:
            report = await db.profiler().end(by=record.by, seconds=seconds)
        record.result = report.result
    return report


def _reply(profile: db.Profile) -> ProfilerReply:
    return ProfilerReply(
        enabled=profile.enabled,
        expires=profile.expires,
        statements=[StatementItem.of(figures) for figures in profile.statements],
        cluster=profile.report,
    )
