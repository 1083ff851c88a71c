"""Whether a caller may see details, in answers that others get too."""

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from c2casgiutils.auth._dependencies import check_read_only_access
from c2casgiutils.auth._identity import auth_type, get_auth
from c2casgiutils.auth._model import AuthenticationType

_CREDENTIALS = {b"authorization", b"cookie", b"x-api-key"}


async def may_see_details(request: Request, response: Response) -> bool:
    """Return whether the caller has the read-only level; `False` while GitHub is needed and unreachable.

    Args:
        request: The request.
        response: Gets the cookies that the authentication sets or clears.
    """
    if _is_anonymous(request):
        return False
    try:
        return await check_read_only_access(await get_auth(request, response), request, response)
    except HTTPException:
        return False


def _is_anonymous(request: Request) -> bool:
    """Return whether the request has no credentials; a quick check, since probes are frequent."""
    mode = auth_type()
    if mode is AuthenticationType.NONE:
        return True
    if mode is AuthenticationType.TEST or b"secret" in request.scope["query_string"]:
        return False
    return not any(name in _CREDENTIALS for name, _ in request.scope["headers"])
