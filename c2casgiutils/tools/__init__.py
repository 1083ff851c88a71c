"""The views under the mount: request headers, log levels, running processes, and the page that shows them."""

from fastapi import APIRouter, FastAPI

from c2casgiutils.tools import documentation, headers, index, instances, logging_, metrics, static, versions

__all__ = ["documentation", "headers", "index", "instances", "logging_", "router", "startup", "static"]

router = APIRouter()
router.include_router(headers.router, prefix="/headers")
router.include_router(logging_.router, prefix="/logging")
router.include_router(instances.router)
router.include_router(metrics.router)
router.include_router(versions.router)


async def startup(main_app: FastAPI | None = None) -> None:
    """Start what the tools need: the log levels listen for changes and are restored."""
    await logging_.startup(main_app)
