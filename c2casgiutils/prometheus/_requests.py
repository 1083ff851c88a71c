"""The metrics of requests, with labels of bounded cardinality."""

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from c2casgiutils._asgi import observe_lifespan
from c2casgiutils.prometheus._registry import multiprocess_directory
from c2casgiutils.prometheus._state import STATE

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

_LOGGER = logging.getLogger(__name__)

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
_REDIRECT = 307


def instrument(app: "Starlette") -> bool:
    """Measure the requests of an application with prometheus-fastapi-instrumentator.

    The label `handler` is the template of the route with the prefixes of its mounts (`/c2c/headers/{path}`),
    or `none` for what no route answers; the label `method` is a method of RFC 9110 or `other`.

    Args:
        app: The application, before it serves.

    Returns:
        False when the package is not installed (extra `prometheus`): nothing is measured then.

    Raises:
        ConfigurationError: `PROMETHEUS_MULTIPROC_DIR` is no directory; ends the start.
    """
    multiprocess_directory()  # before the first metric, which would fail without it
    try:
        from prometheus_fastapi_instrumentator import Instrumentator
    except ImportError:
        _LOGGER.info("No metrics of requests: install c2casgiutils[prometheus]")
        return False
    Instrumentator().add(_recorder()).instrument(app)
    return True


@functools.cache
def _recorder() -> Callable[[Any], None]:
    """One for all applications of the process: a metric can be registered only once."""
    from prometheus_fastapi_instrumentator import metrics

    default = metrics.default()
    if default is None:
        _LOGGER.warning("The application measures its requests itself, nothing is added")

    def record(info: Any) -> None:
        if info.method not in METHODS:
            info.method = "other"
        if _is_slash_redirect(info):
            info.modified_handler = "none"
        if default is not None:
            default(info)

    return record


def _is_slash_redirect(info: Any) -> bool:
    """Return whether no route answered but the redirection to the path with or without a slash.

    The instrumentator labels it with the path that the client sent, so the number of labels would be
    unlimited.
    """
    scope = info.request.scope
    return info.response.status_code == _REDIRECT and "route" not in scope


@functools.cache
def _in_progress() -> Any:
    from prometheus_client import Gauge

    text = "Number of HTTP requests in progress."
    try:
        return Gauge("http_requests_inprogress", text, multiprocess_mode="livesum")
    except ValueError:  # the application has it already
        return None


class InFlightMiddleware:
    """Counts the requests that are being answered, all applications of the process together."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app
        self._gauge = _in_progress()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
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
