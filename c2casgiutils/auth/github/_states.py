"""The state cookies: one for each sign-in that a browser started, until it returns from GitHub."""

import hashlib
import secrets
import time

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from c2casgiutils import config
from c2casgiutils.auth import _cookies, _tokens, _urls
from c2casgiutils.auth._tokens import BadTokenError, Kind

_MAX_STATES = 4
_MAX_BYTES = 6000
"""Total size of the older state cookies; many servers reject a header line of more than 8 kB."""


class State(BaseModel):
    """The content of a state cookie."""

    model_config = ConfigDict(strict=True)

    id: str = ""
    expires_at: int = 0
    state: str
    verifier: str
    redirect: str
    came_from: str


def begin(request: Request, response: Response, *, redirect: str, came_from: str) -> State:
    """Start a sign-in, and drop the oldest ones if the browser has too many.

    Raises:
        _cookies.CookieTooLargeError: The cookie is larger than browsers accept.
    """
    state = State(
        state=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect=redirect,
        came_from=came_from,
    )
    age = int(config.settings.auth.github.state_cookie_age.total_seconds())
    token = _tokens.make(
        Kind.GITHUB_STATE,
        "browser",
        state.model_dump(exclude={"id", "expires_at"}),
        expires_at=int(time.time()) + age,
    )
    _put(request, response, cookie_name(state.state), token, age)
    _drop_oldest(request, response)
    return state


def take(request: Request, response: Response, given: str) -> State | None:
    """Return the sign-in that belongs to a state, and clear its cookie."""
    name = cookie_name(given)
    values = _cookies.values_of(request, name)
    if values:
        _put(request, response, name, "", 0)
    states = (_open(value) for value in values)
    return next((state for state in states if state and _is_same(state.state, given)), None)


def cookie_name(state: str) -> str:
    """Return the name of the state cookie; each sign-in has its own, as several tabs may sign in."""
    return f"{_prefix()}{hashlib.sha256(state.encode()).hexdigest()[:8]}"


def _prefix() -> str:
    return _cookies.effective_name(f"{config.settings.auth.github.state_cookie}-")


def _put(request: Request, response: Response, name: str, token: str, age: int) -> None:
    # not `strict`: the browser returns from another site
    path = _urls.github_path(request)
    _cookies.put(request, response, name, token, path=path, age_seconds=age, same_site="lax")


def _drop_oldest(request: Request, response: Response) -> None:
    ends, sizes = {}, {}
    for name, value in _cookies.starting_with(request, _prefix()):
        state = _open(value)
        ends[name] = state.expires_at if state else 0
        sizes[name] = len(name) + len(value)
    # browsers send older cookies first, which tells those of the same second apart
    oldest_first = sorted(ends, key=ends.__getitem__)
    left = _MAX_BYTES
    for number, name in enumerate(oldest_first[::-1], start=1):
        left -= sizes[name]
        if number >= _MAX_STATES or left < 0 or not ends[name]:
            _put(request, response, name, "", 0)


def _open(value: str) -> State | None:
    longest = config.settings.auth.github.state_cookie_age.total_seconds()
    try:
        claims = _tokens.unseal(Kind.GITHUB_STATE, value, longest_seconds=longest)
        return State.model_validate({**claims.data, "id": claims.jti, "expires_at": claims.exp})
    except (BadTokenError, ValidationError):
        return None


def _is_same(state: str, given: str) -> bool:
    return secrets.compare_digest(state.encode(), given.encode())
