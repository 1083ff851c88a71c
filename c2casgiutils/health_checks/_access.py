"""Who sees what."""

from fastapi import HTTPException, Request, Response

from c2casgiutils import auth, config


async def may_see_details(request: Request, response: Response) -> bool:
    """Whether the caller sees payloads, errors and stack traces: by `C2C__HEALTH__DETAILS`.

    The state of the checks is told also while nobody can tell who is calling (GitHub is down, say): then
    without details.
    """
    policy = config.settings.health.details
    if policy != "authorized":
        return policy == "always"
    try:
        auth_info = await auth.get_auth(request, response)
        return await auth.check_read_only_access(auth_info, request, response)
    except HTTPException:
        return False
