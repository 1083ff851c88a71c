"""How a process started, and what it keeps running: pools, migrations, periodic tasks."""

import contextlib
import datetime
import time
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from c2casgiutils import broadcast, config, db, instances
from c2casgiutils._periodic import PeriodicTask, periodic_tasks
from c2casgiutils.debug._state import STATE

_MAX_STEPS = 100


class Step(BaseModel):
    """A step of the start."""

    step: str
    ms: float


class PoolState(BaseModel):
    """The connections of a pool."""

    database: str
    engine: str
    size: int
    checked_out: int
    overflow: int = Field(description="Connections beyond the size")


class Migration(BaseModel):
    """The last outcome of a health check of migrations; null for what is not known or not shown."""

    name: str
    status: str
    current: list[str] | None
    heads: list[str] | None


class Periodic(BaseModel):
    """A health check that runs in the background, or what this library does."""

    name: str
    kind: Literal["check", "internal"]
    every_seconds: float
    last: datetime.datetime | None = Field(description="The end of the last run")
    ms: float | None = Field(description="Its duration")
    ok: bool | None = Field(description="Whether the last run succeeded")


class Runtime(BaseModel):
    """What one process runs."""

    instance: str
    startup: list[Step]
    pools: list[PoolState]
    migrations: list[Migration]
    periodic: list[Periodic]


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Measure a step of the start, for `GET /runtime`; one with the same name replaces it.

    Args:
        name: What is done.
    """
    began = time.perf_counter()
    try:
        yield
    finally:
        if name in STATE.steps or len(STATE.steps) < _MAX_STEPS:
            STATE.steps[name] = time.perf_counter() - began


def runtime() -> Runtime:
    """Return what this process runs; no check is run for that."""
    from c2casgiutils.health_checks import FACTORY, Alembic  # they use this package, too

    entries = [(entry, entry.last) for entry in FACTORY.entries]
    return Runtime(
        instance=instances.own_id(),
        startup=[Step(step=name, ms=round(seconds * 1000, 3)) for name, seconds in STATE.steps.items()],
        pools=[
            PoolState(
                database=database.name,
                engine=pool.engine,
                size=pool.size,
                checked_out=pool.checked_out,
                overflow=pool.overflow,
            )
            for database in db.known()
            for pool in database.pools()
        ],
        migrations=[
            _migration(entry.name, last) for entry, last in entries if isinstance(entry.check, Alembic)
        ],
        periodic=[
            *(
                _background_check(entry.name, entry.options.every, last)
                for entry, last in entries
                if entry.options.every is not None
            ),
            *map(_internal, periodic_tasks()),
        ],
    )


def _migration(name: str, last: Any) -> Migration:
    if last is None:
        return Migration(name=name, status="unknown", current=None, heads=None)
    payload = {} if config.settings.health.details == "never" else last.payload
    return Migration(
        name=name, status=last.status, current=payload.get("current"), heads=payload.get("heads")
    )


def _background_check(name: str, every: datetime.timedelta, last: Any) -> Periodic:
    return Periodic(
        name=name,
        kind="check",
        every_seconds=every.total_seconds(),
        last=None if last is None else last.when,
        ms=None if last is None else last.milliseconds,
        ok=None if last is None else last.status != "fail",
    )


def _internal(task: PeriodicTask) -> Periodic:
    last, skew = task.last, round(broadcast.now() - time.time(), 3)
    return Periodic(
        name=task.name,
        kind="internal",
        every_seconds=task.every_seconds,
        last=None if last is None else datetime.datetime.fromtimestamp(last.ended + skew, tz=datetime.UTC),
        ms=None if last is None else round(last.seconds * 1000, 3),
        ok=None if last is None else last.ok,
    )
