"""OAuth 2 sign-in (RFC 6749) with PKCE (RFC 7636), and the refresh of tokens."""

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2casgiutils import config
from c2casgiutils.auth import _shared, _state, _tokens
from c2casgiutils.auth._model import GitHubSessionPayload
from c2casgiutils.auth._tokens import BadTokenError, Kind
from c2casgiutils.auth.github import _client
from c2casgiutils.auth.github._client import CodeRefusedError, GitHubUnavailableError, TokenRefusedError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_TOKEN = r"^[\x21-\x7e]+$"  # noqa: S105  # a pattern
_YEARS_SECONDS = 10 * 365 * 86400
# the errors which mean that the refresh token is no longer valid
_REFRESH_OVER = frozenset(("bad_refresh_token", "invalid_grant"))
_REMEMBERED_SECONDS = 30
_LOCK_SECONDS = 10
_WAIT_SECONDS = 5.0
_BLOCK_MILLISECONDS = 400
_REFUSED = "refused"
_UNAVAILABLE = "unavailable"


class TokenAnswer(BaseModel):
    """The response of the token endpoint; other fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    access_token: str = Field(pattern=_TOKEN, max_length=1000, repr=False)
    expires_in: int | None = Field(default=None, gt=0, lt=_YEARS_SECONDS)
    refresh_token: str | None = Field(default=None, pattern=_TOKEN, max_length=1000, repr=False)
    refresh_token_expires_in: int | None = Field(default=None, gt=0, lt=_YEARS_SECONDS)

    def tokens(self) -> dict[str, Any]:
        """Return the fields of a session that the response contains."""
        now = int(time.time())
        return {
            "access_token": self.access_token,
            "access_token_expires_at": now + self.expires_in if self.expires_in else None,
            "refresh_token": self.refresh_token or "",
            "refresh_token_expires_at": (
                now + self.refresh_token_expires_in if self.refresh_token_expires_in else None
            ),
        }


class _User(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    login: str = Field(min_length=1, max_length=100, pattern=r"^[\w.\[\]-]+$")
    name: str | None = None
    html_url: str | None = None


def add_query(url: str, parameters: dict[str, str]) -> str:
    """Add parameters to a URL."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"


def redirect_uri(callback_url: str) -> str:
    """Return the URL that GitHub redirects to: the callback, or the configured proxy with the callback."""
    proxy = config.settings.auth.github.proxy_url
    return add_query(proxy, {"came_from": callback_url}) if proxy else callback_url


def authorize_url(state: str, verifier: str, redirect: str) -> str:
    """Return the URL of GitHub's authorization page.

    Args:
        state: Returned with the response.
        verifier: Its hash is sent now, the verifier itself with the code.
        redirect: The redirect URI.
    """
    digest = hashlib.sha256(verifier.encode()).digest()
    github = config.settings.auth.github
    query = {
        "response_type": "code",
        "client_id": github.client_id or "",
        "redirect_uri": redirect,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if github.scope:
        query["scope"] = github.scope
    return add_query(github.authorize_url, query)


async def exchange(code: str, verifier: str, redirect: str) -> GitHubSessionPayload:
    """Exchange a code for the tokens and the user.

    Raises:
        CodeRefusedError: GitHub refuses the code.
        GitHubUnavailableError: There is no usable response.
    """
    form = {"code": code, "code_verifier": verifier, "redirect_uri": redirect}
    answer = await _ask_token({"grant_type": "authorization_code", **form})
    try:
        user = await read_user(answer.access_token)
    except TokenRefusedError:
        raise CodeRefusedError("bad_token") from None
    return GitHubSessionPayload.model_validate({**user, **answer.tokens()})


async def _ask_token(form: dict[str, str]) -> TokenAnswer:
    github = config.settings.auth.github
    credentials = {"client_id": github.client_id or "", "client_secret": github.client_secret or ""}
    answer = await _client.post_form(github.token_url, {**credentials, **form})
    try:
        return TokenAnswer.model_validate(answer)
    except ValidationError:
        # not chained: the errors of pydantic quote their input
        raise GitHubUnavailableError from None


async def read_user(token: str, *, who: str | None = None) -> dict[str, Any]:
    """Return the fields `login`, `display_name` and `url` of the user of a token.

    Args:
        token: The token.
        who: Whose further requests wait if GitHub refuses this one; by default those with this token.

    Raises:
        TokenRefusedError: The token is not valid.
        GitHubUnavailableError: There is no usable response.
    """
    url = config.settings.auth.github.user_url
    answer = await _client.get(url, token, who=who, is_for_everybody=True)
    try:
        user = _User.model_validate(answer)
    except ValidationError:
        raise GitHubUnavailableError from None
    # it becomes a link on a page
    url = (user.html_url or "")[:1000]
    url = url if url.startswith(("https://", "http://")) else ""
    return {"login": user.login, "display_name": (user.name or user.login)[:300], "url": url}


async def refreshed(refresh_token: str) -> dict[str, Any]:
    """Refresh the tokens, and return them as fields of a session.

    GitHub accepts each refresh token only once, so one request is made: concurrent requests with the old
    cookie, here or in another process, get the same result.

    Raises:
        TokenRefusedError: The refresh token is no longer valid.
        GitHubUnavailableError: There is no usable response.
    """
    name = _client.fingerprint(refresh_token)
    github = _state.current().github
    known = github.refreshed.get(name, _REMEMBERED_SECONDS)
    if known is not None:
        return known
    return await github.flights.run(("refresh", name), lambda: _refresh(name, refresh_token))


async def _refresh(name: str, refresh_token: str) -> dict[str, Any]:
    is_first = await _shared.attempt(lambda redis: _lock(redis, name))
    if is_first is False:
        return await _wait(name)
    result = _UNAVAILABLE
    try:
        answer = await _ask_next(refresh_token)
        fields = _state.current().github.refreshed.put(name, answer.tokens())
        result = _seal(fields)
    except TokenRefusedError:
        result = _REFUSED
        raise
    finally:
        if is_first:
            await _shared.attempt(lambda redis: _tell(redis, name, result))
    return fields


def _keys(name: str) -> tuple[str, str]:
    return _shared.key(f"refresh_{name}_lock"), _shared.key(f"refresh_{name}")


async def _lock(redis: "Redis", name: str) -> bool:
    lock, result = _keys(name)
    if await redis.exists(result):
        return False
    return bool(await redis.set(lock, 1, nx=True, ex=_LOCK_SECONDS))


async def _tell(redis: "Redis", name: str, result: str) -> bool:
    lock, key = _keys(name)
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.xadd(key, {"result": result}, maxlen=1, approximate=False)
        pipeline.expire(key, 1 if result == _UNAVAILABLE else _REMEMBERED_SECONDS)
        pipeline.delete(lock)
        await pipeline.execute()
    return True


async def _wait(name: str) -> dict[str, Any]:
    """Wait for the result of the process that makes the request."""
    ends_at = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < ends_at:
        result = await _shared.attempt(lambda redis: _listen(redis, name))
        if result is None:
            break
        if result == _REFUSED:
            raise TokenRefusedError
        if result == _UNAVAILABLE:
            break
        if result:
            return _state.current().github.refreshed.put(name, _unseal(result))
    raise GitHubUnavailableError


async def _listen(redis: "Redis", name: str) -> str:
    _, key = _keys(name)
    if not await redis.xread({key: "0"}, count=1, block=_BLOCK_MILLISECONDS):
        return ""
    # read again: the format of the XREAD reply depends on the protocol version
    entries: Any = await redis.xrevrange(key, count=1)
    return str(entries[0][1]["result"]) if entries else ""


def _seal(fields: dict[str, Any]) -> str:
    expires_at = int(time.time()) + _REMEMBERED_SECONDS
    return _tokens.make(Kind.GITHUB_REFRESH, "refresh", fields, expires_at=expires_at)


def _unseal(result: str) -> dict[str, Any]:
    try:
        return _tokens.unseal(Kind.GITHUB_REFRESH, result, longest_seconds=_REMEMBERED_SECONDS).data
    except (BadTokenError, ValidationError) as error:
        raise GitHubUnavailableError from error


async def _ask_next(refresh_token: str) -> TokenAnswer:
    try:
        return await _ask_token({"grant_type": "refresh_token", "refresh_token": refresh_token})
    except CodeRefusedError as error:
        if str(error) in _REFRESH_OVER:
            raise TokenRefusedError from error
        raise GitHubUnavailableError from error
