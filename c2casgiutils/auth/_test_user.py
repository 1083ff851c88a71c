"""The test user, who is always signed in; only for tests and development."""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from c2casgiutils import config
from c2casgiutils._trusted_hosts import parse_address
from c2casgiutils.auth._model import AuthInfo, AuthMethod, UserInfo
from c2casgiutils.auth._urls import request_origin

REFUSED = (
    "The test user is accepted only on a loopback host like http://localhost, or with C2C__DEVELOPMENT=True"
)


def local_caller(request: Request) -> AuthInfo:
    """Return the test user, or an anonymous caller for a request that may come from another machine.

    Any site can make its name resolve to 127.0.0.1 and then read our responses (DNS rebinding), so the host
    of the request is checked. Others on the network can send any host, so the connection is checked, too.
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
    """Return whether both ends of the connection are on this machine (those of test clients are)."""
    client, server = request.scope.get("client"), request.scope.get("server")
    if client is None:  # a Unix socket: a proxy, which forwards requests of any client
        return False
    addresses = [parse_address(end[0] or "") for end in (client, server) if end]
    return all(address is None or address.is_loopback for address in addresses)
