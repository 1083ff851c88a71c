"""Who may use the diagnostic views, and which of them are switched on."""

from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.exceptions import HTTPException

from c2casgiutils import auth, config

_Caller = Annotated[auth.AuthInfo, Depends(auth.get_auth)]
_SETTING = "C2C__DEBUG__ENABLED"


async def require_read_only(auth_info: _Caller, request: Request, response: Response) -> None:
    """Require the read-only level, and that no other site makes the browser of a visitor send the request.

    Raises:
        HTTPException: 403 for other callers and sites, 503 for a prefetch.
    """
    auth.refuse_cross_site(request, auth_info)
    await auth.require_read_only_access(auth_info, request, response)


async def require_admin(auth_info: _Caller, request: Request, response: Response) -> None:
    """Require the admin level, and that no other site makes the browser of a visitor send the request.

    Raises:
        HTTPException: 403 for other callers and sites, 503 for a prefetch.
    """
    auth.refuse_cross_site(request, auth_info)
    await auth.require_admin_access(auth_info, request, response)


async def _hide_unless_enabled(request: Request, response: Response) -> None:
    """Answer like an unknown path while the costly diagnostics are off; only administrators learn why.

    Raises:
        HTTPException: 404.
    """
    if config.settings.debug.enabled:
        return
    try:
        await require_admin(await auth.get_auth(request, response), request, response)
    except HTTPException as error:
        raise HTTPException(404) from error
    raise HTTPException(404, f"This view is disabled: set {_SETTING}=True to enable it")


READ_ONLY = (Depends(require_read_only),)
"""Dependencies of a view for everybody who may look."""
ADMIN = (Depends(require_admin),)
"""Dependencies of a view for administrators."""
ENABLED = (Depends(_hide_unless_enabled), Depends(require_admin))
"""Dependencies of a view for administrators that exists only with `C2C__DEBUG__ENABLED`."""
