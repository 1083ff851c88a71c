"""The shared secret: in a header or the query of any request, or once in the sign-in form."""

import hashlib
import logging
import secrets

from fastapi import Request, Response

from c2casgiutils import config
from c2casgiutils.auth import _audit, _sessions, _throttle
from c2casgiutils.auth._model import AuthInfo, AuthMethod

_LOGGER = logging.getLogger(__name__)

WRONG = "The secret is wrong"


def given_secret(request: Request) -> bytes | None:
    """The secret in the header `X-API-Key`, else in the query; one that is given twice is a wrong one."""
    # Starlette reads headers as latin-1 and queries as UTF-8
    for values, encoding in (
        (request.headers.getlist("x-api-key"), "latin-1"),
        (request.query_params.getlist("secret"), "utf-8"),
    ):
        if values:
            return values[0].encode(encoding, "replace") if len(values) == 1 else b""
    return None


def _is_right(given: bytes) -> bool:
    """Compare in a time that tells neither the length of the secret nor where the two differ."""
    secret = config.settings.auth.secret
    if not secret:
        return False
    left, right = hashlib.sha256(given).digest(), hashlib.sha256(secret.encode()).digest()
    return secrets.compare_digest(left, right)


async def check_secret(request: Request, given: bytes) -> bool:
    """Return whether the secret is right; wrong ones are counted and recorded.

    Raises:
        _throttle.TooManyAttemptsError: The client sent too many wrong ones.
    """
    if _is_right(given):
        await _throttle.check_right(request)
        return True
    await count_wrong(request, AuthMethod.SECRET)
    return False


async def count_wrong(request: Request, method: AuthMethod, reason: str = "") -> None:
    """Count and record a failed sign-in.

    Args:
        request: The request.
        method: The way that was tried.
        reason: Why it failed, where it is not just a wrong credential.

    Raises:
        _throttle.TooManyAttemptsError: The client sent too many wrong ones.
    """
    try:
        count = await _throttle.count_wrong(request)
    except _throttle.TooManyAttemptsError:
        # not recorded: a flood would push everything else out of the record
        _LOGGER.debug("A client sends too many wrong credentials")
        raise
    is_last = count >= config.settings.auth.throttle_per_client
    result = "refused, throttled from now on" if is_last else "refused"
    if reason:
        result = f"{result}: {reason}"
    await _audit.record("auth.sign_in", request=request, target=method.value, result=result)


async def secret_caller(request: Request, response: Response) -> AuthInfo:
    """The caller in secret mode; a secret that is given decides alone, without one the session does."""
    given = given_secret(request)
    if given is None:
        session = await _sessions.read(request, response, AuthMethod.SECRET)
        request.scope[_sessions.BY_COOKIE] = session is not None
        return AuthInfo(is_logged_in=True, type=AuthMethod.SECRET) if session else AuthInfo()
    if not await check_secret(request, given):
        return AuthInfo.refused(WRONG)
    return AuthInfo(is_logged_in=True, type=AuthMethod.SECRET)
