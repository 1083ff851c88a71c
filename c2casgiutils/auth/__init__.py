"""Authentication by shared secret or GitHub account, and access control; closed unless configured."""

import warnings
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from c2casgiutils import config, instances
from c2casgiutils._starlette import wrap_stack
from c2casgiutils.auth import _audit as audit
from c2casgiutils.auth import _forms as forms
from c2casgiutils.auth import _revocations, _state
from c2casgiutils.auth import _throttle as throttle
from c2casgiutils.auth._cookies import CookieMiddleware
from c2casgiutils.auth._cross_site import is_cross_site, refuse_cross_site
from c2casgiutils.auth._dependencies import (
    AccessContext,
    access,
    auth_required,
    check_access,
    check_access_config,
    check_admin_access,
    check_read_only_access,
    check_read_write_access,
    get_access_context,
    is_still_admin,
    require_access,
    require_admin_access,
    require_read_only_access,
    require_read_write_access,
)
from c2casgiutils.auth._details import may_see_details
from c2casgiutils.auth._identity import (
    api_key_header,
    api_key_query,
    auth_type,
    check_settings,
    get_auth,
    is_enabled,
)
from c2casgiutils.auth._model import (
    AuthConfig,
    AuthenticationType,
    AuthInfo,
    AuthMethod,
    GitHubSessionPayload,
    UserInfo,
    admin_config,
    read_only_config,
    read_write_config,
)
from c2casgiutils.auth._pages import prefers_html
from c2casgiutils.auth._urls import mount_url
from c2casgiutils.auth._views import redirect_without_secret, router
from c2casgiutils.auth.github._client import GitHubUnavailableError

if TYPE_CHECKING:
    READ_ONLY_AUTH_CONFIG: AuthConfig
    READ_WRITE_AUTH_CONFIG: AuthConfig
    ADMIN_AUTH_CONFIG: AuthConfig

__all__ = [
    "ADMIN_AUTH_CONFIG",
    "READ_ONLY_AUTH_CONFIG",
    "READ_WRITE_AUTH_CONFIG",
    "AccessContext",
    "AuthConfig",
    "AuthInfo",
    "AuthMethod",
    "AuthenticationType",
    "CookieMiddleware",
    "GitHubSessionPayload",
    "GitHubUnavailableError",
    "UserInfo",
    "access",
    "api_key_header",
    "api_key_query",
    "audit",
    "auth_required",
    "auth_type",
    "check_access",
    "check_access_config",
    "check_admin_access",
    "check_read_only_access",
    "check_read_write_access",
    "forms",
    "get_access_context",
    "get_auth",
    "is_cross_site",
    "is_enabled",
    "is_still_admin",
    "may_see_details",
    "mount_url",
    "prefers_html",
    "redirect_without_secret",
    "refuse_cross_site",
    "require_access",
    "require_admin_access",
    "require_read_only_access",
    "require_read_write_access",
    "router",
    "shutdown",
    "startup",
    "throttle",
]

_CONSTANTS = {
    "READ_ONLY_AUTH_CONFIG": read_only_config,
    "READ_WRITE_AUTH_CONFIG": read_write_config,
    "ADMIN_AUTH_CONFIG": admin_config,
}


def __getattr__(name: str) -> Any:
    """Return a constant, computed on access as it depends on the settings, or a deprecated name."""
    if name in _CONSTANTS:
        return _CONSTANTS[name]()
    if name == "GitHubAccessType":
        message = f"{__name__}.{name} is deprecated, use c2casgiutils.config.{name}"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return config.GitHubAccessType
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


async def startup(main_app: Starlette | None = None) -> None:
    """Check the authentication settings, and add the session cookies to all responses of the application.

    Args:
        main_app: The application that mounts `c2casgiutils.app`.

    Raises:
        ValueError: The settings are invalid; the message names the variable.
    """
    check_settings()
    _state.STATES.get()
    instances.on_version(audit.save_soon)
    instances.on_version(_revocations.save_soon)
    instances.on_loss(_revocations.save_all)
    if main_app is not None:  # its stack is already built when its lifespan starts
        wrap_stack(main_app, CookieMiddleware)


async def shutdown() -> None:
    """Release the resources of the authentication."""
    state = _state.STATES.pop()
    if state is not None:
        await state.aclose()
