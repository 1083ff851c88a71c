"""Tell that a proxy sends forwarded headers which nobody reads."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils._asgi import get_header
from c2casgiutils._trusted_hosts import UNIX_PEER
from c2casgiutils.headers._forwarded_readers import FOR, parse_scheme
from c2casgiutils.headers._replaced_peer import claimed_ports
from c2casgiutils.headers._scope_changes import DONE, SCHEMES

_LOGGER = logging.getLogger(__name__)

_WATCHED = "c2casgiutils.unread_forwarded"


def unread_forwarded(scope: Scope) -> list[str]:
    """Return the names of the forwarded headers that say what the scope does not say.

    What the server reads itself, as uvicorn does without `--no-proxy-headers`, is not among them.

    Args:
        scope: The scope of a request, behind all middlewares.
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
    """Warn once when forwarded headers arrive that are not read, or any request over a Unix socket.

    For where no forwarded headers are read.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._has_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in SCHEMES and _WATCHED not in scope:
            scope[_WATCHED] = True  # one inside, in the mounted application, says nothing again
            if not self._has_warned:
                self._look(scope)
        await self.app(scope, receive, send)

    def _look(self, scope: Scope) -> None:
        peer = scope.get("client")
        if not peer or peer[0] in ("", UNIX_PEER):
            self._has_warned = True
            _LOGGER.warning(
                "Requests come over a Unix socket, so all clients count as one. Let the proxy send "
                "X-Forwarded-For, and set C2C__PROXY_HEADERS__TYPE=x-forwarded and "
                "C2C__PROXY_HEADERS__TRUSTED_HOSTS=%s",
                UNIX_PEER,
            )
        elif names := unread_forwarded(scope):
            self._has_warned = True
            _LOGGER.warning(
                "%s of a proxy is not read: links may have the wrong scheme and host, and all clients "
                "count as one. Set C2C__PROXY_HEADERS__TYPE and C2C__PROXY_HEADERS__TRUSTED_HOSTS",
                ", ".join(names),
            )
