"""Changes to a Starlette application that it has no method for.

Starlette builds the middleware stack before the first request or the lifespan, and rejects `add_middleware`
afterwards. This is the only module that changes a built stack, by attributes that are not documented (seen in
Starlette 1.10).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Scope

_MAX_DEPTH = 100
_QUERY_LETTERS = "/?:@!$&'()*+,;=~%"


def wrap_stack(app: Starlette, middleware: Callable[[ASGIApp], ASGIApp]) -> None:
    """Make a middleware the outermost one of the application, unless the application already has it."""
    stack = app.middleware_stack
    if stack is None:
        if all(added.cls is not middleware for added in app.user_middleware):
            app.add_middleware(middleware)
    elif all(type(layer) is not middleware for layer in _layers(stack)):
        app.middleware_stack = middleware(stack)


def mount_template(app: Any, path: str) -> str:
    """Return the templates of the mounts that lead to a path, as far as there are any.

    Args:
        app: The application, or its middlewares.
        path: The path of the innermost mount, below the root path of the application.
    """
    routes = next((layer.routes for layer in _layers(app) if hasattr(layer, "routes")), ())
    for route in routes:
        match = route.path_regex.match(f"{path}/") if isinstance(route, Mount) else None
        if match is not None:
            rest = match["path"].rstrip("/")
            return f"{route.path}{mount_template(route.app, f'/{rest}') if rest else ''}"
    return ""


def _layers(stack: Any) -> Iterator[Any]:
    """Return the middlewares of a built stack, from the outermost to the router."""
    layer = stack
    for _ in itertools.repeat(None, _MAX_DEPTH):
        if layer is None:
            return
        yield layer
        layer = getattr(layer, "app", None)


def unwrap_stack(app: Starlette, middleware: ASGIApp, rest: ASGIApp) -> None:
    """Replace a middleware that is no longer needed by the rest of the stack, if it is the outermost."""
    if app.middleware_stack is middleware:
        app.middleware_stack = rest


def find_error_middleware(app: Any) -> ServerErrorMiddleware | None:
    """Return the middleware that responds to unhandled exceptions."""
    layers = _layers(getattr(app, "middleware_stack", None))
    return next((layer for layer in layers if isinstance(layer, ServerErrorMiddleware)), None)


def replace_handler(middleware: ServerErrorMiddleware, handler: Any) -> None:
    """Set another handler in a middleware that is already built."""
    middleware.handler = handler


class _FixedRoute(Route):
    """Route without parameters; asked about each request, it seldom has to look closer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.NONE, {}) if self.path not in scope.get("path", "") else super().matches(scope)


class _FixedMount(Mount):
    """The same for a mount, which adds its own entries to the scope."""

    entries: Mapping[str, Any]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self.path not in scope.get("path", ""):
            return Match.NONE, {}
        match, child_scope = super().matches(scope)
        return match, {**child_scope, **self.entries}


def mount(app: Starlette, path: str, mounted: ASGIApp, entries: Mapping[str, Any]) -> None:
    """Mount an application, as `Starlette.mount` does, at little cost for the requests of other routes.

    Args:
        app: The application to mount it in.
        path: The path of the mount, without parameters.
        mounted: The application to mount.
        entries: Further entries of the scope of its requests.
    """
    route = _FixedMount(path, app=mounted)
    route.entries = entries
    app.routes.append(route)


class _OpaqueMount(Mount):
    """Mount of an application about whose routes nothing is known."""

    @property
    def routes(self) -> list[BaseRoute]:
        return []


def hide_foreign_routes(app: Starlette | Mount) -> None:
    """Make mounts opaque whose application has routes that are not those of Starlette.

    Starlette, and what walks through its routes, takes any attribute `routes` of a mounted application for a
    list of its own kind.

    Args:
        app: The application, or a mount in it; mounts in mounts are processed, too.
    """
    for index, route in enumerate(app.routes):
        if not isinstance(route, Mount):
            continue
        routes: object = route.routes
        if isinstance(routes, list) and all(isinstance(item, BaseRoute) for item in routes):
            hide_foreign_routes(route)
        else:
            app.routes[index] = _OpaqueMount(route.path, app=route.app, name=route.name)


def redirect_to_slash(app: Starlette, path: str) -> None:
    """Add a redirect from the path of a mount to the same path with a trailing slash.

    Starlette's own redirect uses the `Host` header, which the client controls. The target of this one is
    relative, which also works behind a proxy that strips a prefix of the path.

    Args:
        app: The application that has the mount.
        path: The path of the mount, without a trailing slash and without parameters.
    """

    async def redirect(request: Request) -> RedirectResponse:
        # quoted from bytes: not every server rejects a query that is not UTF-8
        query = f"?{quote(raw, safe=_QUERY_LETTERS)}" if (raw := request.scope["query_string"]) else ""
        return RedirectResponse(f"{path.rpartition('/')[2]}/{query}")

    # the methods of the page at the target
    methods = ["GET", "HEAD", "POST"]
    app.routes.append(_FixedRoute(path, redirect, methods=methods, include_in_schema=False))
