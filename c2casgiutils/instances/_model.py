"""The public models of the roster."""

import datetime
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field

State = Literal["starting", "ready", "draining", "stopping"]
Liveness = Literal["ok", "late", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckState:
    """The last result of a health check of a process, as reported in the roster."""

    status: str
    since: Annotated[datetime.datetime | None, Field(description="when this status began")] = None
    milliseconds: Annotated[float | None, Field(description="duration of the last run")] = None
    age: Annotated[float | None, Field(description="seconds since the end of the last run")] = None
    kept: Annotated[
        float | None,
        Field(description="seconds after which the last run is too old to tell the present state"),
    ] = None
    tags: list[str] = field(default_factory=list)
    level: int = 1
    severity: str = "critical"
    reason: Annotated[str, Field(description="why it is not passing, shortened; empty if unknown")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainState:
    """Why a process is out of service, as reported in the roster; times are by the clock of Redis."""

    since: datetime.datetime
    until: Annotated[datetime.datetime | None, Field(description="null for no end")] = None
    by: Annotated[str | None, Field(description="who took it out of service, null if nobody is known")] = None
    reason: str | None = None
    is_final: Annotated[bool, Field(description="the process stops afterwards")] = False


class Sample(NamedTuple):
    """Figures at one moment; `None` for those that the process does not report.

    In JSON an array: there are 60 of each process.
    """

    at: datetime.datetime
    rss_bytes: float | None = None
    cpu_seconds: float | None = None
    loop_lag_seconds: float | None = None
    requests_in_flight: float | None = None


class Instance(BaseModel):
    """One process of the service."""

    id: str = Field(
        description="hostname:pid:boot, the last part is random, so that a reused pid is a different process"
    )
    hostname: str
    pid: int
    application: str = Field(default="", description="title of the application")
    version: str = Field(default="", description="version of the application")
    script: str = Field(default="", description="name of a script; empty for processes that serve requests")
    git_hash: str | None = None
    python: str = ""
    packages: dict[str, str] = Field({}, description="versions of the relevant packages")
    started: datetime.datetime = Field(description="by the clock of Redis if Redis is used")
    state: State = "starting"
    drain: DrainState | None = Field(
        default=None,
        exclude_if=lambda drain: drain is None,
        description="only there while it drains: since when, by whom, why and until when",
    )
    liveness: Liveness = Field(
        default="ok",
        description="`late` after 1.5 heartbeats were missed, `lost` after 3 (for 15 minutes)",
    )
    uptime_seconds: float = 0
    beat_age_seconds: float = Field(
        default=0, description="seconds since the last heartbeat, by the clock of Redis"
    )
    applied: int | None = Field(default=None, description="applied version of the desired state")
    figures: dict[str, float] = Field(
        {},
        description="live figures: rss_bytes, cpu_seconds, loop_lag_seconds and registered ones",
    )
    checks: dict[str, CheckState] = Field({}, description="health checks by name, as of the last beat")
    samples: list[Sample] = Field(
        [],
        description="the figures at the last 60 beats, oldest first: time and "
        "rss_bytes, cpu_seconds, loop_lag_seconds, requests_in_flight",
    )
