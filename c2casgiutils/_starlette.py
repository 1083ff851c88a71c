"""What Starlette has no public way for, seen in Starlette 1.10; no other module reaches so far.

An application builds its stack of middlewares before its first request or its lifespan, and refuses
`add_middleware` from then on. Here the stack is changed after that.
"""

import itertools
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

_MAX_DEPTH = 100


def wrap_stack(app: Starlette, middleware: Callable[[ASGIApp], ASGIApp]) -> None:
    """Put a middleware around everything in the application, unless it stands there already."""
    stack = app.middleware_stack
    if stack is None:
        app.add_middleware(middleware)
    elif type(stack) is not middleware:
        app.middleware_stack = middleware(stack)


def unwrap_stack(app: Starlette, middleware: ASGIApp, rest: ASGIApp) -> None:
    """Put the rest in the place of a middleware that is no longer needed, if that still is the outermost."""
    if app.middleware_stack is middleware:
        app.middleware_stack = rest


def find_error_middleware(app: Any) -> ServerErrorMiddleware | None:
    """Return the middleware that answers the unhandled exceptions of an application of Starlette."""
    layer = getattr(app, "middleware_stack", None)
    for _ in itertools.repeat(None, _MAX_DEPTH):
        if layer is None or isinstance(layer, ServerErrorMiddleware):
            return layer
        layer = getattr(layer, "app", None)
    return None


def replace_handler(middleware: ServerErrorMiddleware, handler: Any) -> None:
    """Let a middleware that was built answer with another handler."""
    middleware.handler = handler
