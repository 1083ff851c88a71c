"""The views under the mount: request headers, log levels, running processes, and the page that shows them."""

from fastapi import APIRouter, FastAPI

from c2casgiutils.tools import headers

__all__ = ["headers", "router", "startup"]

router = APIRouter()
router.include_router(headers.router, prefix="/headers")


async def startup(main_app: FastAPI | None = None) -> None:
    """Start what the tools need: the log levels listen for changes and are restored."""
    del main_app
