"""Matching of trusted peers, with a structure that is built once."""

import functools
import ipaddress
import re
from collections.abc import Sequence

UNIX_PEER = "unix:"
"""Represents a peer without an address, on a Unix socket."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_REMEMBERED = 4096
_MAX_REMEMBERED_LENGTH = 64

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ACCEPTED = "accepted are addresses, networks (10.0.0.0/8), names (testclient), unix: and *"


class TrustedHosts:
    """The trusted hosts; use `host in trusted`.

    Args:
        hosts: Addresses, networks, or other names such as `unix:` or `testclient`, which are compared
            literally, or `*` for all hosts; separated by commas or as a list.

    Raises:
        TypeError: It is neither a string nor a list of strings.
        ValueError: A member is invalid; the message names it.
    """

    def __init__(self, hosts: str | Sequence[str]) -> None:
        members = _members(hosts)
        self.is_everyone = "*" in members
        self._addresses: set[IPAddress] = set()
        self._networks: list[_Network] = []
        self._literals: set[str] = set()
        for member in members:
            if member != "*":
                self._add(member)
        self._remembered = functools.lru_cache(maxsize=_MAX_REMEMBERED)(self._decide)

    def __contains__(self, host: str | None) -> bool:
        """Return whether the host is trusted; `None` is a peer without an address."""
        if self.is_everyone:
            return True
        host = host or UNIX_PEER
        return self._remembered(host) if len(host) <= _MAX_REMEMBERED_LENGTH else self._decide(host)

    def _add(self, member: str) -> None:
        if member.startswith(("/", UNIX_PEER)):
            self._literals.add(member)
        elif "/" in member:
            self._networks.append(_parse_network(member))
        elif address := parse_address(member):
            self._addresses.add(address)
        elif _NAME.fullmatch(member):
            self._literals.add(member)
        else:  # a range or an address with a port: it would never match as a name
            raise ValueError(f"trusted_hosts has {member!r}, which is not an address; {_ACCEPTED}")

    def _decide(self, host: str) -> bool:
        address = parse_address(host)
        if address is None:
            return host in self._literals
        return address in self._addresses or any(address in network for network in self._networks)


def parse_address(text: str) -> IPAddress | None:
    """Parse an IP address; IPv4-mapped IPv6 addresses are returned as IPv4, zones are dropped."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _members(hosts: str | Sequence[str]) -> list[str]:
    members = hosts.split(",") if isinstance(hosts, str) else hosts
    if not isinstance(members, (Sequence, set, frozenset)) or not all(
        isinstance(each, str) for each in members
    ):
        raise TypeError(f"trusted_hosts must be a string or a list of strings, not {hosts!r}")
    return [member.strip() for member in members if member.strip()]


def _parse_network(text: str) -> _Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"trusted_hosts has {text!r}, which is not a network; {_ACCEPTED}") from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        return ipaddress.ip_network(f"{address}/{network.prefixlen - _MAPPED.prefixlen}")
    return network
