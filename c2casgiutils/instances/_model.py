"""What is told about a process."""

import datetime
from typing import Literal

from pydantic import BaseModel, Field

State = Literal["starting", "ready", "draining"]


class Instance(BaseModel):
    """One process of the service."""

    id: str = Field(
        description="hostname:pid:boot, the last part random, so that a pid used again is another process"
    )
    hostname: str
    pid: int
    application: str = Field(default="", description="title of the application")
    version: str = Field(default="", description="version of the application")
    git_hash: str | None = None
    python: str = ""
    packages: dict[str, str] = Field({}, description="versions of the packages that matter here")
    started: datetime.datetime = Field(description="by the clock of Redis when there is one")
    state: State = "starting"
    uptime_seconds: float = 0
    beat_age_seconds: float = Field(
        default=0, description="age of the last sign of life, by the clock of Redis"
    )
    figures: dict[str, float] = Field(
        {},
        description="live figures: rss_bytes, cpu_seconds, loop_lag_seconds and those that others registered",
    )
