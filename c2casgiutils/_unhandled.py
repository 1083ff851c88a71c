"""The response to an unhandled exception, sent from inside a middleware.

Starlette's `ServerErrorMiddleware` is outside all middlewares of an application, so its response would bypass
them. Here the same class responds with the application's own handler and debug flag, one step earlier.
"""

import inspect
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from c2casgiutils._asgi import edit_headers_at_start, get_header
from c2casgiutils._starlette import find_error_middleware, replace_handler

_ANSWERED = "_c2casgiutils_answered"
# Starlette's page contains its style, its script and the handlers of its buttons.
_DEBUG_PAGE_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


class _OnceHandler:
    """The application's exception handler, except for exceptions that were already answered.

    The outer `ServerErrorMiddleware` calls its handler before it checks whether the response has started.
    Without this class, each exception would be handled twice.
    """

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        # For a callable object, `__call__` must be checked.
        self._is_async = any(map(inspect.iscoroutinefunction, (handler, handler.__call__)))

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Handle an exception that has no response yet."""
        if vars(error).pop(_ANSWERED, False):
            return Response(status_code=500)  # never sent, the response has started
        if self._is_async:
            response: Response = await self.handler(request, error)
            return response
        return await run_in_threadpool(self.handler, request, error)


async def answer_error(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Respond to an exception with the application's handler, then raise it again.

    Args:
        error: The exception; no response has been started.
        scope: The scope, whose `app` is the application if it is one of Starlette's.
        receive: The channel of the request.
        send: The channel of the response.

    Raises:
        Exception: The given exception, or the one raised by the application's handler.
    """
    handler, debug = _error_handling(scope.get("app"))
    if debug:
        send = _with_debug_page_policy(scope, send)

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    answer = ServerErrorMiddleware(fail, handler=handler, debug=debug)
    try:
        # The outer middleware responds if the handler itself fails.
        await ServerErrorMiddleware(answer)(scope, receive, send)
    except Exception as raised:
        vars(raised)[_ANSWERED] = True
        raise


def _error_handling(app: Any) -> tuple[Any, bool]:
    """Return the handler and the debug flag, and make the handler skip exceptions answered here."""
    layer = find_error_middleware(app)
    if layer is None:
        return None, False
    handler: Any = layer.handler
    if handler is None:
        return None, layer.debug
    if not isinstance(handler, _OnceHandler):
        handler = _OnceHandler(handler)
        replace_handler(layer, handler)
    return handler.handler, layer.debug


def _with_debug_page_policy(scope: Scope, send: Send) -> Send:
    def edit(_message: Message, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        content_type = get_header(headers, b"content-type") or b""
        if content_type.startswith(b"text/html"):
            headers.append((b"content-security-policy", _DEBUG_PAGE_POLICY))
        return headers

    return edit_headers_at_start(scope, send, edit)
