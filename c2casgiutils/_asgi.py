"""Helpers for pure ASGI middlewares: raw headers and the start of a response.

All names follow the ASGI specification, https://asgi.readthedocs.io/en/latest/specs/www.html: headers are
pairs of bytes with lower-case names. Applications that do not use lower case are supported, too.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]
AnyApp = Callable[..., Awaitable[None]]
"""An ASGI application, also of a framework that has its own types for scopes and messages."""

NOT_CACHED = {
    "Cache-Control": "no-cache, no-store",
    "Vary": "Accept, Authorization, Cookie, X-API-Key",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of our answers, which no cache may keep: they depend on the caller and the format asked for.

A proxy that is told to ignore `Cache-Control` often still obeys `Vary` (RFC 9110, section 12.5.5).
"""

FINAL = "c2casgiutils_final"
"""Key of the state of a scope: the names of the headers that are final."""
_LIFESPAN = "c2casgiutils_lifespan"
HELD = "c2casgiutils_held"
"""Key of the state of a scope, under which a middleware holds what the application gets.

That is a list of two: the scope, or a copy of it, which the application completes, for example with the
route; and its root path without mounts. It is a reference cycle: the middleware clears it at the end.
"""
LEGACY_PATHS = "c2casgiutils_legacy_paths"
"""Key of a scope, for a mount that also has the addresses of c2cwsgiutils."""
_RESPONSE_START = {"http": "http.response.start", "websocket": "websocket.http.response.start"}


def get_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the first value of a header.

    Args:
        headers: The raw headers of a scope or of a message.
        name: The name in lower case.
    """
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def path_inside(path: str, root_path: str) -> str:
    """Return the path inside the root path, with its leading slash.

    Servers prepend the root path unchanged: if it ends with a slash, there are two.
    """
    for root in (root_path, root_path.rstrip("/")):
        if root and path.startswith(root):
            rest = path[len(root) :]
            if not rest:
                return "/"
            if rest.startswith("/"):
                return rest
    return path


def path_segment(text: str) -> str | None:
    """Return a text as one segment of a path, percent-encoded; `None` if no segment may be it.

    Clients remove `.` and `..`, also encoded ones (https://url.spec.whatwg.org/#path-state); servers and
    proxies decode an encoded slash, or refuse it, and merge two; so the path would be another one.
    """
    return None if text in ("", ".", "..") or "/" in text else quote(text, safe="")


def matched_route(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the path of the matched route with the root path; `None` before the routing."""
    template = route_template(scope)
    return None if template is None else f"{scope.get('root_path', '').rstrip('/')}{template}"


def route_template(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the path of the matched route, below the root path; `None` before the routing.

    The route that FastAPI puts into the scope does not know the prefixes of the routers that include it. They
    are in an entry that is not documented (seen in FastAPI 0.165), which outlives the routing of a mount.
    """
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    is_current = included is not None and included.original_route is route
    return getattr(included if is_current else route, "path", None)


def replace_scope(scope: Scope, copy: Scope) -> None:
    """Note that the application gets a copy of the scope, for a middleware outside that holds it."""
    held: list[Any] | None = scope.get("state", {}).get(HELD)
    if held:
        held[:] = copy, copy.get("root_path", "")


def merge_slashes(scope: Scope) -> None:
    """Collapse repeated slashes of the root path: a server with `--root-path /api/` passes `/api//c2c`.

    Browsers request a single slash, so the path of the cookies would never match.
    """
    root_path = scope.get("root_path", "")
    if "//" not in root_path:
        return
    merged = re.sub("/+", "/", root_path).rstrip("/")
    if scope["path"].startswith(root_path):
        scope["path"] = merged + scope["path"][len(root_path) :]
    scope["root_path"] = merged


def make_final(scope: Scope, names: frozenset[bytes]) -> None:
    """Protect headers of the response from the rules of the application.

    Args:
        scope: The scope of the connection. The mark is in its state, which copies of the scope share.
        names: The names in lower case.
    """
    scope.setdefault("state", {})[FINAL] = names


def final_headers(scope: Scope) -> frozenset[bytes]:
    """Return the names of the headers that are final for this connection."""
    names: frozenset[bytes] = scope.get("state", {}).get(FINAL, frozenset())
    return names


def edit_headers_at_start(
    scope: Scope, send: Send, edit: Callable[[Message, RawHeaders], RawHeaders]
) -> Send:
    """Wrap `send` so that the headers of the response are edited when it starts.

    Nothing is buffered: all other messages pass unchanged. This includes the denial response of a websocket.

    Args:
        scope: The scope of the connection.
        send: The channel to wrap.
        edit: Gets the start message and a list of its raw headers; returns the headers to send.
    """
    start = _RESPONSE_START.get(scope["type"])

    def send_edited(message: Message) -> Awaitable[None]:
        if message["type"] == start:
            message = {**message, "headers": edit(message, list(message.get("headers", ())))}
        return send(message)

    return send_edited


class PendingCookies:
    """Base of middlewares that add the cookies of a list in the scope to the response, also to errors.

    Class attributes:
        key: The key of the list in the scope; its items are values of `Set-Cookie`.

    Args:
        app: The application.
    """

    key: ClassVar[str]

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one connection."""
        if scope["type"] != "http" or self.key in scope:
            await self.app(scope, receive, send)
            return
        cookies: list[str] = []
        scope[self.key] = cookies

        def send_with_cookies(message: Message) -> Awaitable[None]:
            # few requests set cookies: nothing is copied for the others
            if cookies and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *raw_cookies(cookies)]}
            return send(message)

        await self.app(scope, receive, send_with_cookies)


def encode_headers(headers: Mapping[str, str]) -> RawHeaders:
    """Return headers as they stand in a message."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def raw_cookies(cookies: Iterable[str]) -> RawHeaders:
    """Return the headers that set cookies, given the values of `Set-Cookie`."""
    return [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]


@dataclass(frozen=True, slots=True)
class LifespanObserver:
    """Callbacks for the lifespan of an application.

    Attributes:
        on_started: Called when its start-up is complete, including the application's own lifespan.
        on_stopping: Called when its shutdown begins.
    """

    on_started: Callable[[], None]
    on_stopping: Callable[[], None]


def set_lifespan_observer(app: Any, observer: LifespanObserver) -> None:
    """Set the observer of an application; our middlewares that see the lifespan call it."""
    setattr(app.state, _LIFESPAN, observer)


def observe_lifespan(scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """Wrap the channels of a lifespan (https://asgi.readthedocs.io/en/latest/specs/lifespan.html).

    Args:
        scope: The scope; if it is not that of a lifespan, the channels are returned unchanged.
        receive: The channel of the messages from the server.
        send: The channel of the messages to the server.
    """
    if scope["type"] != "lifespan":
        return receive, send
    state = getattr(scope.get("app"), "state", None)

    async def receive_observed() -> Message:
        message = await receive()
        observer = getattr(state, _LIFESPAN, None)
        if observer is not None and message["type"] == "lifespan.shutdown":
            observer.on_stopping()
        return message

    async def send_observed(message: Message) -> None:
        await send(message)
        observer = getattr(state, _LIFESPAN, None)
        if observer is not None and message["type"] == "lifespan.startup.complete":
            observer.on_started()

    return receive_observed, send_observed


def relative_redirect(location: bytes, path: str) -> bytes:
    """Make Starlette's redirect to the URL with or without a trailing slash relative.

    Behind a proxy, the scheme, the host and the full path used by the browser may be unknown here.

    Args:
        location: The value of `Location`; others are returned unchanged.
        path: The path of the request.
    """
    url = urlsplit(location.decode("latin-1"))
    bare = path.rstrip("/")
    if not url.netloc or unquote(url.path).rstrip("/") != bare:
        return location
    name = url.path.rstrip("/").rpartition("/")[2]
    target = f"./{name}/" if url.path.endswith("/") else "../" * (len(path) - len(bare)) + name
    return (f"{target}?{url.query}" if url.query else target).encode("latin-1")


class SlashRedirectMiddleware:
    """Makes the redirects of Starlette to the URL with or without a trailing slash relative.

    Their host is that of the `Host` header, which the client chooses.

    Args:
        app: The application, without the middlewares that redirect to another scheme or host.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]

        def send_relative(message: Message) -> Awaitable[None]:
            # only the router itself responds without a route
            if message["type"] == "http.response.start" and "route" not in scope:
                message["headers"] = [
                    (name, relative_redirect(value, path) if name == b"location" else value)
                    for name, value in message["headers"]
                ]
            return send(message)

        await self.app(scope, receive, send_relative)
