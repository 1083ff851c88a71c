"""The metrics of requests, with labels of bounded cardinality."""

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from c2casgiutils._asgi import observe_lifespan
from c2casgiutils.prometheus._directory import multiprocess_directory
from c2casgiutils.prometheus._state import STATE

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

_LOGGER = logging.getLogger(__name__)

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
_REDIRECT = 307


def instrument(app: "Starlette") -> bool:
    """Measure the requests of an application with prometheus-fastapi-instrumentator.

    The label `handler` is the path template of the route including its mounts (`/c2c/headers/{path}`), or
    `none` if no route matches; the label `method` is a method of RFC 9110 or `other`.

    Args:
        app: The application, before it serves requests.

    Returns:
        `False` if the package is not installed (extra `prometheus`); then nothing is measured.

    Raises:
        ConfigurationError: `PROMETHEUS_MULTIPROC_DIR` is not a usable directory; ends the start.
    """
    multiprocess_directory()  # before the first metric, which requires it
    try:
        from prometheus_fastapi_instrumentator import Instrumentator
    except ImportError:
        _LOGGER.info("Requests are not measured: install c2casgiutils[prometheus]")
        return False
    app.add_middleware(_hide_foreign_routes, main_app=app)
    Instrumentator().add(_recorder()).instrument(app)
    return True


def _hide_foreign_routes(app: "ASGIApp", main_app: "Starlette") -> "ASGIApp":
    """Change the mounts when the middlewares are built, after all routes were added; adds no middleware."""
    from c2casgiutils._starlette import hide_foreign_routes

    hide_foreign_routes(main_app)
    return app


@functools.cache
def _recorder() -> Callable[[Any], None]:
    """Return the recorder shared by all applications of the process: a metric can only be registered once."""
    from prometheus_fastapi_instrumentator import metrics

    default = metrics.default()
    if default is None:
        _LOGGER.warning("The application already measures its requests")

    def record(info: Any) -> None:
        if info.method not in METHODS:
            info.method = "other"
        if _is_slash_redirect(info):
            info.modified_handler = "none"
        if default is not None:
            default(info)

    return record


def _is_slash_redirect(info: Any) -> bool:
    """Return whether the response is only a redirect to the path with or without a trailing slash.

    The instrumentator labels it with the path sent by the client, so the number of labels would be unlimited.
    """
    scope = info.request.scope
    return info.response.status_code == _REDIRECT and "route" not in scope


@functools.cache
def _in_progress() -> Any:
    """Return the gauge to change with each request, `None` if it reads the number when it is scraped."""
    from prometheus_client import Gauge

    text = "Number of HTTP requests in progress."
    try:
        gauge = Gauge("http_requests_inprogress", text, multiprocess_mode="livesum")
    except ValueError:  # already registered by the application
        return None
    if multiprocess_directory() is not None:
        return gauge
    gauge.set_function(lambda: STATE.in_flight)
    return None


class InFlightMiddleware:
    """Counts the requests in progress, of all applications of the process together."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app
        self._gauge = _in_progress()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Process one request."""
        if scope["type"] != "http":
            await self.app(scope, *observe_lifespan(scope, receive, send))
            return
        self._add(1)
        try:
            await self.app(scope, receive, send)
        finally:
            self._add(-1)

    def _add(self, number: int) -> None:
        STATE.in_flight += number
        if self._gauge is not None:
            self._gauge.inc(number)
