"""The middleware that applies the headers of trusted proxies."""

import logging
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils._asgi import replace_scope
from c2casgiutils._trusted_hosts import UNIX_PEER, TrustedHosts
from c2casgiutils.headers import _replaced_peer
from c2casgiutils.headers._forwarded_readers import FOR, ForwardedReader, Origin, Reader, XForwardedReader
from c2casgiutils.headers._scope_changes import DONE, SCHEMES, ScopeChange, make_scope_change, parse_forced

_LOGGER = logging.getLogger(__name__)

_MAX_REMEMBERED = 1024
_MAX_REMEMBERED_LENGTH = 512
_MAX_LOGGED = 200
_UNTRUSTED = (
    "Forwarded headers from %s are not read. If it is your proxy, add it to trusted_hosts "
    "(C2C__PROXY_HEADERS__TRUSTED_HOSTS)"
)


class ForwardedHeadersMiddleware:
    """Set the scheme, host, port and client of the scope from the headers of trusted proxies.

    Only one family of headers is read. The chain of proxies is read from the right, skipping trusted hops, so
    headers sent by the client itself have no effect. Invalid values are ignored; the first one in each header
    is logged as a warning. The application gets a copy of the scope; in the scope of the server only the
    client is set, for its access log.

    The server must not replace the peer: run uvicorn with `--no-proxy-headers`. With `*` it makes no
    difference.

    Args:
        app: The application.
        trusted_hosts: The peers whose headers are trusted: addresses, networks, literal names (`unix:`,
            `testclient`) or `*`; separated by commas or a list.
        headers_type: `x-forwarded` for `X-Forwarded-*`, `forwarded` for RFC 7239, `none` to read no header.
        force_proto: The scheme of every request, `http` or `https`, regardless of the headers.
        force_host: The host for every request, `host[:port]`.
        force_port: The port for every request.
        force_client: The client address for every request.
        apply_prefix: Whether to prepend `X-Forwarded-Prefix` to the root path.

    Raises:
        TypeError: `trusted_hosts` is neither a string nor a list of strings.
        ValueError: An argument is invalid; the message names it.
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
        self._reader = _make_reader(headers_type, self._trusted, apply_prefix=apply_prefix)
        self._forced = parse_forced(force_proto, force_host, force_port, force_client)
        self._names = {b"host", *((*self._reader.names, FOR) if self._reader else ())}
        # Decisions by peer and headers; bounded, because clients choose the headers.
        self._changes: dict[tuple[Any, ...], ScopeChange] = {}
        self._warned: set[str | bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one connection."""
        if scope["type"] in SCHEMES:
            scope = self._apply(scope)
        await self.app(scope, receive, send)

    def _apply(self, scope: Scope) -> Scope:
        """Return a changed copy of the scope, or the scope itself if nothing changes."""
        names = self._names
        peer = scope.get("client")
        found = [header for header in scope["headers"] if header[0] in names]
        key = (peer and peer[0], scope["type"], scope["scheme"], *found)
        try:
            change = self._changes[key]
        except KeyError:
            change = self._decide(key, scope)
        except TypeError:  # from a server that uses lists instead of tuples
            headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
            return self._apply({**scope, "headers": headers})
        if change.claimed_ports and peer and peer[1] in change.claimed_ports and DONE not in scope:
            self._warn_once(_replaced_peer.WARNING)
            change = self._change(key, is_trusted=False)
        if change.ignored:
            self._log_ignored(change)
        if not change.changes:
            return scope
        rewritten = {**scope, **change.changes}
        if "client" in change.changes:
            scope["client"] = change.changes["client"]
        if change.host is not None:
            rewritten["headers"] = [change.host, *(each for each in scope["headers"] if each[0] != b"host")]
        if change.prefix is not None:
            _add_prefix(rewritten, change.prefix)
        replace_scope(scope, rewritten)
        return rewritten

    def _decide(self, key: tuple[Any, ...], scope: Scope) -> ScopeChange:
        """Compute the changes for requests with this peer and these headers, and remember them."""
        address, _, _, *headers = key
        is_trusted = address in self._trusted
        change = self._change(key, is_trusted=is_trusted)
        if self._reader is not None and not self._trusted.is_everyone:
            chain = b",".join(value for name, value in headers if name == FOR)
            claimed = _replaced_peer.claimed_ports(address, chain)
            change = change._replace(claimed_ports=claimed)
            is_replaced = address is not None and scope["client"][1] in claimed
            if not (is_trusted or is_replaced or DONE in scope) and any(
                name in self._reader.names for name, _ in headers
            ):
                self._warn_once(_UNTRUSTED, address or UNIX_PEER)
        if sum(len(value) for _, value in headers) <= _MAX_REMEMBERED_LENGTH:
            if len(self._changes) >= _MAX_REMEMBERED:
                self._changes.clear()
            self._changes[key] = change
        return change

    def _change(self, key: tuple[Any, ...], *, is_trusted: bool) -> ScopeChange:
        """Return the changes for such a request; forced values also apply to untrusted peers."""
        _, kind, scheme, *headers = key
        fields: dict[bytes, bytes] = {}
        for name, value in headers:
            fields[name] = fields[name] + b"," + value if name in fields else value
        origin = self._reader.read(fields) if self._reader is not None and is_trusted else Origin()
        return make_scope_change(kind, scheme, fields, origin, self._forced)

    def _log_ignored(self, change: ScopeChange) -> None:
        """Log an invalid value: the first one of each header as a warning, as clients can send many."""
        for name, value in change.ignored:
            level = logging.DEBUG if name in self._warned else logging.WARNING
            self._warned.add(name)
            _LOGGER.log(level, "Ignored the invalid value of %s: %r", name.decode(), value[:_MAX_LOGGED])

    def _warn_once(self, text: str, *arguments: object) -> None:
        if text not in self._warned:
            self._warned.add(text)
            _LOGGER.warning(text, *arguments)


def _make_reader(headers_type: str, trusted: TrustedHosts, *, apply_prefix: bool) -> Reader | None:
    if headers_type not in {"x-forwarded", "forwarded", "none"}:
        raise ValueError(f"headers_type must be x-forwarded, forwarded or none, not {headers_type!r}")
    if headers_type == "x-forwarded":
        return XForwardedReader(trusted, with_prefix=apply_prefix)
    if apply_prefix:
        raise ValueError(f"apply_prefix needs the headers_type x-forwarded, not {headers_type!r}")
    return ForwardedReader(trusted) if headers_type == "forwarded" else None


def _add_prefix(scope: Scope, prefix: str) -> None:
    """Prepend the prefix, which the proxy stripped, to the paths of the scope."""
    scope["root_path"] = prefix + scope.get("root_path", "")
    scope["path"] = prefix + scope["path"]
    if scope.get("raw_path") is not None:
        scope["raw_path"] = prefix.encode("ascii") + scope["raw_path"]
