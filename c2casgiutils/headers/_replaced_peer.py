"""Tell when a server put a member of X-Forwarded-For in the place of the peer.

uvicorn does so for the peers that it trusts itself, unless it runs with `--no-proxy-headers`. The address
then says nothing about who connected: the client may have chosen it.
"""

from c2casgiutils._trusted_hosts import UNIX_PEER, parse_address

WARNING = (
    "The server replaced the peer by X-Forwarded-For, so nobody can tell whether a trusted proxy connected. "
    "Forwarded headers are not applied: run uvicorn with --no-proxy-headers, gunicorn with "
    "--forwarded-allow-ips=''"
)


def claimed_ports(address: str | None, chain: bytes) -> frozenset[int]:
    """Return the ports with which a peer of this address was read in the chain.

    uvicorn takes the port that stands beside the address, and 0, which no TCP peer has, where there is none.

    Args:
        address: The address of the peer.
        chain: The value of `X-Forwarded-For`.
    """
    if not address or not chain:
        return frozenset()
    text = chain.decode("latin-1")
    # Servers give 0 as the port of a unix socket themselves.
    ports = {0} if address in text or not address.startswith(UNIX_PEER) else set()
    for member in text.split(","):
        name, _, digits = member.strip().rpartition(":")
        if _is_same(name.strip("[]"), address):
            try:
                ports.add(int(digits))  # as lenient as uvicorn
            except ValueError:
                continue
    return frozenset(ports)


def _is_same(name: str, address: str) -> bool:
    parsed = parse_address(name)
    return name == address or (parsed is not None and parsed == parse_address(address))
