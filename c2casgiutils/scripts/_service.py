"""The service that the commands talk to: its answers, and one line and an exit code for each failure."""

import enum
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from c2casgiutils._errors import C2cError

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8080/c2c"
_SECONDS = 15
_UNAUTHORIZED = (401, 403)
_ERRORS = 400


class Code(enum.IntEnum):
    """The exit codes."""

    OK = 0
    USAGE = 2
    UNREACHABLE = 3
    FORBIDDEN = 4
    REFUSED = 5
    NO_SECRET = 6
    DEGRADED = 10
    DOWN = 11
    INCOMPLETE = 12


class ServiceError(C2cError):
    """A request failed.

    Args:
        code: The exit code.
        text: One line that says why.
    """

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


class Service:
    """The views of a service.

    Args:
        url: Where they are mounted, for example `https://example.com/c2c`.

    Raises:
        ServiceError: The URL is not one.
    """

    def __init__(self, url: str) -> None:
        import httpx

        try:
            self._url = httpx.URL(url.rstrip("/") + "/")
        except httpx.InvalidURL as error:
            raise ServiceError(Code.USAGE, f"--url is not a URL: {error}") from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise ServiceError(Code.USAGE, f"--url must be an HTTP URL such as {DEFAULT_URL}")

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the JSON that a view answers.

        Args:
            method: The method.
            path: The path below the mount, percent-encoded.
            body: Sent as JSON; fields that are `None` are left out.
            query: Parameters; those that are `None` are left out.

        Raises:
            ServiceError: The service is unreachable, or refuses the request.
        """
        import httpx

        try:
            answer = httpx.request(
                method,
                self._url.join(path),
                json=None if body is None else _given(body),
                params=_given(query or {}),
                headers=_credentials(),
                timeout=_SECONDS,
            )
        except httpx.HTTPError as error:
            raise ServiceError(
                Code.UNREACHABLE, f"{self._url} is unreachable: {str(error) or type(error).__name__}"
            ) from None
        return _content(answer)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _credentials() -> dict[str, str]:
    """Return the header with the secret of the environment; in a container that of the application itself."""
    secret = os.environ.get("C2C_SECRET") or os.environ.get("C2C__AUTH__SECRET")  # noqa: TID251  # not a setting
    if secret:
        return {"X-API-Key": secret}
    token = os.environ.get("GITHUB_TOKEN")  # noqa: TID251  # not a setting
    return {"Authorization": f"Bearer {token}"} if token else {}


def _content(answer: "httpx.Response") -> Any:
    try:
        content = answer.json()
    except ValueError:
        content = None
    if answer.status_code < _ERRORS and content is not None:
        return content
    detail = content.get("detail", content.get("message")) if isinstance(content, dict) else None
    text = f"{answer.status_code} from {answer.request.url.path}: {_one_line(detail)}"
    if answer.status_code not in _UNAUTHORIZED:
        raise ServiceError(Code.REFUSED, text)
    if not _credentials():
        raise ServiceError(Code.NO_SECRET, "this needs a sign-in: set C2C_SECRET, or GITHUB_TOKEN for GitHub")
    raise ServiceError(Code.FORBIDDEN, text)


def _one_line(detail: Any) -> str:
    if isinstance(detail, list):  # the errors of a wrong parameter
        return "; ".join(f"{one.get('loc', ['?'])[-1]}: {one.get('msg')}" for one in detail)
    return str(detail or "this is not a c2casgiutils service, or --url lacks its mount path")
