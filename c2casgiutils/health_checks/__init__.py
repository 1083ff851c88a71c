"""Health checks: their kinds, the engine that runs them, and the probes and views that report them.

In the mounted application `router` is included with the prefix `/health` and `mount_router` without one; the
routes of `probe_routes()` come before all others, and `FastPath` before all middlewares.
"""

from c2casgiutils.health_checks._cluster import matrix
from c2casgiutils.health_checks._drain import DrainRefused
from c2casgiutils.health_checks._endpoint import PROBE_PATHS, FastPath
from c2casgiutils.health_checks._factory import FACTORY, Factory
from c2casgiutils.health_checks._lifecycle import drain, shutdown, startup, undrain
from c2casgiutils.health_checks._model import (
    Check,
    EntityResult,
    GlobalResult,
    JsonCheckError,
    Result,
    Wrong,
)
from c2casgiutils.health_checks._probes import PROBES, probe_routes, probes
from c2casgiutils.health_checks._views import mount_router, router
from c2casgiutils.health_checks.checks._alembic import Alembic
from c2casgiutils.health_checks.checks._certificate import Certificate
from c2casgiutils.health_checks.checks._custom import Custom
from c2casgiutils.health_checks.checks._disk import DiskSpace
from c2casgiutils.health_checks.checks._loop import LoopLag
from c2casgiutils.health_checks.checks._redis import Redis
from c2casgiutils.health_checks.checks._sqlalchemy import SQLAlchemy
from c2casgiutils.health_checks.checks._url import Url
from c2casgiutils.health_checks.checks._version import Version

__all__ = [
    "FACTORY",
    "PROBES",
    "PROBE_PATHS",
    "Alembic",
    "Certificate",
    "Check",
    "Custom",
    "DiskSpace",
    "DrainRefused",
    "EntityResult",
    "Factory",
    "FastPath",
    "GlobalResult",
    "JsonCheckError",
    "LoopLag",
    "Redis",
    "Result",
    "SQLAlchemy",
    "Url",
    "Version",
    "Wrong",
    "drain",
    "matrix",
    "mount_router",
    "probe_routes",
    "probes",
    "router",
    "shutdown",
    "startup",
    "undrain",
]
