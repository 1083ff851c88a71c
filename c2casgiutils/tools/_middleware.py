"""Behaviour common to all views: HEAD requests, no caching, and errors as JSON with `detail`."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils._outages import limit_waiting
from c2casgiutils.tools import _static

_NO_STORE = (b"cache-control", b"no-cache, no-store")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_CACHEABLE = (b"cache-control", _static.IMMUTABLE.encode())
_MAX_BODY_BYTES = 64 * 1024
_MAX_WAIT_SECONDS = 2.0
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class ViewMiddleware:
    """Respond to HEAD like GET without the body (RFC 9110, 9.3.2), and forbid caching of views.

    Invalid requests are rejected: a body above 64 KiB, which FastAPI would read before authentication, and a
    query that is not UTF-8, from which Starlette cannot build a URL. All waits for Redis in a view take at
    most two seconds together.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        # A copy, as the access log of the server uses the original scope.
        inner_scope: MutableMapping[str, Any] = {**scope, "method": "GET"} if is_head else scope

        async def send_view(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _finished(message.get("headers", ()), scope["path"])
                # The security headers use it.
                scope["endpoint"] = inner_scope.get("endpoint")
            elif is_head:
                # Also replaces extensions that send a file (`http.response.pathsend`).
                more = message.get("more_body", False)
                message = {"type": "http.response.body", "body": b"", "more_body": more}
            await send(message)

        app = self.app if _is_text(scope.get("query_string", b"")) else _BAD_QUERY
        with limit_waiting(_MAX_WAIT_SECONDS):
            await app(inner_scope, _bounded(receive), send_view)


def _is_text(query: bytes) -> bool:
    try:
        query.decode()
    except UnicodeDecodeError:
        return False
    return True


_BAD_QUERY = JSONResponse({"detail": "The query of the URL is not UTF-8"}, 400)


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def receive_bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > _MAX_BODY_BYTES:
            raise HTTPException(413, "The body is too large")
        return message

    return receive_bounded


async def internal_error(_request: Request, _error: Exception) -> JSONResponse:
    """Respond to an unexpected exception, outside of the middleware; the server logs the exception."""
    headers = {"Cache-Control": _NO_STORE[1].decode(), "X-Content-Type-Options": "nosniff"}
    return JSONResponse({"detail": "Internal Server Error"}, 500, headers)


async def method_not_allowed(request: Request, error: Exception) -> JSONResponse:
    """Respond with 405 and the methods of all routes with this path (RFC 9110, 15.5.6)."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]  # without static files
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    methods = [
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]
    if "GET" in methods or not methods:
        methods = ["GET", "HEAD", *methods[1:]]
    detail = error.detail if isinstance(error, HTTPException) else "Method Not Allowed"
    return JSONResponse({"detail": detail}, 405, {"Allow": ", ".join(sorted(methods))})


async def validation_error(_request: Request, error: Exception) -> JSONResponse:
    """Respond with 422 like FastAPI, but without the input, which may contain a secret or invalid UTF-8."""
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    return JSONResponse({"detail": [_without_input(item) for item in errors]}, 422)


def _without_input(error: dict[str, Any]) -> dict[str, Any]:
    if error["loc"] == ("body",) and isinstance(error["input"], bytes):
        # FastAPI parses JSON only with this content type, which a form of another site's page cannot send
        msg = "The body is parsed as JSON only with the header Content-Type: application/json"
        return {"type": "content_type", "loc": error["loc"], "msg": msg}
    return {key: error[key] for key in ("type", "loc", "msg")}


def _finished(headers: Any, path: str) -> list[tuple[bytes, bytes]]:
    pairs = [
        (name.lower(), _relative(value, path) if name.lower() == b"location" else value)
        for name, value in headers
    ]
    if _CACHEABLE not in pairs:
        pairs = [pair for pair in pairs if pair[0] != b"cache-control"]
        pairs.append(_NO_STORE)
    if all(name != _NOSNIFF[0] for name, _ in pairs):
        pairs.append(_NOSNIFF)
    return pairs


def _relative(location: bytes, path: str) -> bytes:
    """Make Starlette's redirect to the URL with or without a trailing slash relative.

    Behind a proxy, the scheme, the host and the full path used by the browser may be unknown here.
    """
    url = urlsplit(location.decode("latin-1"))
    if not url.netloc or unquote(url.path).rstrip("/") != path.rstrip("/"):
        return location
    name = url.path.rstrip("/").rpartition("/")[2]
    target = f"./{name}/" if url.path.endswith("/") else f"../{name}"
    return (f"{target}?{url.query}" if url.query else target).encode("latin-1")
