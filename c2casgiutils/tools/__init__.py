"""The views under the mount: request headers, log levels, running processes, and the page that shows them."""

from fastapi import APIRouter

from c2casgiutils import follow
from c2casgiutils._asgi import AnyApp
from c2casgiutils.db import _maintenance as databases
from c2casgiutils.tools import (
    _activity_view,
    _checks_view,
    _configuration_view,
    _database_view,
    _debug,
    _diagnostics_view,
    _events,
    _follow,
    _instances,
    _levels_view,
    _maintenance,
    _metrics,
    _process_view,
    _processes_view,
    _requests_view,
    _sql_profiler,
    _sql_profiler_page,
    _summary,
    _versions,
    headers,
    logging_,
)
from c2casgiutils.tools._documentation import router as documentation_router
from c2casgiutils.tools._index import router as page_router
from c2casgiutils.tools._registered_view import register_link, register_page
from c2casgiutils.tools._static import StaticFiles

__all__ = [
    "StaticFiles",
    "documentation_router",
    "headers",
    "logging_",
    "page_router",
    "register_link",
    "register_page",
    "router",
    "startup",
]

router: APIRouter = APIRouter()
router.include_router(headers.router, prefix="/headers")
router.include_router(logging_.router, prefix="/logging")
router.include_router(_follow.router, prefix="/logging")
router.include_router(_maintenance.router)
router.include_router(_instances.router)
router.include_router(_events.router)
router.include_router(_activity_view.router)
router.include_router(_metrics.router)
router.include_router(_process_view.router)
router.include_router(_processes_view.router)
router.include_router(_sql_profiler.router)
router.include_router(_sql_profiler_page.router)
router.include_router(_summary.router)
router.include_router(_versions.router)
router.include_router(_checks_view.router)
router.include_router(_levels_view.router)
router.include_router(_debug.router)
router.include_router(_requests_view.router)
router.include_router(_diagnostics_view.router)
router.include_router(_database_view.router)
router.include_router(_configuration_view.router)


async def startup(main_app: AnyApp | None = None) -> None:
    """Start what the tools need: receive changes of switches, and restore the stored ones."""
    await _debug.startup(main_app)
    follow.startup()  # first: values of a kind that nothing knows would be a warning
    databases.startup()
    await _sql_profiler.startup()
    await logging_.startup(main_app)
    await _maintenance.startup()
