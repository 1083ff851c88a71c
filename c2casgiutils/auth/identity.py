"""Who is calling."""

import hashlib
import secrets
from typing import Annotated

from fastapi import Request, Response, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from c2casgiutils import config
from c2casgiutils.auth.mode import auth_type
from c2casgiutils.auth.model import AuthenticationType, AuthInfo, AuthMethod, UserInfo

# only for the OpenAPI document: `get_auth` reads the request by itself
_API_KEY = APIKeyHeader(name="X-API-Key", scheme_name="secret", auto_error=False)
_BEARER = HTTPBearer(scheme_name="github", auto_error=False)


def is_right_secret(given: bytes) -> bool:
    """Compare with the shared secret, in a time that tells neither its length nor where they differ."""
    secret = config.settings.auth.secret
    if not secret:
        return False
    left, right = hashlib.sha256(given).digest(), hashlib.sha256(secret.encode()).digest()
    return secrets.compare_digest(left, right)


def given_secret(request: Request) -> bytes | None:
    """The secret in the header `X-API-Key`, else in the query; one that is given twice is a wrong one."""
    for values in (request.headers.getlist("x-api-key"), request.query_params.getlist("secret")):
        if values:
            # Starlette reads headers as latin-1 and queries as UTF-8
            encoding = "latin-1" if values is not None and "x-api-key" in request.headers else "utf-8"
            return values[0].encode(encoding, "replace") if len(values) == 1 else b""
    return None


async def get_auth(
    request: Request,
    response: Response,
    _api_key: Annotated[str | None, Security(_API_KEY)] = None,
    _bearer: Annotated[object, Security(_BEARER)] = None,
) -> AuthInfo:
    """Find out who is calling; a caller who proves nothing is anonymous, never an error.

    Args:
        request: The request.
        response: Carries the cookies that are set or cleared.
    """
    del response
    mode = auth_type()
    if mode is AuthenticationType.TEST:
        name = config.settings.auth.test.username
        user = UserInfo(login="test", display_name=name, url="https://example.com")
        return AuthInfo(is_logged_in=True, user=user, type=AuthMethod.TEST)
    if mode is AuthenticationType.SECRET:
        given = given_secret(request)
        if given is not None and is_right_secret(given):
            return AuthInfo(is_logged_in=True, type=AuthMethod.SECRET)
    return AuthInfo()
