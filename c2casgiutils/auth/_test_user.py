"""The user who is always signed in, for tests and development only."""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from c2casgiutils import config
from c2casgiutils._trusted_hosts import parse_address
from c2casgiutils.auth._model import AuthInfo, AuthMethod, UserInfo
from c2casgiutils.auth._urls import request_origin

REFUSED = (
    "The test user is let in only on a loopback host such as http://localhost, or with C2C__DEVELOPMENT=True"
)


def local_caller(request: Request) -> AuthInfo:
    """Return the test user, or nobody for a request that may come from elsewhere.

    Any site can let its name resolve to 127.0.0.1 and then read our answers as its own (DNS rebinding): the
    host of the request tells. Others on the network can send any host, so the connection counts too.
    """
    if not config.settings.development and not (_has_local_host(request) and _is_local(request)):
        return AuthInfo.refused(REFUSED)
    name = config.settings.auth.test.username or ""
    user = UserInfo(login="test", display_name=name, url="https://example.com")
    return AuthInfo(is_logged_in=True, user=user, type=AuthMethod.TEST)


def _has_local_host(request: Request) -> bool:
    try:
        host = urlsplit(request_origin(request)).hostname or ""
    except (HTTPException, ValueError):
        return False
    address = parse_address(host)
    if address is not None:
        return address.is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _is_local(request: Request) -> bool:
    """Return whether both ends of the connection are on this machine; the names of test clients are."""
    client, server = request.scope.get("client"), request.scope.get("server")
    if client is None:  # a Unix socket: a proxy, which passes on the host of anybody
        return False
    addresses = [parse_address(end[0] or "") for end in (client, server) if end]
    return all(address is None or address.is_loopback for address in addresses)
