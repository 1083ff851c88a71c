"""The browser session: one encrypted cookie."""

import logging
import time
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, Field, ValidationError

from c2casgiutils import config
from c2casgiutils.auth import _cookies, _returning, _revocations, _tokens, _urls, _your_name
from c2casgiutils.auth._model import AuthInfo, AuthMethod, GitHubSessionPayload, UserInfo
from c2casgiutils.auth._tokens import BadTokenError, Kind

_LOGGER = logging.getLogger(__name__)
BY_COOKIE = "c2casgiutils.auth.by_cookie"
"""The key of the request's scope which is set when the caller was identified by the cookie."""

_SECRET_LABEL = "shared-secret"  # noqa: S105  # a label


class Session(BaseModel):
    """A valid session.

    Attributes:
        id: Its identifier, which is kept when the cookie is rewritten.
        method: How the user signed in.
        expires_at: When it expires, in seconds since the epoch.
        github: The data of a sign-in with GitHub.
        name: What the user of the shared secret gave as name.
        is_current: Whether it is encrypted with the current key.
    """

    id: str
    method: AuthMethod
    expires_at: int
    github: GitHubSessionPayload | None = None
    name: str = Field(default="", max_length=_your_name.MAX_LENGTH)
    is_current: bool = True


def _name() -> str:
    return _cookies.effective_name(config.settings.auth.jwt.cookie.name)


def _path(request: Request) -> str:
    return config.settings.auth.jwt.cookie.path or _urls.mount_path(request)


def is_out_of_path(request: Request) -> bool:
    """Return whether the browser will not send the cookie back, as a proxy strips a prefix of its paths."""
    directory = _returning.browser_directory(request)
    return directory is not None and not f"{directory}/".startswith(f"{_path(request).rstrip('/')}/")


def _longest_seconds() -> int:
    return int(config.settings.auth.jwt.cookie.age.total_seconds())


def start(
    request: Request,
    response: Response,
    method: AuthMethod,
    github: GitHubSessionPayload | None = None,
    *,
    name: str = "",
) -> Session:
    """Start a session, and return it.

    Raises:
        _cookies.CookieTooLargeError: The cookie is larger than browsers accept.
    """
    expires_at = int(time.time()) + _longest_seconds()
    session = Session(id=_tokens.new_id(), method=method, expires_at=expires_at, github=github, name=name)
    _write(request, response, session, _longest_seconds())
    return session


def write(request: Request, response: Response, session: Session) -> None:
    """Rewrite the cookie of a session, keeping its identifier and its expiry.

    Raises:
        _cookies.CookieTooLargeError: The cookie is larger than browsers accept.
    """
    _write(request, response, session, max(1, int(session.expires_at - time.time())))


def _write(request: Request, response: Response, session: Session, age_seconds: int) -> None:
    data: dict[str, Any] = {"method": session.method.value}
    if session.method is AuthMethod.SECRET:
        data["secret"] = _tokens.keyed_hash(config.settings.auth.secret or "", _SECRET_LABEL)
    if session.name:
        data["name"] = session.name
    if session.github is not None:
        data["github"] = session.github.model_dump(exclude_defaults=True)
    subject = session.github.login if session.github else session.method.value
    token = _tokens.make(Kind.SESSION, subject, data, expires_at=session.expires_at, token_id=session.id)
    try:
        _cookies.put(
            request,
            response,
            _name(),
            token,
            path=_path(request),
            age_seconds=age_seconds,
            same_site=config.settings.auth.jwt.cookie.same_site,
        )
    except _cookies.CookieTooLargeError:
        _LOGGER.exception("The session does not fit into a cookie")
        raise


async def read(request: Request, response: Response, *methods: AuthMethod) -> Session | None:
    """Return the session of the browser; an invalid cookie is cleared.

    Args:
        request: The request.
        response: Gets the cleared cookie.
        methods: The authentication methods that are accepted in this deployment.
    """
    values = _cookies.values_of(request, _name())
    for value in values:
        session = _open(value)
        if session and session.method in methods and not await _revocations.is_revoked(session.id):
            if len(values) > 1:
                _clear_others(request, response)
            if not session.is_current:
                write(request, response, session)
            return session
    if values:
        clear(request, response)
    return None


async def end(request: Request, response: Response) -> Session | None:
    """End the session of the browser.

    Returns:
        The ended session.
    """
    ended = None
    for value in _cookies.values_of(request, _name()):
        session = _open(value)
        if session:
            ended = session
            await _revocations.revoke(session.id, session.expires_at)
    clear(request, response)
    return ended


def clear(request: Request, response: Response) -> None:
    """Tell the browser to delete its session cookie."""
    same_site = config.settings.auth.jwt.cookie.same_site
    _cookies.clear(request, response, _name(), path=_path(request), same_site=same_site)
    if len(_cookies.values_of(request, _name())) > 1:
        _clear_others(request, response)


def _clear_others(request: Request, response: Response) -> None:
    path = max(_path(request), _urls.mount_path(request), key=len)
    same_site = config.settings.auth.jwt.cookie.same_site
    _cookies.clear_below(request, response, _name(), path=path, same_site=same_site)


def _open(value: str) -> Session | None:
    try:
        claims = _tokens.unseal(Kind.SESSION, value, longest_seconds=_longest_seconds())
        session = Session.model_validate(
            {
                "id": claims.jti,
                "method": claims.data.get("method"),
                "expires_at": claims.exp,
                "github": claims.data.get("github"),
                "name": claims.data.get("name", ""),
                "is_current": _tokens.is_current(Kind.SESSION, value),
            }
        )
    except (BadTokenError, ValidationError) as error:
        # the errors of pydantic quote their input
        _LOGGER.debug(
            "A session cookie was refused: %s", error if isinstance(error, BadTokenError) else "content"
        )
        return None
    if (session.method is AuthMethod.GITHUB_OAUTH) is not (session.github is not None):
        return None
    if session.github is not None and not (session.github.login and session.github.access_token):
        return None
    if session.method is AuthMethod.SECRET and not _is_of_this_secret(claims.data.get("secret")):
        return None
    return session


def _is_of_this_secret(value: object) -> bool:
    secret = config.settings.auth.secret or ""
    return isinstance(value, str) and _tokens.is_keyed_hash(value, secret, _SECRET_LABEL)


def caller_of(session: Session) -> AuthInfo:
    """Return the caller that a session belongs to."""
    if session.github is None:
        user = UserInfo(display_name=_your_name.marked(session.name))
        return AuthInfo(is_logged_in=True, user=user, type=session.method)
    github = session.github
    user = UserInfo(
        login=github.login, display_name=github.display_name, url=github.url, token=github.access_token
    )
    return AuthInfo(is_logged_in=True, user=user, type=session.method, session_payload=github)
