"""Authentication by the shared secret: in a header or the query of any request, or in the sign-in form."""

from fastapi import Request, Response

from c2casgiutils import config
from c2casgiutils.auth import _cross_site, _sessions, _throttle
from c2casgiutils.auth._model import AuthInfo, AuthMethod

WRONG = "The secret is wrong"


def given_secret(request: Request) -> bytes | None:
    """Return the secret in the header `X-API-Key`, or else in the query; if it is given twice, it is wrong.

    A secret in the URL of an image or frame on another site's page is ignored: such a page could make its
    visitors send wrong secrets until their address is throttled.

    Raises:
        HTTPException: 503 for a secret in the URL of a prefetch, which such a page can cause too.
    """
    # Starlette reads headers as latin-1 and queries as UTF-8
    keys = request.headers.getlist("x-api-key")
    if keys:
        return _single(keys, "latin-1")
    values = request.query_params.getlist("secret")
    if not values or _cross_site.is_caused_by_page(request):
        return None
    _cross_site.refuse_speculation(request)
    return _single(values, "utf-8")


def _single(values: list[str], encoding: str) -> bytes:
    return values[0].encode(encoding, "replace") if len(values) == 1 else b""


async def check_secret(request: Request, given: bytes) -> bool:
    """Return whether the secret is right; wrong ones are counted and recorded.

    Raises:
        _throttle.TooManyAttemptsError: The client sent too many wrong secrets.
    """
    secret = config.settings.auth.secret
    if secret and await _throttle.is_right(request, given, secret):
        return True
    await _throttle.count_wrong(request, AuthMethod.SECRET.value)
    return False


async def secret_caller(request: Request, response: Response) -> AuthInfo:
    """Return the caller in secret mode, identified by the given secret, or else by the session."""
    given = given_secret(request)
    if given is None:
        session = await _sessions.read(request, response, AuthMethod.SECRET)
        request.scope[_sessions.BY_COOKIE] = session is not None
        return _sessions.caller_of(session) if session else AuthInfo()
    if not await check_secret(request, given):
        return AuthInfo.refused(WRONG)
    return AuthInfo(is_logged_in=True, type=AuthMethod.SECRET)
