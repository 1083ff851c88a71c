"""The assembly: the application to mount, and the services that run beside it.

The parts are imported on first use, so that accessing `c2casgiutils.app` is cheap.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils import __version__
from c2casgiutils._asgi import AnyApp, LifespanObserver, make_final, merge_slashes, set_lifespan_observer
from c2casgiutils._process import PerLoop
from c2casgiutils._starlette import redirect_to_slash, unwrap_stack, wrap_stack

if TYPE_CHECKING:
    from c2casgiutils import config

_LOGGER = logging.getLogger(__name__)

# Rules of the application for its own pages must not make these public or loosen their policies.
_FINAL_HEADERS = frozenset({b"cache-control", b"content-security-policy"})


class OperationsApp(FastAPI):
    """The application to mount; its routes are assembled on first use, by a request or by `url_for`."""

    def __init__(self) -> None:
        super().__init__(
            title="c2casgiutils", version=__version__, openapi_url=None, docs_url=None, redoc_url=None
        )
        # The paths of our own views, which tell the security headers which pages need a looser policy.
        self.openapi_url, self.docs_url, self.redoc_url = "/openapi.json", "/docs", "/redoc"
        self._assembly = threading.Lock()
        self._is_assembled = False

    @property
    def routes(self) -> list[BaseRoute]:
        """All routes."""
        self.assemble()
        return super().routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one connection."""
        self.assemble()
        if scope["type"] != "lifespan":
            make_final(scope, _FINAL_HEADERS)
            merge_slashes(scope)
            _note_serving()
        await super().__call__(scope, receive, send)

    def assemble(self) -> None:
        """Add the routes and middlewares, once."""
        if self._is_assembled:
            return
        with self._assembly:
            if not self._is_assembled:
                _assemble(self)
                self._is_assembled = True


def create_app(settings: "config.Settings | None" = None) -> FastAPI:
    """Create the application to mount.

    Args:
        settings: Replaces `config.settings`, of which a process has only one; by default it is unchanged.
    """
    from c2casgiutils import _wiring, config

    # checked now, as Starlette prints errors of a lifespan with a traceback
    config.settings = settings if settings is not None else config.settings
    check_settings()
    _wiring.wire_request_tracking()
    return OperationsApp()


def check_settings() -> None:
    """Check the settings that need other modules.

    Raises:
        ConfigurationError: A setting is invalid; ends the start.
    """
    from c2casgiutils import config, db, prometheus, redis_utils

    if config.settings.redis.options or config.settings.redis.sentinel_options:
        redis_utils.check_settings()
    db.check_settings()
    prometheus.multiprocess_directory()  # before the first metric, which requires it


async def startup(main_app: AnyApp | None = None) -> None:
    """Start everything: check the settings, connect to Redis if configured, and restore the log levels.

    Calling it again has no effect while it runs; after the end of its event loop it starts again. If Redis is
    unreachable, it returns after a second, and everything works once Redis is reachable.

    Args:
        main_app: The application that mounts `c2casgiutils.app`. One of another framework than FastAPI and
            Starlette gets no middlewares, and counts as ready as soon as everything is started.

    Raises:
        SystemExit: The configuration of the authentication is incomplete or contradictory; the message names
            the setting.
    """
    await _LIFECYCLES.get().startup(main_app)


async def shutdown() -> None:
    """Cancel all tasks and close all connections of this package; does nothing if it is not started.

    This includes parts that were started separately, for example by `cli.init` or `broadcast.startup`.
    """
    await _LIFECYCLES.get().shutdown()


@contextlib.asynccontextmanager
async def lifespan(main_app: AnyApp | None = None) -> AsyncIterator[None]:
    """Start and stop everything: `FastAPI(lifespan=c2casgiutils.lifespan)`, or within another lifespan."""
    await startup(main_app)
    try:
        yield
    finally:
        await shutdown()


class _Lifecycle:
    """The steps that were started on one event loop, and their shutdown."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._steps: contextlib.AsyncExitStack | None = None

    async def startup(self, main_app: AnyApp | None) -> None:
        from c2casgiutils import broadcast

        async with self._lock:
            if self._steps is not None and broadcast.is_started():
                return
            if self._steps is not None:  # after `broadcast.cleanup`: start again with the current settings
                steps, self._steps = self._steps, None
                await steps.aclose()
            async with contextlib.AsyncExitStack() as steps:
                await self._start(steps, main_app)
                self._steps = steps.pop_all()

    async def shutdown(self) -> None:
        async with self._lock:
            steps, self._steps = self._steps, None
            await (_end_parts() if steps is None else steps.aclose())

    def note_closed_loop(self) -> None:
        """Drop what was started on a closed event loop: it can no longer be awaited."""
        if self._steps is not None:
            _LOGGER.warning("The event loop ended without a shutdown of c2casgiutils")

    @staticmethod
    async def _start(steps: contextlib.AsyncExitStack, main_app: AnyApp | None) -> None:
        from c2casgiutils import (
            _wiring,
            auth,
            broadcast,
            config,
            db,
            debug,
            follow,
            health_checks,
            instances,
            logs,
            redis_utils,
            switches,
            tools,
        )

        starlette_app = main_app if isinstance(main_app, Starlette) else None
        _wiring.wire_request_tracking()
        logs.protect_handlers(config.secrets_of(config.settings))  # also those of uvicorn
        logs.complete_named()
        logs.print_configuration()
        steps.push_async_callback(_guarded, logs.flush)  # the exit functions may never be called
        steps.push_async_callback(_guarded, redis_utils.aclose)
        steps.push_async_callback(_guarded, db.shutdown)
        steps.push_async_callback(_guarded, auth.shutdown)
        with debug.step("sign-in"):
            await auth.startup(starlette_app)
        for danger in config.dangers(config.settings):
            _LOGGER.warning(danger)
        steps.push_async_callback(_guarded, broadcast.shutdown)
        with debug.step("broadcast"):
            await broadcast.startup(main_app)
        steps.push_async_callback(_guarded, debug.shutdown)
        with debug.step("watchdog"):
            await debug.startup()
        steps.push_async_callback(_guarded, switches.shutdown)
        steps.push_async_callback(_guarded, follow.shutdown)
        with debug.step("tools"):
            await tools.startup(main_app)
        steps.push_async_callback(_guarded, health_checks.shutdown)
        with debug.step("health checks"):
            await health_checks.startup()
        instances.set_started()
        if starlette_app is None:  # no request will show that the server is ready
            instances.note_serving()
        else:
            _prepare_mounts(starlette_app)
            db.startup(starlette_app)
            set_lifespan_observer(starlette_app, LifespanObserver(_note_serving, _note_stopping))
            wrap_stack(starlette_app, debug.ExchangesMiddleware)
            wrap_stack(starlette_app, _FirstRequest)


class _FirstRequest:
    """Notes that the server accepts requests, if none of our middlewares sees the lifespan.

    Args:
        app: The application, or its other middlewares.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one connection."""
        if scope["type"] != "lifespan":
            unwrap_stack(scope["app"], self, self.app)
            _note_serving()
        await self.app(scope, receive, send)


def _note_serving() -> None:
    from c2casgiutils import instances

    instances.note_serving()


def _note_stopping() -> None:
    from c2casgiutils import instances

    instances.set_state("stopping")


def _prepare_mounts(main_app: Starlette) -> None:
    """Assemble mounted applications now instead of at the first request, and add the slash redirects."""
    paths = {getattr(route, "path", None) for route in main_app.routes if not isinstance(route, Mount)}
    for route in list(main_app.routes):
        if isinstance(route, Mount) and isinstance(route.app, OperationsApp):
            route.app.assemble()
            if route.path and "{" not in route.path and route.path not in paths:
                redirect_to_slash(main_app, route.path)


_LIFECYCLES = PerLoop(_Lifecycle, on_drop=_Lifecycle.note_closed_loop)


async def _end_parts() -> None:
    """Shut down parts that were started separately, for example by `broadcast.startup`."""
    from c2casgiutils import auth, broadcast, db, follow, health_checks, logs, redis_utils, switches

    for part in (health_checks, follow, switches, broadcast, auth, db):
        await _guarded(part.shutdown)
    await _guarded(redis_utils.aclose)
    await _guarded(logs.flush)


async def _guarded(step: Callable[[], Awaitable[None]]) -> None:
    """Run a closing step; a failure must not prevent the other steps."""
    try:
        await step()
    except Exception:
        _LOGGER.exception("A step of the shutdown failed")


def _assemble(app: FastAPI) -> None:
    from c2casgiutils import auth, config, headers, health_checks, tools
    from c2casgiutils.tools import _errors, _legacy_paths, _middleware, _registered_view

    app.add_middleware(_middleware.ViewMiddleware)
    app.add_middleware(auth.CookieMiddleware)
    app.add_middleware(health_checks.FastPath)
    if config.settings.proxy_headers.type == "none":
        app.add_middleware(headers.UnreadForwardedMiddleware)
    _errors.add_error_handlers(app)
    app.router.routes[:0] = [*health_checks.probe_routes(), *_legacy_paths.routes]
    app.include_router(tools.router)
    app.include_router(tools.page_router)
    app.include_router(health_checks.router, prefix="/health")
    app.include_router(health_checks.mount_router)
    app.include_router(auth.router)
    # Plain routes, like FastAPI's own documentation routes, which the security headers recognise.
    app.router.routes.extend(tools.documentation_router.routes)
    app.mount("/static", tools.StaticFiles(), name="c2c_static")
    app.router.routes.extend(_registered_view.routes)
