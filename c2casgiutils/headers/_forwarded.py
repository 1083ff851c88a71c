"""The middleware that believes what trusted proxies say about a request."""

import logging
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils._asgi import get_header
from c2casgiutils._trusted_hosts import UNIX_PEER, TrustedHosts
from c2casgiutils.headers._forwarded_readers import ForwardedReader, Origin, Reader, XForwardedReader
from c2casgiutils.headers._scope_changes import DONE, SCHEMES, ScopeChange, make_scope_change, parse_forced

_LOGGER = logging.getLogger(__name__)

_MOST_REMEMBERED = 1024
_LONGEST_REMEMBERED = 512
_LOGGED_LENGTH = 200


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
        self._reader = _make_reader(headers_type, self._trusted, apply_prefix=apply_prefix)
        self._forced = parse_forced(force_proto, force_host, force_port, force_client)
        self._names = (self._reader.names if self._reader else frozenset()) | {b"host"}
        # What was decided for the same peer and headers; bounded, since clients choose what they send.
        self._changes: dict[tuple[Any, ...], ScopeChange] = {}
        self._warned_of_server = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in SCHEMES:
            scope = self._apply(scope)
        await self.app(scope, receive, send)

    def _apply(self, scope: Scope) -> Scope:
        """Give the scope as the client meant it, or the same one when nothing is to be changed."""
        names = self._names
        peer = scope.get("client")
        if peer is not None and peer[1] == 0 and self._is_peer_hidden(scope):
            return scope
        found = [header for header in scope["headers"] if header[0] in names]
        key = (peer and peer[0], scope["type"], scope["scheme"], *found)
        try:
            change = self._changes[key]
        except KeyError:
            change = self._decide(key)
        except TypeError:  # from a server that gives lists instead of tuples
            headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
            return self._apply({**scope, "headers": headers})
        if change.ignored:
            _log_ignored(change)
        if not change.changes:
            return scope
        rewritten = {**scope, **change.changes}
        if change.host is not None:
            rewritten["headers"] = [change.host, *(each for each in scope["headers"] if each[0] != b"host")]
        if change.prefix is not None:
            _add_prefix(rewritten, change.prefix)
        return rewritten

    def _decide(self, key: tuple[Any, ...]) -> ScopeChange:
        """Decide about requests that look like this one, and remember it."""
        peer, kind, scheme, *headers = key
        fields: dict[bytes, bytes] = {}
        for name, value in headers:
            fields[name] = fields[name] + b"," + value if name in fields else value
        origin = Origin()
        if self._reader is not None and peer in self._trusted:
            origin = self._reader.read(fields)
        change = make_scope_change(kind, scheme, fields, origin, self._forced)
        if sum(map(len, fields.values())) <= _LONGEST_REMEMBERED:
            if len(self._changes) >= _MOST_REMEMBERED:
                self._changes.clear()
            self._changes[key] = change
        return change

    def _is_peer_hidden(self, scope: Scope) -> bool:
        """Return whether the server replaced the peer by what X-Forwarded-For says, and warn about it once.

        uvicorn then sets the port to 0, which no TCP peer has.
        """
        if not scope["client"][0] or scope["client"][0].startswith(UNIX_PEER) or DONE in scope:
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


def _make_reader(headers_type: str, trusted: TrustedHosts, *, apply_prefix: bool) -> Reader | None:
    if headers_type not in {"x-forwarded", "forwarded", "none"}:
        raise ValueError(f"headers_type must be x-forwarded, forwarded or none, not {headers_type!r}")
    if headers_type == "x-forwarded":
        return XForwardedReader(trusted, with_prefix=apply_prefix)
    if apply_prefix:
        raise ValueError(f"apply_prefix needs the headers_type x-forwarded, not {headers_type!r}")
    return ForwardedReader(trusted) if headers_type == "forwarded" else None


def _log_ignored(change: ScopeChange) -> None:
    for name, value in change.ignored:
        _LOGGER.debug("Ignored in %s what is not valid: %r", name.decode(), value[:_LOGGED_LENGTH])


def _add_prefix(scope: Scope, prefix: str) -> None:
    """Put the prefix, which the proxy took off, before the paths of the scope."""
    scope["root_path"] = prefix + scope.get("root_path", "")
    scope["path"] = prefix + scope["path"]
    if scope.get("raw_path") is not None:
        scope["raw_path"] = prefix.encode("ascii") + scope["raw_path"]
