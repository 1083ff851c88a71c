"""Access control: the dependencies of protected views."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from c2casgiutils import config
from c2casgiutils.auth import _cross_site, _model, _sessions
from c2casgiutils.auth._identity import auth_type, get_auth
from c2casgiutils.auth._model import AuthConfig, AuthenticationType, AuthInfo, AuthMethod
from c2casgiutils.auth.github import _permissions
from c2casgiutils.auth.github._client import TokenRefusedError
from c2casgiutils.auth.github._permissions import Rights

_SIGN_IN = {
    AuthenticationType.NONE: (
        "Authentication is not configured: set C2C__AUTH__SECRET or the variables C2C__AUTH__GITHUB__..."
    ),
    AuthenticationType.SECRET: "Sign in first, or send the secret in the header X-API-Key",
    AuthenticationType.GITHUB: "Sign in with GitHub first",
    AuthenticationType.TEST: "Sign in first",
}

_Caller = Annotated[AuthInfo, Depends(get_auth)]


async def auth_required(auth_info: _Caller) -> None:
    """Require a signed-in caller, without any access level.

    Raises:
        HTTPException: 403 for an anonymous caller, 503 if GitHub is needed and unavailable.
    """
    if auth_info.is_logged_in:
        return
    if auth_info.unavailable is not None:
        raise auth_info.unavailable
    raise HTTPException(403, auth_info.refusal or _SIGN_IN[auth_type()])


async def check_access_config(
    auth_info: AuthInfo,
    auth_config: AuthConfig,
    request: Request | None = None,
    fastapi_response: Response | None = None,
) -> bool:
    """Return whether the caller has the permission required by `auth_config` on its repository.

    A configuration without an access type grants nothing, not even to an administrator. Outside GitHub mode
    the result is always false.

    Args:
        auth_info: The caller.
        auth_config: The required permission.
        request: The request.
        fastapi_response: Gets the cleared cookie if GitHub no longer accepts the token.

    Raises:
        GitHubUnavailableError: 503, GitHub is unavailable.
    """
    if auth_type() is not AuthenticationType.GITHUB:
        return False
    asked = _model.asked_of(auth_config)
    token, repository = auth_info.user.token, auth_config.github_repository or _repository()
    if asked is None or not auth_info.is_logged_in or not token or not repository:
        return False
    try:
        rights = await _rights(auth_info, token, repository)
    except TokenRefusedError:
        if request is not None and fastapi_response is not None and auth_info.type is AuthMethod.GITHUB_OAUTH:
            await _sessions.end(request, fastapi_response)
        return False
    return rights.include(asked)


def _repository() -> str | None:
    return config.settings.auth.github.repository


async def _rights(auth_info: AuthInfo, token: str, repository: str) -> Rights:
    if auth_info.unavailable is None:
        return await _permissions.rights_of(token, repository)
    # the token has expired and cannot be refreshed: GitHub would refuse it, which ends the session
    remembered = _permissions.remembered(token, repository)
    if remembered is None:
        raise auth_info.unavailable
    return remembered


async def check_access(
    auth_info: AuthInfo,
    auth_config: AuthConfig,
    request: Request | None = None,
    response: Response | None = None,
) -> bool:
    """Return whether the caller is an administrator of the configured repository or has the permission.

    With `AuthConfig()`, which requires no permission, only administrators have access. Outside GitHub mode,
    every signed-in caller has access.

    Args:
        auth_info: The caller.
        auth_config: The required permission.
        request: The request.
        response: Gets the cookies that are set or cleared.

    Raises:
        GitHubUnavailableError: 503, GitHub is unavailable.
    """
    if auth_type() is not AuthenticationType.GITHUB:
        return auth_info.is_logged_in
    if await check_access_config(auth_info, _model.admin_config(), request, response):
        return True
    return await check_access_config(auth_info, auth_config, request, response)


async def check_read_only_access(
    auth_info: AuthInfo, request: Request | None = None, response: Response | None = None
) -> bool:
    """Return whether the caller has the read-only level."""
    return await check_access(auth_info, _model.read_only_config(), request, response)


async def check_read_write_access(
    auth_info: AuthInfo, request: Request | None = None, response: Response | None = None
) -> bool:
    """Return whether the caller has the read-write level."""
    return await check_access(auth_info, _model.read_write_config(), request, response)


async def check_admin_access(
    auth_info: AuthInfo, request: Request | None = None, response: Response | None = None
) -> bool:
    """Return whether the caller has the admin level."""
    return await check_access(auth_info, _model.admin_config(), request, response)


async def is_still_admin(request: Request) -> bool:
    """Return whether the caller of a response that lasts, which `get_auth` identified, keeps the admin level.

    A token of GitHub is not renewed for it: the cookie with the new one could not be sent any more.
    """
    auth_info = await get_auth(request, response := Response())
    if request.scope.get(_sessions.BY_COOKIE) and not await _sessions.read(request, response, auth_info.type):
        return False
    try:
        return await check_admin_access(auth_info)  # without the request, which would end a session
    except AnyHTTPException:
        return False


async def require_access(
    auth_info: AuthInfo, auth_config: AuthConfig, request: Request, response: Response
) -> None:
    """Raise unless the caller has the permission; to be called, not a dependency itself.

    Raises:
        HTTPException: 403 for other callers.
    """
    await auth_required(auth_info)
    _cross_site.refuse_cross_site_change(request, auth_info)
    if not await check_access(auth_info, auth_config, request, response):
        raise HTTPException(403, "Your account does not have the required permission")


async def require_read_only_access(auth_info: _Caller, request: Request, response: Response) -> None:
    """Require the read-only level: `Depends(require_read_only_access)`.

    Raises:
        HTTPException: 403 for other callers.
    """
    await require_access(auth_info, _model.read_only_config(), request, response)


async def require_read_write_access(auth_info: _Caller, request: Request, response: Response) -> None:
    """Require the read-write level.

    Raises:
        HTTPException: 403 for other callers.
    """
    await require_access(auth_info, _model.read_write_config(), request, response)


async def require_admin_access(auth_info: _Caller, request: Request, response: Response) -> None:
    """Require the admin level.

    Raises:
        HTTPException: 403 for other callers.
    """
    await require_access(auth_info, _model.admin_config(), request, response)


def access(auth_config: AuthConfig) -> Callable[..., Awaitable[None]]:
    """Return a dependency that requires a permission: `Depends(auth.access(AuthConfig(...)))`."""

    async def require(auth_info: _Caller, request: Request, response: Response) -> None:
        await require_access(auth_info, auth_config, request, response)

    return require


class AccessContext:
    """The caller of one request, with methods to check their permissions.

    Args:
        auth_info: The caller.
        request: The request.
        response: Gets the cookies that are set or cleared.
    """

    def __init__(self, auth_info: AuthInfo, request: Request, response: Response) -> None:
        self.auth_info = auth_info
        self.request = request
        self.response = response

    async def check_access(self, auth_config: AuthConfig) -> bool:
        """Return whether the caller has the permission."""
        return await check_access(self.auth_info, auth_config, self.request, self.response)

    async def check_read_only_access(self) -> bool:
        """Return whether the caller has the read-only level."""
        return await check_read_only_access(self.auth_info, self.request, self.response)

    async def check_read_write_access(self) -> bool:
        """Return whether the caller has the read-write level."""
        return await check_read_write_access(self.auth_info, self.request, self.response)

    async def check_admin_access(self) -> bool:
        """Return whether the caller has the admin level."""
        return await check_admin_access(self.auth_info, self.request, self.response)

    async def require_access(self, auth_config: AuthConfig) -> None:
        """Raise a 403 error unless the caller has the permission."""
        await require_access(self.auth_info, auth_config, self.request, self.response)

    async def require_read_only_access(self) -> None:
        """Raise a 403 error unless the caller has the read-only level."""
        await require_read_only_access(self.auth_info, self.request, self.response)

    async def require_read_write_access(self) -> None:
        """Raise a 403 error unless the caller has the read-write level."""
        await require_read_write_access(self.auth_info, self.request, self.response)

    async def require_admin_access(self) -> None:
        """Raise a 403 error unless the caller has the admin level."""
        await require_admin_access(self.auth_info, self.request, self.response)


async def get_access_context(auth_info: _Caller, request: Request, response: Response) -> AccessContext:
    """Return the access context of this request: `Annotated[AccessContext, Depends(get_access_context)]`."""
    return AccessContext(auth_info, request, response)
