"""Health checks: what they are, who runs them, and the views that answer for them.

In the mounted application `router` is included with the prefix `/health`, `mount_router` without one.
"""

from c2casgiutils.health_checks._alembic import Alembic
from c2casgiutils.health_checks._factory import FACTORY, Factory
from c2casgiutils.health_checks._model import (
    Check,
    EntityResult,
    GlobalResult,
    JsonCheckError,
    Result,
    Wrong,
)
from c2casgiutils.health_checks._redis import Redis
from c2casgiutils.health_checks._sqlalchemy import SQLAlchemy
from c2casgiutils.health_checks._views import mount_router, router

__all__ = [
    "FACTORY",
    "Alembic",
    "Check",
    "EntityResult",
    "Factory",
    "GlobalResult",
    "JsonCheckError",
    "Redis",
    "Result",
    "SQLAlchemy",
    "Wrong",
    "mount_router",
    "router",
    "shutdown",
    "startup",
]


async def startup() -> None:
    """Start what runs in the background."""


async def shutdown() -> None:
    """End what runs in the background, and the runs under way."""
    for entry in FACTORY.entries:
        await entry.aclose()
