"""Detects when a server has replaced the peer by a member of X-Forwarded-For.

uvicorn does so for the peers that it trusts, unless it runs with `--no-proxy-headers`. The address then does
not show who connected: the client may have chosen it.
"""

from c2casgiutils._trusted_hosts import UNIX_PEER, parse_address

WARNING = (
    "The server replaced the peer by X-Forwarded-For, so it is unknown whether a trusted proxy connected. "
    "Forwarded headers are not applied: run uvicorn with --no-proxy-headers, gunicorn with "
    "--forwarded-allow-ips=''"
)


def claimed_ports(address: str | None, chain: bytes) -> frozenset[int]:
    """Return the ports that a server would give a peer with this address in the chain.

    uvicorn uses the port given with the address, or 0, which no TCP peer has, if there is none.

    Args:
        address: The address of the peer.
        chain: The value of `X-Forwarded-For`.
    """
    if not address or not chain:
        return frozenset()
    text = chain.decode("latin-1")
    # Servers use port 0 for Unix sockets themselves.
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
