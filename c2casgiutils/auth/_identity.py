"""Who is calling."""

from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security import APIKeyHeader, APIKeyQuery, HTTPBearer
from fastapi.security.base import SecurityBase

from c2casgiutils import config
from c2casgiutils.auth import _audit, _cookies
from c2casgiutils.auth._mode import auth_type
from c2casgiutils.auth._model import AuthenticationType, AuthInfo, AuthMethod, UserInfo
from c2casgiutils.auth._secret import secret_caller
from c2casgiutils.auth.github._caller import github_caller


class _SessionCookie(SecurityBase):
    """The session cookie in the OpenAPI document, under the name that it has in the settings."""

    scheme_name = "session"

    @property
    def model(self) -> APIKey:  # type: ignore[override]  # computed, because the settings are not read at import
        """The entry of the document."""
        return APIKey.model_validate({"in": APIKeyIn.cookie, "name": config.settings.auth.jwt.cookie.name})

    async def __call__(self) -> None:
        """`get_auth` reads the request by itself."""


# for the OpenAPI document: `get_auth` reads the request by itself
api_key_header = APIKeyHeader(name="X-API-Key", scheme_name="secret", auto_error=False)
"""A dependency that returns the secret of the header `X-API-Key`, none without one."""
# not in our own document, which recommends the header: addresses end up in logs
api_key_query = APIKeyQuery(name="secret", scheme_name="secret in the query", auto_error=False)
"""A dependency that returns the secret of the query parameter `secret`, none without one."""
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
    """Find out who is calling; a caller who proves nothing is anonymous, never an error.

    A credential is looked at only in the mode that it belongs to. One that comes with the request in a header
    or the query, decides alone; the session cookie counts without it.

    Args:
        request: The request.
        response: Carries the cookies that are set or cleared.

    Raises:
        HTTPException: 429 for a client that sent too many wrong secrets.
    """
    # once for a request, however many ask: a wrong secret counts once
    if _audit.CALLER not in request.scope:
        request.scope[_audit.CALLER] = await _caller(request, response)
    auth_info: AuthInfo = request.scope[_audit.CALLER]
    return auth_info


async def _caller(request: Request, response: Response) -> AuthInfo:
    mode = auth_type()
    if mode is AuthenticationType.SECRET:
        return await secret_caller(request, response)
    if mode is AuthenticationType.TEST:
        name = config.settings.auth.test.username or ""
        user = UserInfo(login="test", display_name=name, url="https://example.com")
        return AuthInfo(is_logged_in=True, user=user, type=AuthMethod.TEST)
    if mode is AuthenticationType.GITHUB:
        return await github_caller(request, response)
    return AuthInfo()
