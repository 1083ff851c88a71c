"""Hosts, ports and addresses as proxies write them, validated.

The functions accept untrusted input: they return `None` for an invalid value, and never raise.
"""

import functools
import re
from typing import NamedTuple

from c2casgiutils._trusted_hosts import parse_address

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_HOST = re.compile(r"(\[[0-9a-f.]*:[0-9a-f:.]*\]|[a-z0-9_.-]+)(?::([0-9]*))?")
_PORT = re.compile(r"[0-9]{1,5}")
_MAX_PORT = 65535
_MAX_NAME_LENGTH = 253
_MAX_HOST_LENGTH = _MAX_NAME_LENGTH + len(".:65535")
_NODE = re.compile(r"(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[0-9.]+)(?::([0-9]{1,5}))?")
_FORWARDED_NODE = re.compile(
    r"(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[0-9.]+|[Uu][Nn][Kk][Nn][Oo][Ww][Nn]|_[A-Za-z0-9._-]+)"
    r"(?::(?:([0-9]{1,5})|_[A-Za-z0-9._-]+))?"
)
_MAX_NODE_LENGTH = 256


class Host(NamedTuple):
    """A host, and the port given with it."""

    name: str
    """In lower case, an IPv6 address without its brackets."""
    port: int | None

    @property
    def is_ipv6(self) -> bool:
        """Return whether the name needs brackets in a URL."""
        return ":" in self.name


class Node(NamedTuple):
    """One hop of a chain of proxies."""

    name: str | None
    """An address, an obfuscated identifier, or `None` for `unknown`."""
    port: int
    """0 if unknown."""

    @property
    def is_address(self) -> bool:
        """Return whether the name is an address."""
        return self.name is not None and not self.name.startswith("_")


def parse_port(text: str) -> int | None:
    """Parse a TCP port: one to five ASCII digits, between 1 and 65535."""
    if not _PORT.fullmatch(text):
        return None
    port = int(text)
    return port if 1 <= port <= _MAX_PORT else None


@functools.lru_cache(maxsize=1024)
def _parse_short_host(text: str) -> Host | None:
    match = _HOST.fullmatch(text.lower())
    if match is None:
        return None
    name, digits = match.groups()
    port = parse_port(digits) if digits else None
    if digits and port is None:
        return None
    if name.startswith("["):
        name = name[1:-1]
        return Host(name, port) if parse_address(name) else None
    name = name.removesuffix(".")
    if len(name) > _MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        return None
    # Browsers interpret every name that ends in a number as an IPv4 address.
    if _NUMERIC_END.fullmatch(name) and parse_address(name) is None:
        return None
    return Host(name, port)


def parse_host(text: str) -> Host | None:
    """Parse `host[:port]`: a name of ASCII labels, an IPv4 or a bracketed IPv6 address without a zone.

    RFC 3986 section 3.2.2. A trailing dot is removed; an empty port counts as no port.
    """
    return _parse_short_host(text) if len(text) <= _MAX_HOST_LENGTH else None


def parse_forwarded_for(text: str) -> Node | None:
    """Parse one member of X-Forwarded-For, ignoring its port.

    Args:
        text: An address, bare or with a port, IPv6 also without brackets, or `unknown`.
    """
    if len(text) > _MAX_NODE_LENGTH:
        return None
    if text.lower() == "unknown":
        return Node(None, 0)
    match = _NODE.fullmatch(text)
    if match is not None:
        name, port = match.groups()
        if port and parse_port(port) is None:
            return None
        address = parse_address(name.strip("[]"))
    else:
        address = parse_address(text) if ":" in text and "%" not in text else None
    return Node(str(address), 0) if address else None


def parse_forwarded_node(text: str) -> Node | None:
    """Parse a node of RFC 7239 section 6: an address, `unknown` or an obfuscated identifier, and its port."""
    if len(text) > _MAX_NODE_LENGTH:
        return None
    match = _FORWARDED_NODE.fullmatch(text)
    if match is None:
        return None
    name, digits = match.groups()
    port = parse_port(digits) if digits else 0
    if port is None:
        return None
    if name.lower() == "unknown":
        return Node(None, port)
    if name.startswith("_"):
        return Node(name, port)
    address = parse_address(name.strip("[]"))
    return Node(str(address), port) if address else None
