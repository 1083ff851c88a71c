"""The HTTP client for GitHub: bounded in time and size, with a pause after failures."""

import asyncio
import hashlib
import json
import logging
import time
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple

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
    """503: GitHub is unreachable, slow, rate limiting or sends invalid responses; see `Retry-After`."""

    def __init__(self, retry_seconds: float = _REST_SECONDS) -> None:
        seconds = min(max(1, round(retry_seconds)), _MAX_RETRY_SECONDS)
        HTTPException.__init__(self, 503, "GitHub is unavailable", {"Retry-After": str(seconds)})


class RateLimitedError(GitHubUnavailableError):
    """503: GitHub is available, but this user has exceeded their rate limit."""


class TokenRefusedError(C2cError):
    """GitHub does not accept the token, or not any more."""


class CodeRefusedError(C2cError):
    """GitHub refused the code; the text is its error code."""


def fingerprint(token: str) -> str:
    """Return a name for a token that does not reveal it."""
    return hashlib.sha256(token.encode()).hexdigest()


async def get(
    url: str, token: str, *, who: str | None = None, is_for_everybody: bool = False
) -> dict[str, Any] | None:
    """Read a resource on behalf of a user; redirects are followed within its origin.

    GitHub redirects requests for the former name of a repository
    (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api).

    Args:
        url: The URL.
        token: The token of the user.
        who: Whose further requests wait if GitHub refuses this one; by default those with this token.
        is_for_everybody: Every valid token has access to it, so a refusal means that GitHub is unusable.

    Returns:
        The resource, `None` if the user has no access to it.

    Raises:
        TokenRefusedError: The token is not valid.
        RateLimitedError: The user has exceeded their rate limit.
        GitHubUnavailableError: There is no usable response.
    """
    who = who or fingerprint(token)
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    status, answer_headers, content = await _ask("GET", url, who, headers=headers)
    if status == 200:  # noqa: PLR2004  # OK
        found = _object(content)
        _state.current().github.outage.end()
        return found
    if status == 401:  # noqa: PLR2004  # Unauthorized
        raise TokenRefusedError
    if _is_rate_limited(status, answer_headers, content):
        raise _rest_of_one(who, "limits the rate", answer_headers, RateLimitedError)
    if status not in (403, 404, 410, 451):
        raise _unusable(f"status {status}", answer_headers)
    # https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit
    if is_for_everybody or b"login attempts" in _beginning(content):
        raise _rest_of_one(who, f"refuses with status {status}", answer_headers)
    return None


async def post_form(url: str, form: dict[str, str]) -> dict[str, Any]:
    """Send a form to the token endpoint (RFC 6749, 4.1.3).

    Raises:
        CodeRefusedError: The response is an error.
        GitHubUnavailableError: There is no usable response.
    """
    status, headers, content = await _ask(
        "POST", url, _EVERYBODY, data=form, headers={"Accept": "application/json"}
    )
    if status not in (200, 400, 401, 403):
        raise _unusable(f"status {status}", headers)
    answer = _object(content)
    error = answer.get("error")
    if isinstance(error, str):
        raise CodeRefusedError(error[:100])
    if status != 200:  # noqa: PLR2004  # OK
        raise _unusable(f"status {status}", headers)
    _state.current().github.outage.end()
    return answer


async def _ask(method: str, url: str, who: str, **arguments: Any) -> tuple[int, "httpx.Headers", bytes]:
    import httpx

    for each in (_EVERYBODY, who):
        rest = _state.current().github.rests.get(each)
        if rest is not None and rest.ends_at > time.monotonic():
            raise rest.error(rest.ends_at - time.monotonic())
    try:
        async with asyncio.timeout(_TOTAL_SECONDS):
            return await _follow(method, httpx.URL(url), arguments)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise _unusable(type(error).__name__) from error


async def _follow(
    method: str, url: "httpx.URL", arguments: dict[str, Any]
) -> tuple[int, "httpx.Headers", bytes]:
    for _ in range(_MAX_REDIRECTS + 1):
        async with _client().stream(method, url, **arguments) as response:
            # the form contains the client secret, which is only sent to the configured URL
            if method != "GET" or not response.has_redirect_location:
                return response.status_code, response.headers, await _read(response)
            following = url.join(response.headers["location"])
        if _origin(following) != _origin(url):
            raise _unusable("a redirect to another origin")
        url = following
    raise _unusable("too many redirects")


def _origin(url: "httpx.URL") -> tuple[str, bytes, str, int | None]:
    return url.scheme, url.userinfo, url.host, url.port


async def _read(response: "httpx.Response") -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MAX_ANSWER_BYTES:
            raise _unusable("the response is too large")
    return content


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _unusable("the response is not a JSON object")
    return answer


def _beginning(content: bytes) -> bytes:
    return content[:1000].lower()


def _is_rate_limited(status: int, headers: "httpx.Headers", content: bytes) -> bool:
    """Return whether the user exceeded their rate limit; otherwise the headers are not about a user.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if status == 429:  # noqa: PLR2004  # Too Many Requests
        return True
    is_told = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return status == 403 and (is_told or b"rate limit" in _beginning(content))  # noqa: PLR2004  # Forbidden


class Rest(NamedTuple):
    """A pause in which GitHub is not asked: its end (monotonic clock), and the error to raise until then."""

    ends_at: float
    error: type[GitHubUnavailableError]


def _rest_of_one(
    who: str,
    reason: str,
    headers: "httpx.Headers",
    error: type[GitHubUnavailableError] = GitHubUnavailableError,
) -> GitHubUnavailableError:
    """Pause the requests of one user; all others continue."""
    _LOGGER.info("GitHub %s for one user", reason)
    return _rest(who, headers, error)


def _unusable(reason: str, headers: "httpx.Headers | None" = None) -> GitHubUnavailableError:
    """Pause the requests of all callers."""
    _state.current().github.outage.begin(reason)
    return _rest(_EVERYBODY, headers, GitHubUnavailableError)


def _rest(
    who: str, headers: "httpx.Headers | None", error: type[GitHubUnavailableError]
) -> GitHubUnavailableError:
    rests = _state.current().github.rests
    if len(rests) >= _MAX_RESTS:
        rests.clear()
    rests[who] = Rest(time.monotonic() + _REST_SECONDS, error)
    asked = headers.get("retry-after", "") if headers is not None else ""
    return error(int(asked) if asked.isdecimal() and len(asked) < 6 else _REST_SECONDS)  # noqa: PLR2004  # digits


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
        # cookies that GitHub sets for one user must not be sent for the next
        github.client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return github.client
