"""Readers of the scheme, host, port and client of a request from the headers of proxies."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeVar

from c2casgiutils._trusted_hosts import TrustedHosts
from c2casgiutils.headers._addresses import (
    Host,
    Node,
    parse_forwarded_for,
    parse_forwarded_node,
    parse_host,
    parse_port,
)
from c2casgiutils.headers._forwarded_parser import MAX_ELEMENTS, MAX_LENGTH, parse_element, split_from_right

_T = TypeVar("_T")

Fields = Mapping[bytes, bytes]
"""Raw headers by lower-case name; several of one name are joined with commas."""

FOR = b"x-forwarded-for"

_IS_SECURE = {"http": False, "https": True, "ws": False, "wss": True}
_SEGMENT = r"[A-Za-z0-9._~!$&'()*+;=:@-]+"
_PREFIX = re.compile(rf"(?:/(?!\.{{1,2}}(?:/|\Z)){_SEGMENT})+/?")
_MAX_PREFIX_LENGTH = 1024


class Origin(NamedTuple):
    """The content of the headers about a request; `None` for missing parts."""

    is_secure: bool | None = None
    host: Host | None = None
    port: int | None = None
    client: Node | None = None
    prefix: str | None = None
    ignored: tuple[bytes, ...] = ()
    """The names of the headers with an invalid value."""


class Reader(Protocol):
    """Reads one family of headers."""

    names: frozenset[bytes]
    """The headers that it reads."""

    def read(self, fields: Fields) -> Origin:
        """Return the content of the headers."""
        ...


class XForwardedReader:
    """Reads `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`, and optionally `-Prefix`.

    The chain of X-Forwarded-For is read from the right, skipping trusted hops. Of the other lists, the member
    at the position of the client is used if the list is as long as the chain, otherwise the right-most one.
    """

    def __init__(self, trusted: TrustedHosts, *, with_prefix: bool) -> None:
        self._trusted = trusted
        names = [FOR, b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"]
        self.names = frozenset([*names, b"x-forwarded-prefix"] if with_prefix else names)

    def read(self, fields: Fields) -> Origin:
        """Return the content of the headers."""
        ignored = [name for name in self.names if len(fields.get(name, b"")) > MAX_LENGTH]
        lists = {
            name: _members(fields[name]) for name in self.names if name in fields and name not in ignored
        }
        hops = lists.get(FOR, [])
        client, index, is_valid = self._walk(hops)
        if not is_valid:
            ignored.append(FOR)

        def pick(name: bytes, parse: Callable[[str], _T | None]) -> _T | None:
            members = lists.get(name)
            if not members:
                return None
            value = parse(members[index if len(members) == len(hops) else -1])
            if value is None:
                ignored.append(name)
            return value

        return Origin(
            is_secure=pick(b"x-forwarded-proto", parse_scheme),
            host=pick(b"x-forwarded-host", parse_host),
            port=pick(b"x-forwarded-port", parse_port),
            client=client,
            prefix=pick(b"x-forwarded-prefix", parse_prefix),
            ignored=tuple(ignored),
        )

    def _walk(self, hops: list[str]) -> tuple[Node | None, int, bool]:
        """Return the client, its position in the chain, and whether everything that was read is valid."""
        client, index = None, -1
        if len(hops) > MAX_ELEMENTS:
            return None, index, False
        for position in range(len(hops) - 1, -1, -1):
            node = parse_forwarded_for(hops[position])
            if node is None:
                return client, index, False
            index = position
            if node.name is None:  # unknown: the peer is kept
                return None, index, True
            client = node
            if node.name not in self._trusted:
                break
        return client, index, True


class ForwardedReader:
    """Reads `Forwarded`, RFC 7239, from the right past trusted hops.

    Scheme and host are those of the client's element, or else of the nearest one on its right. Invalid values
    are ignored; an unclosed quote or a repeated name discards its element and all elements on its left.
    """

    names = frozenset({b"forwarded"})

    def __init__(self, trusted: TrustedHosts) -> None:
        self._trusted = trusted

    def read(self, fields: Fields) -> Origin:
        """Return the content of the header."""
        raw = fields.get(b"forwarded")
        if raw is None:
            return Origin()
        elements = self._elements(raw)
        if elements is None:
            return Origin(ignored=(b"forwarded",))
        is_clean = True
        is_secure, host, client = None, None, None
        for text in elements:
            pairs = parse_element(text)
            if pairs is None:
                is_clean = False
                break
            node = parse_forwarded_node(pairs.get("for") or "")
            said_secure, said_host = (
                parse_scheme(pairs.get("proto") or ""),
                parse_host(pairs.get("host") or ""),
            )
            said = {"for": node, "proto": said_secure, "host": said_host}
            is_clean &= None not in pairs.values() and all(
                value is not None or name not in pairs for name, value in said.items()
            )
            is_secure = is_secure if said_secure is None else said_secure
            host = said_host or host
            if node is None:
                break
            client = node if node.name else None  # unknown: the peer is kept
            if not node.is_address or node.name not in self._trusted:
                break
        return Origin(is_secure, host, None, client, ignored=() if is_clean else (b"forwarded",))

    @staticmethod
    def _elements(raw: bytes) -> list[str] | None:
        """Return the elements from the right, `None` if there are too many."""
        if len(raw) > MAX_LENGTH:
            return None
        elements = [text for text in split_from_right(raw.decode("latin-1")) if text.strip(" \t")]
        return elements if len(elements) <= MAX_ELEMENTS else None


def _members(raw: bytes) -> list[str]:
    """Return the members of a list; empty ones are ignored, RFC 9110 section 5.6.1.2."""
    return [member for each in raw.decode("latin-1").split(",") if (member := each.strip(" \t"))]


def parse_scheme(text: str) -> bool | None:
    """Return whether the scheme is secure, `None` if it is not a scheme of HTTP or websockets."""
    return _IS_SECURE.get(text.lower())


def parse_prefix(text: str) -> str | None:
    """Parse the path under which a proxy serves the application; no trailing slash, no dot segments."""
    if len(text) > _MAX_PREFIX_LENGTH or not _PREFIX.fullmatch(text):
        return None
    return text.removesuffix("/")
