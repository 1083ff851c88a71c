"""The identity of the caller, and the configured authentication type."""

import logging
from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security import APIKeyHeader, APIKeyQuery, HTTPBearer
from fastapi.security.base import SecurityBase

from c2casgiutils import config
from c2casgiutils.auth import _audit, _cookies
from c2casgiutils.auth._model import AuthenticationType, AuthInfo
from c2casgiutils.auth._secret import secret_caller
from c2casgiutils.auth._test_user import local_caller
from c2casgiutils.auth.github._caller import github_caller
from c2casgiutils.config.auth import is_weak_secret

_LOGGER = logging.getLogger(__name__)

_MIN_KEY = 32


class _SessionCookie(SecurityBase):
    """The session cookie in the OpenAPI document, with its name from the settings."""

    scheme_name = "session"

    @property
    def model(self) -> APIKey:  # type: ignore[override]  # computed, because the settings are not read at import
        """The entry of the OpenAPI document."""
        return APIKey.model_validate({"in": APIKeyIn.cookie, "name": config.settings.auth.jwt.cookie.name})

    async def __call__(self) -> None:
        """Do nothing: `get_auth` reads the cookie itself."""


# only for the OpenAPI document: `get_auth` reads the request itself
api_key_header: APIKeyHeader = APIKeyHeader(name="X-API-Key", scheme_name="secret", auto_error=False)
"""A dependency that returns the secret of the header `X-API-Key`, or `None`."""
# not in our own OpenAPI document, which recommends the header: URLs end up in logs
api_key_query: APIKeyQuery = APIKeyQuery(name="secret", scheme_name="secret in the query", auto_error=False)
"""A dependency that returns the secret of the query parameter `secret`, or `None`."""
_BEARER = HTTPBearer(scheme_name="github", auto_error=False)
_COOKIE = _SessionCookie()


async def get_auth(
    request: Request,
    response: Response,
    _carried: Annotated[Any, Depends(_cookies.carry)] = None,
    _api_key: Annotated[Any, Security(api_key_header)] = None,
    _bearer: Annotated[Any, Security(_BEARER)] = None,
    _cookie: Annotated[Any, Security(_COOKIE)] = None,
) -> AuthInfo:
    """Return the caller; one without credentials is anonymous, which is not an error.

    Only the credentials of the configured authentication type are read. A credential in a header or the query
    decides alone; without one, the session cookie is used.

    Args:
        request: The request.
        response: Gets the cookies that are set or cleared.

    Raises:
        HTTPException: 429 for a client that sent too many wrong secrets.
    """
    # once per request, however often it is called, so that a wrong secret is counted once
    if _audit.CALLER not in request.scope:
        request.scope[_audit.CALLER] = await _caller(request, response)
    auth_info: AuthInfo = request.scope[_audit.CALLER]
    return auth_info


async def _caller(request: Request, response: Response) -> AuthInfo:
    mode = auth_type()
    if mode is AuthenticationType.SECRET:
        return await secret_caller(request, response)
    if mode is AuthenticationType.TEST:
        return local_caller(request)
    if mode is AuthenticationType.GITHUB:
        return await github_caller(request, response)
    return AuthInfo()


def _is_github_set() -> bool:
    github = config.settings.auth.github
    return bool(github.repository and github.client_id and github.client_secret)


def auth_type() -> AuthenticationType:
    """Return the configured authentication type: secret, then test, then GitHub, otherwise none."""
    auth = config.settings.auth
    if auth.secret:
        return AuthenticationType.SECRET
    if auth.test.username:
        return AuthenticationType.TEST
    if _is_github_set():
        return AuthenticationType.GITHUB
    return AuthenticationType.NONE


def is_enabled() -> bool:
    """Return whether anybody can sign in."""
    return auth_type() is not AuthenticationType.NONE


def check_settings() -> None:
    """Reject settings that cannot work together, and warn about dangerous ones.

    Raises:
        ConfigurationError: The GitHub configuration is incomplete, the key for the sessions is missing, or
            browsers would reject the cookies.
    """
    config.settings.check()
    keys = [config.settings.auth.jwt.secret, *config.settings.auth.jwt.previous_secrets]
    if any(key and len(key) < _MIN_KEY for key in keys):
        _LOGGER.warning("C2C__AUTH__JWT__SECRET is short, use %s characters or more", _MIN_KEY)
    _warn(auth_type())


def _warn(mode: AuthenticationType) -> None:
    others = {
        AuthenticationType.SECRET: bool(config.settings.auth.secret),
        AuthenticationType.TEST: bool(config.settings.auth.test.username),
        AuthenticationType.GITHUB: _is_github_set(),
    }
    ignored = [kind.value for kind, given in others.items() if given and kind is not mode]
    if ignored:
        _LOGGER.warning("Several kinds of authentication are set: %s is used, not %s", mode.value, ignored)
    if mode is AuthenticationType.TEST:
        whom = "everybody" if config.settings.development else "everybody on this machine"
        _LOGGER.warning("C2C__AUTH__TEST__USERNAME is set: %s is signed in with all rights", whom)
    auth = config.settings.auth
    if mode is AuthenticationType.SECRET and is_weak_secret(auth.secret or ""):
        also = "" if auth.jwt.secret else ", and it also makes the key of the sessions"
        _LOGGER.warning(
            "C2C__AUTH__SECRET is short or well known and can be guessed%s: use 32 random characters", also
        )
    insecure = config.settings.http or not auth.jwt.cookie.secure
    if mode is not AuthenticationType.NONE and insecure and not config.settings.development:
        _LOGGER.warning("Session cookies are not for HTTPS only: for development, not for production")
