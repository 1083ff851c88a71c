"""The responses to errors: JSON with FastAPI's `detail` and the id of the request, for browsers a page."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount

from c2casgiutils import auth, errors
from c2casgiutils._asgi import NOT_CACHED
from c2casgiutils._error_bodies import body_with_detail, without_input
from c2casgiutils.tools import _error_page

_UNREADABLE_BODY = (
    "The body must be valid JSON in UTF-8, without deep nesting and without numbers of thousands of digits"
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def add_error_handlers(app: FastAPI) -> None:
    """Let the mounted application respond to errors."""
    app.add_exception_handler(Exception, _internal_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(405, _method_not_allowed)
    app.add_exception_handler(RequestValidationError, _validation_error)


async def _respond(
    request: Request, status: int, detail: Any, headers: Mapping[str, str] | None = None
) -> Response:
    if auth.prefers_html(request):
        return await _error_page.render(request, status, detail, headers)
    return JSONResponse(body_with_detail(status, detail), status, headers)


async def _http_error(request: Request, error: Any) -> Response:
    """Respond with what a view raised, or the router for an unknown path."""
    # FastAPI does not say what is wrong with a body that Python cannot decode
    is_unreadable = error.status_code == HTTPStatus.BAD_REQUEST and isinstance(
        error.__cause__, ValueError | RecursionError
    )
    detail = _UNREADABLE_BODY if is_unreadable else error.detail
    return await _respond(request, error.status_code, detail, error.headers)


async def _internal_error(request: Request, error: Exception) -> JSONResponse:
    """Respond to an unexpected exception, outside of the middleware; the server logs the exception."""
    details = await errors.details_of(request, error)
    message = details.pop("message", "Internal Server Error")
    return JSONResponse(body_with_detail(500, message, **details), 500, NOT_CACHED)


async def _method_not_allowed(request: Request, error: Exception) -> Response:
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
    return await _respond(request, 405, detail, {"Allow": ", ".join(sorted(methods))})


async def _validation_error(request: Request, error: Exception) -> Response:
    """Respond with 422 like FastAPI, but without the input, which may contain a secret or invalid UTF-8."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    return await _respond(request, 422, without_input(found))
