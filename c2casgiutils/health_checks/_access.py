"""Access to the details of the checks."""

from fastapi import Request, Response

from c2casgiutils import auth, config


async def may_see_details(request: Request, response: Response) -> bool:
    """Return whether the caller may see payloads, errors and stack traces, by `C2C__HEALTH__DETAILS`.

    If the caller cannot be identified because GitHub is unreachable, the state of the checks is shown without
    details.
    """
    policy = config.settings.health.details
    if policy != "authorized":
        return policy == "always"
    return await auth.may_see_details(request, response)


def describe_unknown(what: str, names: set[str], known: set[str], *, details: bool) -> str | None:
    """Return a message about unknown names, with the known ones if `details`; `None` if all are known."""
    unknown = names - known
    if not unknown:
        return None
    text = f"Unknown {what}: {', '.join(sorted(unknown))}"
    return f"{text}; known: {', '.join(sorted(known))}" if details else text


def cookies_of(response: Response) -> list[tuple[bytes, bytes]]:
    """Return the raw headers of the cookies that the authentication set or cleared."""
    return [pair for pair in response.raw_headers if pair[0] == b"set-cookie"]
