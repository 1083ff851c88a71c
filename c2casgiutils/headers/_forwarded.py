"""The middleware that believes what trusted proxies say about a request."""

import logging
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils._asgi import get_header, remove_header
from c2casgiutils.headers._addresses import Host, parse_forwarded_for, parse_host, parse_port
from c2casgiutils.headers._origins import ForwardedReader, Origin, XForwardedReader, parse_scheme
from c2casgiutils.headers._trusted import UNIX_PEER, TrustedHosts

_LOGGER = logging.getLogger(__name__)

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SCHEMES = {"http": ("http", "https"), "websocket": ("ws", "wss")}
_DONE = "c2casgiutils.forwarded"


class ForwardedHeadersMiddleware:
    """Apply scheme, host, port and client that trusted proxies tell to the scope.

    Only one family of headers is read. The chain of proxies is read from the right, past trusted hops, so a
    client chooses nothing by sending such a header itself. A value that is not valid is ignored, with a line
    at debug. The scope of the server is not changed: the application gets a copy.

    The server must leave the peer alone: run uvicorn with `--no-proxy-headers`.

    Args:
        app: The application.
        trusted_hosts: The peers whose headers are believed: addresses, networks, literal names (`unix:`,
            `testclient`) or `*`; separated by commas or a list.
        headers_type: `x-forwarded` for `X-Forwarded-*`, `forwarded` for RFC 7239, `none` to read no header.
        force_proto: The scheme for every request, `http` or `https`, whatever the headers say.
        force_host: The host for every request, `host[:port]`.
        force_port: The port for every request.
        force_client: The client address for every request.
        apply_prefix: Whether `X-Forwarded-Prefix` is put before the root path.

    Raises:
        TypeError: `trusted_hosts` is neither a string nor a list of strings.
        ValueError: An argument is not one of those accepted; the message names it.
    """

    def __init__(
        self,
        app: ASGIApp,
        trusted_hosts: str | Sequence[str] = "127.0.0.1",
        headers_type: str = "x-forwarded",
        *,
        force_proto: str | None = None,
        force_host: str | None = None,
        force_port: int | None = None,
        force_client: str | None = None,
        apply_prefix: bool = False,
    ) -> None:
        self.app = app
        self._trusted = TrustedHosts(trusted_hosts)
        self._read = _make_reader(headers_type, self._trusted, apply_prefix=apply_prefix)
        self._forced = _parse_forced(force_proto, force_host, force_port, force_client)
        self._warned_of_server = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in _SCHEMES:
            scope = self._apply(scope)
        await self.app(scope, receive, send)

    def _apply(self, scope: Scope) -> Scope:
        """Give the scope as the client meant it, or the same one when nothing is to be changed."""
        origin = None
        if self._read is not None:
            peer = scope.get("client")
            if peer is None or peer[1] != 0 or not self._is_peer_hidden(scope):  # noqa: SIM102
                if (peer[0] if peer else None) in self._trusted:
                    origin = self._read(scope["headers"])
        if self._forced is not None:
            origin = _merge(origin or Origin(), self._forced)
            return _rewrite(scope, origin, self._forced.port)
        return scope if origin is None else _rewrite(scope, origin, None)

    def _is_peer_hidden(self, scope: Scope) -> bool:
        """Tell whether the server replaced the peer by what X-Forwarded-For says, and warn about it once.

        uvicorn then sets the port to 0, which no TCP peer has.
        """
        if not scope["client"][0] or scope["client"][0].startswith(UNIX_PEER) or _DONE in scope:
            return False
        if get_header(scope["headers"], b"x-forwarded-for") is None:
            return False
        if not self._warned_of_server:
            self._warned_of_server = True
            _LOGGER.warning(
                "The server replaced the peer by X-Forwarded-For, nobody can tell whether it is trusted. "
                "Forwarded headers are not applied: run uvicorn with --no-proxy-headers"
            )
        return True


def _make_reader(
    headers_type: str, trusted: TrustedHosts, *, apply_prefix: bool
) -> ForwardedReader | XForwardedReader | None:
    if headers_type not in {"x-forwarded", "forwarded", "none"}:
        raise ValueError(f"headers_type must be x-forwarded, forwarded or none, not {headers_type!r}")
    if headers_type == "x-forwarded":
        return XForwardedReader(trusted, with_prefix=apply_prefix)
    if apply_prefix:
        raise ValueError(f"apply_prefix needs the headers_type x-forwarded, not {headers_type!r}")
    return ForwardedReader(trusted) if headers_type == "forwarded" else None


def _parse_forced(proto: str | None, host: str | None, port: int | None, client: str | None) -> Origin | None:
    if proto is None and host is None and port is None and client is None:
        return None
    forced = Origin(
        is_secure=None if proto is None else parse_scheme(proto),
        host=None if host is None else parse_host(host),
        port=None if port is None else parse_port(str(port)),
        client=None if client is None else parse_forwarded_for(client),
    )
    if proto is not None and forced.is_secure is None:
        raise ValueError(f"force_proto must be http or https, not {proto!r}")
    if host is not None and forced.host is None:
        raise ValueError(f"force_host must be host[:port], not {host!r}")
    if port is not None and forced.port is None:
        raise ValueError(f"force_port must be between 1 and 65535, not {port!r}")
    if client is not None and forced.client is None:
        raise ValueError(f"force_client must be an address, not {client!r}")
    return forced


def _merge(origin: Origin, forced: Origin) -> Origin:
    return Origin(
        is_secure=origin.is_secure if forced.is_secure is None else forced.is_secure,
        host=forced.host or origin.host,
        port=origin.port,
        client=forced.client or origin.client,
        prefix=origin.prefix,
    )


def _rewrite(scope: Scope, origin: Origin, forced_port: int | None) -> Scope:
    """Give a copy of the scope with what is known of the request."""
    rewritten: Scope = {**scope, _DONE: True}
    if origin.client is not None:
        name, port = origin.client
        rewritten["client"] = None if name is None else (name, port)
    if origin.prefix is not None:
        _add_prefix(rewritten, origin.prefix)
    if origin.is_secure is not None:
        rewritten["scheme"] = _SCHEMES[scope["type"]][origin.is_secure]
    elif origin.host is None and origin.port is None and forced_port is None:
        return rewritten
    _set_host(rewritten, origin.host, origin.port, forced_port)
    return rewritten


def _set_host(scope: Scope, host: Host | None, port: int | None, forced_port: int | None) -> None:
    """Make the server and the Host header agree with each other and with the scheme.

    The port is the forced one, else the one beside the host, else the forwarded one, else that of the scheme.
    """
    default = _DEFAULT_PORTS.get(scope["scheme"], 80)
    current = host
    if current is None:
        current = parse_host((get_header(scope["headers"], b"host") or b"").decode("latin-1"))
        if current is None:
            return
    port = forced_port or current.port or port or default
    scope["server"] = (current.name, port)
    if host is None and port == (current.port or default):
        return
    name = f"[{current.name}]" if current.is_ipv6 else current.name
    netloc = name if port == default else f"{name}:{port}"
    scope["headers"] = [(b"host", netloc.encode("ascii")), *remove_header(scope["headers"], b"host")]


def _add_prefix(scope: Scope, prefix: str) -> None:
    """Put the prefix, which the proxy took off, before the paths of the scope."""
    scope["root_path"] = prefix + scope.get("root_path", "")
    scope["path"] = prefix + scope["path"]
    if scope.get("raw_path") is not None:
        scope["raw_path"] = prefix.encode("ascii") + scope["raw_path"]
