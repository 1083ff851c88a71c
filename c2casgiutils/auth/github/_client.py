"""Questions to GitHub: bounded in time and size, and never again and again while it is in trouble."""

import asyncio
import hashlib
import json
import logging
import time
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from c2casgiutils._errors import C2cError
from c2casgiutils._outages import OutageError
from c2casgiutils.auth import _state

if TYPE_CHECKING:
    import httpx

_LOGGER = logging.getLogger(__name__)

_CONNECT_SECONDS = 2.0
_TOTAL_SECONDS = 5.0
_MAX_ANSWER_BYTES = 256 * 1024
_MAX_CONNECTIONS = 20
_MAX_REDIRECTS = 3
_REST_SECONDS = 3.0
_MAX_RESTS = 1000
_MAX_RETRY_SECONDS = 60
_EVERYBODY = ""


class GitHubUnavailableError(OutageError, HTTPException):
    """503: GitHub is away, slow, limits the rate or answers nonsense; `Retry-After` says when to try."""

    def __init__(self, retry_seconds: float = _REST_SECONDS) -> None:
        seconds = min(max(1, round(retry_seconds)), _MAX_RETRY_SECONDS)
        HTTPException.__init__(self, 503, "GitHub cannot be asked now", {"Retry-After": str(seconds)})


class TokenRefusedError(C2cError):
    """GitHub does not know the token, or no longer."""


class CodeRefusedError(C2cError):
    """GitHub gives no token; the text is its code for the reason."""


def fingerprint(token: str) -> str:
    """Return a name for a token by which it cannot be found out."""
    return hashlib.sha256(token.encode()).hexdigest()


async def get(url: str, token: str) -> dict[str, Any] | None:
    """Read a resource in the name of a user; redirects are followed within its origin.

    GitHub redirects from the former name of a repository
    (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api).

    Returns:
        The resource, none when the user has no access to it.

    Raises:
        TokenRefusedError: The token is not valid.
        GitHubUnavailableError: There is no usable answer.
    """
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    status, answer_headers, content = await _ask("GET", url, fingerprint(token), headers=headers)
    if status == 200:  # noqa: PLR2004  # OK
        found = _object(content)
        _state.current().github.outage.end()
        return found
    if status == 401:  # noqa: PLR2004  # Unauthorized
        raise TokenRefusedError
    if status in (403, 404, 410, 451) and not _is_rate_limited(answer_headers, content):
        return None
    raise _unusable(f"status {status}", fingerprint(token), answer_headers)


async def post_form(url: str, form: dict[str, str]) -> dict[str, Any]:
    """Ask the token endpoint (RFC 6749, 4.1.3).

    Raises:
        CodeRefusedError: It answers an error.
        GitHubUnavailableError: There is no usable answer.
    """
    status, headers, content = await _ask(
        "POST", url, _EVERYBODY, data=form, headers={"Accept": "application/json"}
    )
    if status not in (200, 400, 401, 403):
        raise _unusable(f"status {status}", _EVERYBODY, headers)
    answer = _object(content)
    error = answer.get("error")
    if isinstance(error, str):
        raise CodeRefusedError(error[:100])
    if status != 200:  # noqa: PLR2004  # OK
        raise _unusable(f"status {status}", _EVERYBODY, headers)
    _state.current().github.outage.end()
    return answer


async def _ask(method: str, url: str, who: str, **arguments: Any) -> tuple[int, "httpx.Headers", bytes]:
    import httpx

    for each in (_EVERYBODY, who):
        left = _state.current().github.rests_until.get(each, 0.0) - time.monotonic()
        if left > 0:
            raise GitHubUnavailableError(left)
    try:
        async with asyncio.timeout(_TOTAL_SECONDS):
            return await _follow(method, httpx.URL(url), arguments)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise _unusable(type(error).__name__, _EVERYBODY) from error


async def _follow(
    method: str, url: "httpx.URL", arguments: dict[str, Any]
) -> tuple[int, "httpx.Headers", bytes]:
    for _ in range(_MAX_REDIRECTS + 1):
        async with _client().stream(method, url, **arguments) as response:
            # a form holds the client secret, which is for the configured address only
            if method != "GET" or not response.has_redirect_location:
                return response.status_code, response.headers, await _read(response)
            following = url.join(response.headers["location"])
        if _origin(following) != _origin(url):
            raise _unusable("a redirect to another origin", _EVERYBODY)
        url = following
    raise _unusable("too many redirects", _EVERYBODY)


def _origin(url: "httpx.URL") -> tuple[str, bytes, str, int | None]:
    return url.scheme, url.userinfo, url.host, url.port


async def _read(response: "httpx.Response") -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MAX_ANSWER_BYTES:
            raise _unusable("an answer that is too large", _EVERYBODY)
    return content


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _unusable("an answer that is no JSON object", _EVERYBODY)
    return answer


def _is_rate_limited(headers: "httpx.Headers", content: bytes) -> bool:
    if headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers:
        return True
    return b"rate limit" in content[:1000].lower()


def _unusable(reason: str, who: str, headers: "httpx.Headers | None" = None) -> GitHubUnavailableError:
    """Remember the trouble for a moment: of one user, or of everybody."""
    github = _state.current().github
    limited = headers is not None and _is_rate_limited(headers, b"")
    concerned = who if limited else _EVERYBODY
    if concerned == _EVERYBODY:
        github.outage.begin(reason)
    else:
        _LOGGER.info("GitHub limits the rate of one user: %s", reason)
    if len(github.rests_until) >= _MAX_RESTS:
        github.rests_until.clear()
    github.rests_until[concerned] = time.monotonic() + _REST_SECONDS
    asked = headers.get("retry-after", "") if headers is not None else ""
    return GitHubUnavailableError(int(asked) if asked.isdecimal() and len(asked) < 6 else _REST_SECONDS)  # noqa: PLR2004  # digits


def _client() -> "httpx.AsyncClient":
    import httpx

    github = _state.current().github
    if github.client is None:
        github.client = httpx.AsyncClient(
            timeout=httpx.Timeout(_TOTAL_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS),
            headers={"User-Agent": "c2casgiutils"},
            follow_redirects=False,
        )
        # what GitHub sets in the name of one user is not sent in the name of the next
        github.client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return github.client
