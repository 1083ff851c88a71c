"""Which peers are trusted, decided by a structure that is built once."""

import functools
import ipaddress
from collections.abc import Sequence

from c2casgiutils.headers._addresses import IPAddress, parse_address

UNIX_PEER = "unix:"
"""Stands for a peer without an address, on a unix socket."""

_MEMO_ENTRIES = 4096
_LONGEST_REMEMBERED = 64

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


class TrustedHosts:
    """The hosts whose word is taken; `host in trusted` decides.

    Args:
        hosts: Addresses, networks, other names such as `unix:` or `testclient`, which are compared literally,
            and `*` for everyone; separated by commas or a list.

    Raises:
        TypeError: It is neither a string nor a list of strings.
        ValueError: Something with a slash in it is no network.
    """

    def __init__(self, hosts: str | Sequence[str]) -> None:
        members = _members(hosts)
        self._everyone = "*" in members
        self._addresses: set[IPAddress] = set()
        self._networks: list[_Network] = []
        self._literals: set[str] = set()
        for member in members:
            self._add(member)
        self._remembered = functools.lru_cache(maxsize=_MEMO_ENTRIES)(self._decide)

    def __contains__(self, host: str | None) -> bool:
        """Return whether the host is trusted; `None` is a peer without an address."""
        if self._everyone:
            return True
        host = host or UNIX_PEER
        return self._remembered(host) if len(host) <= _LONGEST_REMEMBERED else self._decide(host)

    def _add(self, member: str) -> None:
        if "/" in member and not member.startswith(("/", UNIX_PEER)):
            self._networks.append(_parse_network(member))
        elif address := parse_address(member):
            self._addresses.add(address)
        else:
            self._literals.add(member)

    def _decide(self, host: str) -> bool:
        address = parse_address(host)
        if address is None:
            return host in self._literals
        return address in self._addresses or any(address in network for network in self._networks)


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
    except ValueError as error:
        raise ValueError(f"trusted_hosts has {text!r}, which is no network: {error}") from error
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        return ipaddress.ip_network(f"{address}/{network.prefixlen - _MAPPED.prefixlen}")
    return network
