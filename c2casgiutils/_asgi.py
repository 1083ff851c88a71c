"""Small helpers for pure ASGI middlewares: raw headers, the start of a response, HEAD.

All names follow the ASGI specification, https://asgi.readthedocs.io/en/latest/specs/www.html: headers are
pairs of bytes, the names in lower case. Applications that forget the lower case are understood too.
"""

from collections.abc import Awaitable, Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]

RESPONSE_START = {"http": "http.response.start", "websocket": "websocket.http.response.start"}
"""The type of the message that starts a response, for each type of scope that can have one."""


def get_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Give the first value of a header.

    Args:
        headers: The raw headers of a scope or of a message.
        name: The name in lower case.
    """
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def set_header(headers: Iterable[tuple[bytes, bytes]], name: bytes, value: bytes) -> RawHeaders:
    """Give new raw headers where the named one appears once, with this value."""
    return [*remove_header(headers, name), (name, value)]


def remove_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> RawHeaders:
    """Give new raw headers without any occurrence of the named one (in lower case)."""
    return [header for header in headers if header[0].lower() != name]


def edit_headers_at_start(
    scope: Scope, send: Send, edit: Callable[[Message, RawHeaders], RawHeaders]
) -> Send:
    """Wrap `send` so that the headers of the response are edited when it starts.

    Nothing is buffered: all other messages pass as they are. Serves a websocket's denial response too.

    Args:
        scope: The scope of the connection.
        send: The channel to wrap.
        edit: Gets the start message and a list of its raw headers; returns the headers to send.
    """
    start = RESPONSE_START.get(scope["type"])

    def send_edited(message: Message) -> Awaitable[None]:
        if message["type"] == start:
            message = {**message, "headers": edit(message, list(message.get("headers", ())))}
        return send(message)

    return send_edited


class HeadAsGet:
    """Answer HEAD as GET without the body, for applications whose routes only name GET.

    RFC 9110 section 9.3.2: the header fields are those of the GET answer, its Content-Length included.

    Args:
        app: The application, which will only see GET.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        def send_without_body(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            return send(message)

        await self.app({**scope, "method": "GET"}, receive, send_without_body)
