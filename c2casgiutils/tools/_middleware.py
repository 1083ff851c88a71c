"""Behaviour common to all views: HEAD requests, no caching, and bounded bodies."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils._asgi import NOT_CACHED, encode_headers, path_inside, relative_redirect
from c2casgiutils._error_bodies import body_with_detail
from c2casgiutils._outages import limit_waiting
from c2casgiutils.tools import _static

_NOT_CACHED = encode_headers(NOT_CACHED)
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_CACHEABLE = (b"cache-control", _static.IMMUTABLE.encode())
_HEAD = "c2casgiutils.head"
_ECHO = "/headers/"
_MAY_BE_EMPTY = frozenset({b"after", b"secret"})
"""The parameters of queries whose empty value is not the same as none."""
_MAX_BODY_BYTES = 64 * 1024
_MAX_BODY_SECONDS = 10.0
_MAX_WAIT_SECONDS = 2.0


class ViewMiddleware:
    """Respond to HEAD like GET without the body (RFC 9110, 9.3.2), and forbid caching of views.

    Empty parameters of the query are left out: a form without script submits its empty fields.

    Invalid requests are rejected: a body above 64 KiB, which FastAPI would read before authentication, one
    that takes more than ten seconds, which would delay the end of the process, and a query that is not UTF-8,
    from which Starlette cannot build a URL. All waits for Redis in a view take at most two seconds together.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        changes = _changes(scope, is_head=is_head)
        # A copy, as the access log of the server uses the original scope.
        inner_scope: MutableMapping[str, Any] = {**scope, **changes} if changes else scope

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

        app = self.app if _is_text(scope.get("query_string", b"")) else _reject_query
        with limit_waiting(_MAX_WAIT_SECONDS):
            await app(inner_scope, _bounded(receive), send_view)


def is_head(scope: Scope) -> bool:
    """Return whether a request that a view sees as GET is a HEAD: a stream must end at once then."""
    return _HEAD in scope


def _changes(scope: Scope, *, is_head: bool) -> dict[str, Any]:
    """Return what the views get instead of what the client sent."""
    changes: dict[str, Any] = {"method": "GET", _HEAD: True} if is_head else {}
    given = scope.get("query_string", b"")
    is_echo = path_inside(scope["path"], scope.get("root_path", "")).startswith(_ECHO)
    if given and not is_echo and (query := _without_empty(given)) != given:
        changes["query_string"] = query
    return changes


def _without_empty(query: bytes) -> bytes:
    """Return a query without the parameters that are empty, `name=`."""
    pairs = (pair.partition(b"=") for pair in query.split(b"&"))
    return b"&".join(b"".join(pair) for pair in pairs if pair[2] or not pair[1] or pair[0] in _MAY_BE_EMPTY)


def _is_text(query: bytes) -> bool:
    try:
        query.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _reject_query(scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse(body_with_detail(400, "The query of the URL is not UTF-8"), 400)
    await answer(scope, receive, send)


def _bounded(receive: Receive) -> Receive:
    size = 0
    ends_at: float | None = None
    is_whole = False

    async def receive_bounded() -> Message:
        nonlocal size, ends_at, is_whole
        if is_whole:
            return await receive()
        ends_at = ends_at or asyncio.get_running_loop().time() + _MAX_BODY_SECONDS
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"The body took more than {_MAX_BODY_SECONDS:g} seconds") from None
        is_whole = not message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > _MAX_BODY_BYTES:
            raise HTTPException(413, "The body is too large")
        return message

    return receive_bounded


def _finished(headers: Any, path: str) -> list[tuple[bytes, bytes]]:
    pairs = [
        (name.lower(), relative_redirect(value, path) if name.lower() == b"location" else value)
        for name, value in headers
    ]
    if _CACHEABLE in pairs:
        return [*pairs, _NOSNIFF] if _NOSNIFF not in pairs else pairs
    pairs = [pair for pair in pairs if pair[0] != b"cache-control" and pair not in _NOT_CACHED]
    return pairs + _NOT_CACHED
