"""The identity of the caller in GitHub mode."""

import re
import time

from fastapi import Request, Response
from pydantic import ValidationError

from c2casgiutils import config
from c2casgiutils.auth import _cookies, _sessions, _state, _throttle
from c2casgiutils.auth._model import AuthInfo, AuthMethod, GitHubSessionPayload, UserInfo
from c2casgiutils.auth._sessions import Session
from c2casgiutils.auth.github import _client, _oauth
from c2casgiutils.auth.github._client import GitHubUnavailableError, TokenRefusedError

_USER_SECONDS = 60.0
# https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
_GITHUB_TOKEN = re.compile(r"(?:gh[opus]_|github_pat_)[A-Za-z0-9_.-]{16,500}", re.ASCII)

_NOT_READ = "Bearer tokens are accepted only with C2C__AUTH__GITHUB__BEARER=True"


async def github_caller(request: Request, response: Response) -> AuthInfo:
    """Return the caller; identified by a bearer token if accepted here, or else by the session."""
    headers = request.headers.getlist("authorization")
    bearers = [header for header in headers if header.partition(" ")[0].lower() == "bearer"]
    if bearers and config.settings.auth.github.bearer:
        # several headers are rejected: it is ambiguous which one counts
        return await _bearer_caller(request, bearers[0].partition(" ")[2] if len(headers) == 1 else "")
    session = await _sessions.read(request, response, AuthMethod.GITHUB_OAUTH)
    request.scope[_sessions.BY_COOKIE] = session is not None
    if session is None or session.github is None:
        return AuthInfo.refused(_NOT_READ) if bearers else AuthInfo()
    return await _session_caller(request, response, session, session.github)


async def _session_caller(
    request: Request, response: Response, session: Session, github: GitHubSessionPayload
) -> AuthInfo:
    if not _is_due(github):
        return _sessions.caller_of(session)
    try:
        session = session.model_copy(update={"github": await _next(github)})
        _sessions.write(request, response, session)
        return _sessions.caller_of(session)
    except GitHubUnavailableError as error:
        info = _sessions.caller_of(session)
        if _is_over(github.access_token_expires_at):
            info.note_unavailable(error)
        return info
    except (TokenRefusedError, ValidationError, _cookies.CookieTooLargeError):
        _sessions.clear(request, response)
        return AuthInfo()


def _is_due(github: GitHubSessionPayload) -> bool:
    """Return whether the token expires soon."""
    if github.access_token_expires_at is None:
        return False
    margin = config.settings.auth.github.access_token_expiration_margin.total_seconds()
    if not github.refresh_token:
        margin = 0
    return github.access_token_expires_at - margin <= time.time()


def _is_over(expires_at: int | None) -> bool:
    return expires_at is not None and expires_at <= time.time()


async def _next(github: GitHubSessionPayload) -> GitHubSessionPayload:
    if not github.refresh_token or _is_over(github.refresh_token_expires_at):
        raise TokenRefusedError
    fields = await _oauth.refreshed(github.refresh_token)
    # the provider may not issue a new refresh token (RFC 6749, 6)
    if not fields.get("refresh_token"):
        kept = {"refresh_token", "refresh_token_expires_at"}
        fields = {**fields, **github.model_dump(include=kept)}
    return GitHubSessionPayload.model_validate({**github.model_dump(), **fields})


async def _bearer_caller(request: Request, token: str) -> AuthInfo:
    token = token.strip()
    try:
        user = _known_user(token) or await _unknown_user(request, token)
    except GitHubUnavailableError as error:
        info = AuthInfo()
        info.note_unavailable(error)
        return info
    if user is None:
        return AuthInfo.refused("The bearer token is wrong")
    return AuthInfo(is_logged_in=True, user=user, type=AuthMethod.GITHUB_BEARER)


def _known_user(token: str) -> UserInfo | None:
    return _state.current().github.users.get(_client.fingerprint(token), _USER_SECONDS)


async def _unknown_user(request: Request, token: str) -> UserInfo | None:
    """Ask GitHub about a token, unless the client has to wait; a wrong token is counted.

    Raises:
        TooManyAttemptsError: The client sent too many wrong tokens.
        GitHubUnavailableError: GitHub is unavailable.
    """
    github, key = _state.current().github, _client.fingerprint(token)
    async with _throttle.turn(request) as client:
        known = _known_user(token)  # another request of this client may have asked in the meantime
        # texts that do not look like GitHub tokens are not sent
        is_wrong = not _GITHUB_TOKEN.fullmatch(token) or github.rejected.get(key, _USER_SECONDS)
        if known is None and not is_wrong:
            try:
                known = await github.flights.run(("user", key), lambda: _ask_user(key, token, client))
            except TokenRefusedError:
                github.rejected.put(key, value=True)
        if known is None:
            await _throttle.count_wrong(request, AuthMethod.GITHUB_BEARER.value)
        return known


async def _ask_user(key: str, token: str, client: str) -> UserInfo:
    # the user of an unknown token is unknown, so a refusal of GitHub throttles the client
    fields = await _oauth.read_user(token, who=client)
    return _state.current().github.users.put(key, UserInfo(**fields, token=token))
