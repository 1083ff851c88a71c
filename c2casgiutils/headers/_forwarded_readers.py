"""What the headers of proxies say about a request: scheme, host, port and client."""

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
from c2casgiutils.headers._forwarded_parser import LONGEST, MOST_ELEMENTS, parse_element, split_from_right

_T = TypeVar("_T")

Fields = Mapping[bytes, bytes]
"""Raw headers by lower-case name; several of one name are joined with commas."""

_IS_SECURE = {"http": False, "https": True, "ws": False, "wss": True}
_SEGMENT = r"[A-Za-z0-9._~!$&'()*+;=:@-]+"
_PREFIX = re.compile(rf"(?:/(?!\.{{1,2}}(?:/|\Z)){_SEGMENT})+/?")
_LONGEST_PREFIX = 1024


class Origin(NamedTuple):
    """What is known of a request; `None` means that nothing is said."""

    is_secure: bool | None = None
    host: Host | None = None
    port: int | None = None
    client: Node | None = None
    """A node without a name: the client is known to be unknown."""
    prefix: str | None = None
    ignored: tuple[bytes, ...] = ()
    """The names of the headers that say something that is not valid."""


class Reader(Protocol):
    """Reads one family of headers."""

    names: frozenset[bytes]
    """The headers that it wants to see."""

    def read(self, fields: Fields) -> Origin:
        """Give what the headers say."""
        ...


class XForwardedReader:
    """Reads `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`, and `-Prefix` when asked for.

    The chain of X-Forwarded-For is read from the right past trusted hops. Of another list the member at the
    place of the client counts when the list is as long as the chain, else the right-most.
    """

    def __init__(self, trusted: TrustedHosts, *, with_prefix: bool) -> None:
        self._trusted = trusted
        names = [b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"]
        self.names = frozenset([*names, b"x-forwarded-prefix"] if with_prefix else names)

    def read(self, fields: Fields) -> Origin:
        """Give what the headers say."""
        client, index, hops = self._walk(fields.get(b"x-forwarded-for", b""))
        ignored = [b"x-forwarded-for"] if client is None and b"x-forwarded-for" in fields else []

        def pick(name: bytes, parse: Callable[[str], _T | None]) -> _T | None:
            raw = fields.get(name)
            if raw is None:
                return None
            members = raw.split(b",") if len(raw) <= LONGEST else [b""]
            member = members[index if len(members) == hops else -1]
            value = parse(member.decode("latin-1").strip(" \t"))
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

    def _walk(self, chain: bytes) -> tuple[Node | None, int, int]:
        """Give the client, its place in the chain and the length of the chain."""
        hops = chain.decode("latin-1").split(",") if len(chain) <= LONGEST else []
        client, index = None, -1
        if len(hops) <= MOST_ELEMENTS:
            for position in range(len(hops) - 1, -1, -1):
                node = parse_forwarded_for(hops[position].strip(" \t"))
                if node is None:
                    break
                client, index = node, position
                if node.name is None or node.name not in self._trusted:
                    break
        return client, index, len(hops)


class ForwardedReader:
    """Reads `Forwarded`, RFC 7239, from the right past trusted hops.

    Scheme and host are those of the client's element, else of the nearest one on its right. A syntax error
    discards its element and all on its left.
    """

    names = frozenset({b"forwarded"})

    def __init__(self, trusted: TrustedHosts) -> None:
        self._trusted = trusted

    def read(self, fields: Fields) -> Origin:
        """Give what the header says."""
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
            node = parse_forwarded_node(pairs["for"]) if pairs and "for" in pairs else None
            if pairs is None or ("for" in pairs and node is None):
                is_clean = False
                break
            said_secure, said_host = parse_scheme(pairs.get("proto", "")), parse_host(pairs.get("host", ""))
            is_clean &= (said_secure is not None) == ("proto" in pairs)
            is_clean &= (said_host is not None) == ("host" in pairs)
            is_secure = is_secure if said_secure is None else said_secure
            host = said_host or host
            client = node or client
            if node is None or not node.is_address or node.name not in self._trusted:
                break
        return Origin(is_secure, host, None, client, ignored=() if is_clean else (b"forwarded",))

    @staticmethod
    def _elements(raw: bytes) -> list[str] | None:
        """Give the elements from the right, `None` when there are too many."""
        if len(raw) > LONGEST:
            return None
        elements = [text for text in split_from_right(raw.decode("latin-1")) if text.strip(" \t")]
        return elements if len(elements) <= MOST_ELEMENTS else None


def parse_scheme(text: str) -> bool | None:
    """Return whether the scheme is a secure one, `None` when it is no scheme of HTTP or websockets."""
    return _IS_SECURE.get(text.lower())


def parse_prefix(text: str) -> str | None:
    """Parse the path under which a proxy shows the application; no slash at its end, no dot segments."""
    if len(text) > _LONGEST_PREFIX or not _PREFIX.fullmatch(text):
        return None
    return text.removesuffix("/")
