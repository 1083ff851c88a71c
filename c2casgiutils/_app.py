"""The assembly: the application to mount, and what runs beside it from start to end."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse

import c2casgiutils
from c2casgiutils import auth, broadcast, config, health_checks, instances, redis_utils, tools
from c2casgiutils.tools import static
from c2casgiutils.tools._views import NO_STORE, ViewMiddleware

_LOGGER = logging.getLogger(__name__)


def create_app(settings: config.Settings | None = None) -> FastAPI:
    """Create the application to mount.

    Args:
        settings: Taken as `config.settings` of the process, which has one settings object; by default the
            settings stay as they are.
    """
    if settings is not None:
        config.settings = settings
    app = FastAPI(
        title="c2casgiutils",
        version=c2casgiutils.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(ViewMiddleware)
    app.add_middleware(auth.CookieMiddleware)
    app.add_exception_handler(Exception, _internal_error)
    app.router.routes[:0] = health_checks.probe_routes()
    app.include_router(tools.router)
    app.include_router(tools.index.router)
    app.include_router(health_checks.router, prefix="/health")
    app.include_router(health_checks.mount_router)
    app.include_router(auth.router)
    app.mount("/static", static.StaticFiles(), name="c2c_static")
    _add_documentation(app)
    return app


async def startup(main_app: FastAPI | None = None) -> None:
    """Start everything: check the settings, connect Redis if configured, listen, restore the log levels.

    Calling it again changes nothing while it runs; after the end of its event loop it starts anew. Redis away
    is no error and takes no more than a second: all works once Redis is back.

    Args:
        main_app: The application that mounts `c2casgiutils.app`.

    Raises:
        SystemExit: The authentication is configured in part or in an absurd way; names the setting.
    """
    await _lifecycle.startup(main_app)


async def shutdown() -> None:
    """End every task and close every connection that `startup` opened. Harmless when nothing runs."""
    await _lifecycle.shutdown()


@contextlib.asynccontextmanager
async def lifespan(main_app: FastAPI | None = None) -> AsyncIterator[None]:
    """Start and end everything: `FastAPI(lifespan=c2casgiutils.lifespan)`, or within another lifespan."""
    await startup(main_app)
    try:
        yield
    finally:
        await shutdown()


class _Lifecycle:
    """What runs in this process, bound to the event loop that it was started on."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()
        self._steps: contextlib.AsyncExitStack | None = None

    async def startup(self, main_app: FastAPI | None) -> None:
        self._bind()
        async with self._lock:
            if self._steps is not None:
                return
            async with contextlib.AsyncExitStack() as steps:
                await self._start(steps, main_app)
                self._steps = steps.pop_all()

    async def shutdown(self) -> None:
        self._bind()
        async with self._lock:
            steps, self._steps = self._steps, None
            if steps is not None:
                await steps.aclose()

    def _bind(self) -> None:
        """Forget what ran on another event loop: nothing of it can be awaited on this one."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._steps is not None:
            _LOGGER.warning("The event loop ended without a shutdown of c2casgiutils")
        self._loop, self._lock, self._steps = loop, asyncio.Lock(), None

    @staticmethod
    async def _start(steps: contextlib.AsyncExitStack, main_app: FastAPI | None) -> None:
        steps.push_async_callback(_guarded, redis_utils.aclose)
        steps.push_async_callback(_guarded, auth.shutdown)
        await auth.startup(main_app)
        steps.push_async_callback(_guarded, broadcast.shutdown)
        await broadcast.startup(main_app)
        await tools.startup(main_app)
        steps.push_async_callback(_guarded, health_checks.shutdown)
        await health_checks.startup()
        instances.set_state("ready")


_lifecycle = _Lifecycle()


async def _guarded(step: Callable[[], Awaitable[None]]) -> None:
    """Run a closing step; its failure must not keep the others from running."""
    try:
        await step()
    except Exception:
        _LOGGER.exception("A step of the shutdown failed")


async def _internal_error(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "Internal Server Error"}, 500, headers=NO_STORE)


def _docs_on() -> None:
    if not config.settings.tools.docs:
        raise HTTPException(404)


def _add_documentation(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(auth.require_read_only_access)])
    async def c2c_openapi(request: Request) -> JSONResponse:
        servers = [{"url": request.scope.get("root_path", "").rstrip("/") or "/"}]
        return JSONResponse({**app.openapi(), "servers": servers})

    @app.get("/docs", include_in_schema=False, dependencies=[Depends(_docs_on)])
    async def c2c_docs() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="openapi.json", title=app.title)

    @app.get("/redoc", include_in_schema=False, dependencies=[Depends(_docs_on)])
    async def c2c_redoc() -> HTMLResponse:
        return get_redoc_html(openapi_url="openapi.json", title=app.title)
