"""Detects forwarded headers of a proxy that are not read."""

import logging
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils._asgi import get_header
from c2casgiutils._trusted_hosts import UNIX_PEER
from c2casgiutils.headers._forwarded import ForwardedHeadersMiddleware
from c2casgiutils.headers._forwarded_readers import FOR, parse_scheme
from c2casgiutils.headers._replaced_peer import claimed_ports
from c2casgiutils.headers._scope_changes import DONE, SCHEMES

_LOGGER = logging.getLogger(__name__)

_WATCHED = "c2casgiutils.unread_forwarded"


def unread_forwarded(scope: Scope) -> list[str]:
    """Return the names of forwarded headers that are not reflected in the scope.

    Headers that the server reads itself, as uvicorn does without `--no-proxy-headers`, are not included.

    Args:
        scope: The scope of a request, inside all middlewares.
    """
    if DONE in scope:
        return []
    headers = scope["headers"]
    peer = scope.get("client") or (None, 0)
    names = (b"x-forwarded-proto", b"x-forwarded-host", b"forwarded")
    proto, host, forwarded = (get_header(headers, name) or b"" for name in names)
    chain = b",".join(value for name, value in headers if name == FOR)
    is_secure = parse_scheme(scope["scheme"])
    said = {
        "Forwarded": forwarded,
        "X-Forwarded-For": chain and peer[1] not in claimed_ports(peer[0], chain),
        "X-Forwarded-Host": host and host != get_header(headers, b"host"),
        "X-Forwarded-Proto": proto and parse_scheme(proto.decode("latin-1")) != is_secure,
    }
    return [name for name, is_unread in said.items() if is_unread]


class UnreadForwardedMiddleware:
    """Log a warning once if forwarded headers are received but not read, or for requests over a Unix socket.

    For applications that do not read forwarded headers.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._has_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one connection."""
        if scope["type"] in SCHEMES and _WATCHED not in scope:
            scope[_WATCHED] = True  # an inner one, in the mounted application, stays silent
            if not self._has_warned and not _is_read(scope.get("app")):
                self._look(scope)
        await self.app(scope, receive, send)

    def _look(self, scope: Scope) -> None:
        peer = scope.get("client")
        if not peer or peer[0] in ("", UNIX_PEER):
            self._has_warned = True
            _LOGGER.warning(
                "Requests come over a Unix socket, so all clients count as one. Make the proxy send "
                "X-Forwarded-For, and set C2C__PROXY_HEADERS__TYPE=x-forwarded and "
                "C2C__PROXY_HEADERS__TRUSTED_HOSTS=%s",
                UNIX_PEER,
            )
        elif names := unread_forwarded(scope):
            self._has_warned = True
            _LOGGER.warning(
                "%s sent by a proxy is ignored: links may have the wrong scheme and host, and all clients "
                "count as one. Set C2C__PROXY_HEADERS__TYPE and C2C__PROXY_HEADERS__TRUSTED_HOSTS",
                ", ".join(names),
            )


def _is_read(app: Any) -> bool:
    """Return whether an application reads forwarded headers by a middleware of its own."""
    return any(
        isinstance(middleware.cls, type)
        and issubclass(middleware.cls, ForwardedHeadersMiddleware)
        and middleware.kwargs.get("headers_type") != "none"
        for middleware in getattr(app, "user_middleware", ())
    )
