"""The middleware that gives each request an id."""

from collections.abc import Awaitable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils._asgi import RawHeaders
from c2casgiutils._unhandled import answer_error
from c2casgiutils.request_tracking._context import CURRENT, RequestContext
from c2casgiutils.request_tracking._incoming import Reader
from c2casgiutils.request_tracking._propagation import note_request

_ANSWER = b"x-request-id"
_LENGTH = len(_ANSWER)
_STARTS = {
    "http": frozenset({"http.response.start"}),
    "websocket": frozenset({"websocket.accept", "websocket.http.response.start"}),
}
"""The messages that start an answer; their headers are edited."""


class RequestTrackingMiddleware:
    """Give each request an id, and answer with it in `X-Request-ID`.

    The id is that of the first of these headers with a valid value: `header`, `traceparent` (its trace id,
    https://www.w3.org/TR/trace-context/), `X-Request-ID`, `X-Correlation-ID`, `Request-ID`, `X-Varnish`,
    `X-Amzn-Trace-Id`; else it is a new UUID (version 4). Valid are 1 to 128 printable ASCII characters.

    Inside, `current_request_id()` and `request.state.request_id` return it. Unhandled exceptions are answered
    here, with the handler of the application, so that these answers have the header too.

    Args:
        app: The application.
        header: Name of a header that precedes all others.
        trust: Whether to read the headers; if not, each request gets a new id.
        server_timing: Whether to tell the time until the answer starts, and that of its statements in
            databases (`db`), in `Server-Timing`
            (https://www.w3.org/TR/server-timing/).

    Raises:
        ValueError: The name of the header is not valid.
    """

    def __init__(
        self, app: ASGIApp, header: str | None = None, trust: bool = True, server_timing: bool = False
    ) -> None:
        self.app = app
        self._read = Reader(header, trust=trust).read
        self._with_timing = server_timing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        starts = _STARTS.get(scope["type"])
        around = CURRENT.get()
        if starts is None or (around is not None and _is_same(around.scope, scope)):
            await self.app(scope, receive, send)
            return

        request_id, traceparent = self._read(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        context = RequestContext(request_id, traceparent, scope)
        started = False

        def send_tracked(message: Message) -> Awaitable[None]:
            nonlocal started
            if message["type"] in starts:
                started = True
                headers = _with_id(message.get("headers", ()), request_id)
                if self._with_timing:
                    headers.append((b"server-timing", _timing(context)))
                message = {**message, "headers": headers}
            return send(message)

        token = CURRENT.set(context)
        try:
            try:
                await self.app(scope, receive, send_tracked)
            except Exception as error:
                if started or scope["type"] != "http":
                    raise
                await answer_error(error, scope, receive, send_tracked)
        except Exception as error:
            note_request(error)
            raise
        finally:
            CURRENT.reset(token)


def _with_id(given: Iterable[tuple[bytes, bytes]], request_id: str) -> RawHeaders:
    """Return the headers with the id, in the place of one that an inner application has set."""
    headers = list(given)
    for name, _ in headers:
        if len(name) == _LENGTH and name.lower() == _ANSWER:
            headers = [header for header in headers if header[0].lower() != _ANSWER]
            break
    headers.append((_ANSWER, request_id.encode("ascii")))
    return headers


def _timing(context: RequestContext) -> bytes:
    """Return the time since the beginning, and the part of it in databases, in milliseconds."""
    value = b"app;dur=%.1f" % (context.seconds * 1000)
    if not context.database_seconds:
        return value
    return value + b", db;dur=%.1f" % (context.database_seconds * 1000)


def _is_same(around: Scope | None, scope: Scope) -> bool:
    """Return whether this middleware stands around itself: copies of a scope share its state."""
    return around is not None and "state" in scope and around.get("state") is scope["state"]
