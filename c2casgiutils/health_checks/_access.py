"""Who sees what."""

from fastapi import Request, Response

from c2casgiutils import config


async def may_see_details(request: Request, response: Response) -> bool:
    """Whether the caller sees payloads, errors and stack traces: by `C2C__HEALTH__DETAILS`."""
    return config.settings.health.details == "always"
