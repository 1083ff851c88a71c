"""Databases: sessions on the right engine, committed before the answer is sent.

`Session`, `ReadSession` and `WriteSession` are types of endpoint parameters: sessions of the default
database, of `C2C__DB__URL`. Importing this package does not load SQLAlchemy; the first use does.
"""

from typing import TYPE_CHECKING, Annotated, Any

from c2casgiutils.db._database import Database
from c2casgiutils.db._errors import DatabaseConfigurationError, MissingDriverError
from c2casgiutils.db._failures import Failure, failure_of
from c2casgiutils.db._maintenance import MaintenanceError, maintenance
from c2casgiutils.db._profiler import Figures, Profile
from c2casgiutils.db._registry import check_settings, get, known, profiler, shutdown, startup
from c2casgiutils.db._routing import Mode
from c2casgiutils.db._sticky import StickyMiddleware
from c2casgiutils.db._types import DEPENDENCIES, create_type

if TYPE_CHECKING:
    from fastapi import Depends
    from sqlalchemy.ext.asyncio import AsyncSession

    Session = Annotated[AsyncSession, Depends()]
    ReadSession = Annotated[AsyncSession, Depends()]
    WriteSession = Annotated[AsyncSession, Depends()]

__all__ = [
    "Database",
    "DatabaseConfigurationError",
    "Failure",
    "Figures",
    "MaintenanceError",
    "MissingDriverError",
    "Mode",
    "Profile",
    "ReadSession",
    "Session",
    "StickyMiddleware",
    "WriteSession",
    "check_settings",
    "failure_of",
    "get",
    "known",
    "maintenance",
    "profiler",
    "shutdown",
    "startup",
]


def __getattr__(name: str) -> Any:
    if name not in DEPENDENCIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, create_type(name))
