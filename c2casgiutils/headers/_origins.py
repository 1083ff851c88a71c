"""What the headers of proxies say about a request: scheme, host, port and client."""

import functools
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from c2casgiutils.headers._addresses import (
    Host,
    Node,
    parse_forwarded_for,
    parse_forwarded_node,
    parse_host,
    parse_port,
)
from c2casgiutils.headers._forwarded_parser import LONGEST, MOST_ELEMENTS, parse_element, split_from_right
from c2casgiutils.headers._trusted import TrustedHosts

_LOGGER = logging.getLogger(__name__)

_T = TypeVar("_T")

_MEMO_ENTRIES = 1024
_LONGEST_REMEMBERED = 512
_LOGGED_LENGTH = 200
_BLANKS = b" \t"

_IS_SECURE = {"http": False, "https": True, "ws": False, "wss": True}
_SEGMENT = r"[A-Za-z0-9._~!$&'()*+;=:@-]+"
_PREFIX = re.compile(rf"(?:/(?!\.{{1,2}}(?:/|\Z)){_SEGMENT})+/?")
_LONGEST_PREFIX = 1024


@dataclass(slots=True, frozen=True)
class Origin:
    """What is known of a request; `None` means that nothing is said."""

    is_secure: bool | None = None
    host: Host | None = None
    port: int | None = None
    client: Node | None = None
    """A node without a name: the client is known to be unknown."""
    prefix: str | None = None


class XForwardedReader:
    """Reads `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`, and `-Prefix` when asked for.

    The chain of X-Forwarded-For is read from the right past trusted hops. Of another list the member at the
    place of the client counts when the list is as long as the chain, else the right-most.
    """

    def __init__(self, trusted: TrustedHosts, *, with_prefix: bool) -> None:
        self._trusted = trusted
        names = [b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"]
        self._names = frozenset([*names, b"x-forwarded-prefix"] if with_prefix else names)
        self._walk_remembered = functools.lru_cache(maxsize=_MEMO_ENTRIES)(self._walk)

    def __call__(self, headers: Iterable[tuple[bytes, bytes]]) -> Origin | None:
        """Give what the headers say, `None` when there are none."""
        names = self._names
        fields: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in names:
                fields[name] = fields[name] + b"," + value if name in fields else value
        if not fields:
            return None
        client, index, hops = self._client(fields.get(b"x-forwarded-for"))
        return Origin(
            _read(fields, b"x-forwarded-proto", parse_scheme, index, hops),
            _read(fields, b"x-forwarded-host", parse_host, index, hops),
            _read(fields, b"x-forwarded-port", parse_port, index, hops),
            client,
            _read(fields, b"x-forwarded-prefix", parse_prefix, index, hops),
        )

    def _client(self, chain: bytes | None) -> tuple[Node | None, int, int]:
        if chain is None:
            return None, -1, 0
        found = self._walk_remembered(chain) if len(chain) <= _LONGEST_REMEMBERED else self._walk(chain)
        if found[0] is None:
            _log_ignored(b"x-forwarded-for", chain)
        return found

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

    def __init__(self, trusted: TrustedHosts) -> None:
        self._trusted = trusted
        self._walk_remembered = functools.lru_cache(maxsize=_MEMO_ENTRIES)(self._walk)

    def __call__(self, headers: Iterable[tuple[bytes, bytes]]) -> Origin | None:
        """Give what the header says, `None` when there is none."""
        values = [value for name, value in headers if name == b"forwarded"]
        if not values:
            return None
        raw = b",".join(values)
        origin, is_clean = self._walk_remembered(raw) if len(raw) <= _LONGEST_REMEMBERED else self._walk(raw)
        if not is_clean:
            _log_ignored(b"forwarded", raw)
        return origin

    def _walk(self, raw: bytes) -> tuple[Origin | None, bool]:
        """Give what the elements say, and whether nothing of it had to be ignored."""
        if len(raw) > LONGEST:
            return None, False
        elements = [text for text in split_from_right(raw.decode("latin-1")) if text.strip(" \t")]
        if len(elements) > MOST_ELEMENTS:
            return None, False
        is_clean = True
        is_secure, host, client = None, None, None
        for text in elements:
            pairs = parse_element(text)
            node = parse_forwarded_node(pairs["for"]) if pairs and "for" in pairs else None
            if pairs is None or ("for" in pairs and node is None):
                is_clean = False
                break
            said_secure = parse_scheme(pairs.get("proto", ""))
            said_host = parse_host(pairs.get("host", ""))
            is_clean &= (said_secure is not None) == ("proto" in pairs)
            is_clean &= (said_host is not None) == ("host" in pairs)
            is_secure = is_secure if said_secure is None else said_secure
            host = said_host or host
            client = node or client
            if node is None or not node.is_address or node.name not in self._trusted:
                break
        return Origin(is_secure, host, None, client), is_clean


def parse_scheme(text: str) -> bool | None:
    """Tell whether the scheme is a secure one, `None` when it is no scheme of HTTP or websockets."""
    return _IS_SECURE.get(text.lower())


def parse_prefix(text: str) -> str | None:
    """Parse the path under which a proxy shows the application; no slash at its end, no dot segments."""
    if len(text) > _LONGEST_PREFIX or not _PREFIX.fullmatch(text):
        return None
    return text.removesuffix("/")


def _read(
    fields: dict[bytes, bytes], name: bytes, parse: Callable[[str], _T | None], index: int, hops: int
) -> _T | None:
    raw = fields.get(name)
    if raw is None:
        return None
    member = raw
    if b"," in raw:
        members = raw.split(b",") if len(raw) <= LONGEST else [b""]
        member = members[index if len(members) == hops else -1]
    value = parse(member.strip(_BLANKS).decode("latin-1"))
    if value is None:
        _log_ignored(name, raw)
    return value


def _log_ignored(name: bytes, value: bytes) -> None:
    _LOGGER.debug("Ignored in %s what is not valid: %r", name.decode(), value[:_LOGGED_LENGTH])
