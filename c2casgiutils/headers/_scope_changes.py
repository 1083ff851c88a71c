"""Changes to the scope of a request, computed from the headers of proxies."""

from typing import Any, NamedTuple

from c2casgiutils.headers._addresses import Host, parse_forwarded_for, parse_host, parse_port
from c2casgiutils.headers._forwarded_readers import Fields, Origin, parse_scheme

SCHEMES = {"http": ("http", "https"), "websocket": ("ws", "wss")}
"""The insecure and the secure scheme of each type of scope."""

DONE = "c2casgiutils.forwarded"
"""Marks a scope to which forwarded headers were already applied."""

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class ScopeChange(NamedTuple):
    """The changes to a scope."""

    changes: dict[str, Any]
    """New members; if empty, nothing is changed."""
    host: tuple[bytes, bytes] | None
    """The Host header, if it differs from before."""
    prefix: str | None
    """The prefix to prepend to the paths."""
    ignored: tuple[tuple[bytes, bytes], ...]
    """The headers with an invalid value."""
    claimed_ports: frozenset[int] = frozenset()
    """If the peer has one of these ports, it is not the real peer but a member of X-Forwarded-For."""


def make_scope_change(kind: str, scheme: str, fields: Fields, origin: Origin, forced: Origin) -> ScopeChange:
    """Return the changes to a scope.

    Args:
        kind: The type of the scope, `http` or `websocket`.
        scheme: The scheme of the scope.
        fields: The headers of the request.
        origin: The content of the headers.
        forced: Values that override the headers.
    """
    changes: dict[str, Any] = {}
    client = forced.client or origin.client
    if client is not None:
        changes["client"] = (client.name, client.port)
    is_secure = origin.is_secure if forced.is_secure is None else forced.is_secure
    if is_secure is not None:
        changes["scheme"] = scheme = SCHEMES[kind][is_secure]
    raw_host = fields.get(b"host", b"")
    said_host = forced.host or origin.host
    host = said_host or parse_host(raw_host.decode("latin-1"))
    new_host = None
    says_nothing = is_secure is None and said_host is None and origin.port is None and forced.port is None
    if host is not None and not says_nothing:
        default = _DEFAULT_PORTS.get(scheme, 80)
        port = forced.port or host.port or origin.port or default
        changes["server"] = (host.name, port)
        if said_host is not None or port != (host.port or default):
            new_host = _format_host(host, port, default)
    if changes or origin.prefix:
        changes[DONE] = True
    return ScopeChange(
        changes,
        (b"host", new_host) if new_host is not None and new_host != raw_host else None,
        origin.prefix,
        tuple((name, fields[name]) for name in origin.ignored),
    )


def _format_host(host: Host, port: int, default: int) -> bytes:
    name = f"[{host.name}]" if host.is_ipv6 else host.name
    return (name if port == default else f"{name}:{port}").encode("ascii")


def parse_forced(proto: str | None, host: str | None, port: int | None, client: str | None) -> Origin:
    """Return the forced values.

    Raises:
        ValueError: One of them is invalid; the message names it and says what is accepted.
    """
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
    if client is not None and (forced.client is None or forced.client.name is None):
        raise ValueError(f"force_client must be an address, not {client!r}")
    return forced
