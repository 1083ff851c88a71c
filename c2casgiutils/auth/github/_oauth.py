"""The dance of OAuth 2 (RFC 6749) with proof key (RFC 7636)."""

import base64
import hashlib
import time
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2casgiutils import config
from c2casgiutils.auth._model import GitHubSessionPayload
from c2casgiutils.auth.github import _client
from c2casgiutils.auth.github._client import CodeRefusedError, GitHubUnavailableError, TokenRefusedError

_TOKEN = r"^[\x21-\x7e]+$"  # noqa: S105  # a pattern
_YEARS_SECONDS = 10 * 365 * 86400
# the answers that say that a refresh token is over, not that something else is wrong
_REFRESH_OVER = frozenset(("bad_refresh_token", "invalid_grant"))


class TokenAnswer(BaseModel):
    """What the token endpoint answers; all else of it is ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    access_token: str = Field(pattern=_TOKEN, max_length=1000, repr=False)
    expires_in: int | None = Field(default=None, gt=0, lt=_YEARS_SECONDS)
    refresh_token: str | None = Field(default=None, pattern=_TOKEN, max_length=1000, repr=False)
    refresh_token_expires_in: int | None = Field(default=None, gt=0, lt=_YEARS_SECONDS)

    def tokens(self) -> dict[str, Any]:
        """The part of a session that the answer gives."""
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
    """Add parameters to an address."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"


def redirect_uri(callback_url: str) -> str:
    """The address that GitHub sends the browser to: the callback, or the proxy that knows it."""
    proxy = config.settings.auth.github.proxy_url
    return add_query(proxy, {"came_from": callback_url}) if proxy else callback_url


def authorize_url(state: str, verifier: str, redirect: str) -> str:
    """The address of the page of GitHub that asks the user.

    Args:
        state: Comes back with the answer.
        verifier: Its hash is sent, itself with the code.
        redirect: Where the answer goes.
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
    """Get the token for a code, and the user of the token.

    Raises:
        CodeRefusedError: GitHub gives no token for the code.
        GitHubUnavailableError: There is no usable answer.
    """
    form = {"code": code, "code_verifier": verifier, "redirect_uri": redirect}
    answer = await _ask_token({"grant_type": "authorization_code", **form})
    try:
        user = await read_user(answer.access_token)
    except TokenRefusedError:
        raise CodeRefusedError("bad_token") from None
    return GitHubSessionPayload.model_validate({**user, **answer.tokens()})


async def refresh(refresh_token: str) -> TokenAnswer:
    """Get the next token.

    Raises:
        TokenRefusedError: The refresh token is over.
        GitHubUnavailableError: There is no usable answer.
    """
    try:
        return await _ask_token({"grant_type": "refresh_token", "refresh_token": refresh_token})
    except CodeRefusedError as error:
        if str(error) in _REFRESH_OVER:
            raise TokenRefusedError from error
        raise GitHubUnavailableError from error


async def _ask_token(form: dict[str, str]) -> TokenAnswer:
    github = config.settings.auth.github
    credentials = {"client_id": github.client_id or "", "client_secret": github.client_secret or ""}
    answer = await _client.post_form(github.token_url, {**credentials, **form})
    try:
        return TokenAnswer.model_validate(answer)
    except ValidationError:
        # not chained: the errors of pydantic quote their input
        raise GitHubUnavailableError from None


async def read_user(token: str) -> dict[str, Any]:
    """The user of a token, as the fields `login`, `display_name` and `url`.

    Raises:
        TokenRefusedError: The token is not valid.
        GitHubUnavailableError: There is no usable answer.
    """
    answer = await _client.get(config.settings.auth.github.user_url, token)
    if answer is None:
        raise TokenRefusedError
    try:
        user = _User.model_validate(answer)
    except ValidationError:
        raise GitHubUnavailableError from None
    # it becomes a link on a page
    url = (user.html_url or "")[:1000]
    url = url if url.startswith(("https://", "http://")) else ""
    return {"login": user.login, "display_name": (user.name or user.login)[:300], "url": url}
