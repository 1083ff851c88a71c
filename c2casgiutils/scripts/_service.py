"""The service that the commands talk to: its answers, and one line and an exit code for each failure."""

import asyncio
import enum
import json
import os
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from c2casgiutils._errors import C2cError

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8080/c2c"
_SECONDS = 15
_MAX_BYTES = 64 * 1024 * 1024
_MAX_PORT = 65535
_UNAUTHORIZED = (401, 403)
_REDIRECTIONS, _ERRORS, _FAILURES = 300, 400, 500
_NOT_OURS = "this is not a c2casgiutils service, or --url lacks its mount path"
_SECRETS = ("C2C_SECRET", "C2C__AUTH__SECRET")
_TOKEN = "GITHUB_TOKEN"  # noqa: S105  # the name of a variable


class Code(enum.IntEnum):
    """The exit codes."""

    OK = 0
    USAGE = 2
    UNREACHABLE = 3
    FORBIDDEN = 4
    REFUSED = 5
    NO_SECRET = 6
    TLS = 7
    NOT_OURS = 8
    FAILED = 9
    DEGRADED = 10
    DOWN = 11
    INCOMPLETE = 12


def other_form(error: Exception) -> "ServiceError":
    """Return the error for an answer whose inner parts are not those of a c2casgiutils service."""
    return ServiceError(Code.NOT_OURS, f"the answer has another form ({type(error).__name__}): {_NOT_OURS}")


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
        except httpx.InvalidURL:
            raise _wrong_url() from None
        is_place = (
            self._url.scheme in ("http", "https") and self._url.host and "?" not in url and "#" not in url
        )
        if not is_place or (self._url.port or 0) > _MAX_PORT:
            raise _wrong_url()

    def request(
        self,
        method: str,
        path: str,
        shape: Mapping[str, type],
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the JSON that a view answers.

        Args:
            method: The method.
            path: The path below the mount, percent-encoded.
            shape: The keys that the answer has at least, and the types of their values.
            body: Sent as JSON; fields that are `None` are left out.
            query: Parameters; those that are `None` are left out.

        Raises:
            ServiceError: The service is unreachable, refuses the request, or is another one.
        """
        import httpx

        client, headers = _client(), _credentials()
        try:
            sent = client.build_request(
                method,
                self._url.join(path),
                json=None if body is None else _given(body),
                params=_given(query or {}),
                headers=headers,
            )
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise ServiceError(Code.USAGE, "an argument is too long or not valid UTF-8") from None
        place = self._url.copy_with(userinfo=b"")
        try:
            answer, content = asyncio.run(_exchange(client, sent))
        except TimeoutError:
            text = f"{place} is unreachable: no complete answer within {_SECONDS} s"
            raise ServiceError(Code.UNREACHABLE, text) from None
        except httpx.HTTPError as error:
            code = Code.TLS if _is_about_tls(error) else Code.UNREACHABLE
            raise ServiceError(
                code, f"{place} is unreachable: {str(error) or type(error).__name__}"
            ) from None
        return _content(answer, content, shape)


async def _exchange(client: "httpx.AsyncClient", sent: "httpx.Request") -> tuple["httpx.Response", bytes]:
    """Return the answer and its body: the time is that of all of it, and the size is limited."""
    async with asyncio.timeout(_SECONDS), client:
        answer = await client.send(sent, stream=True)
        content = bytearray()
        async for part in answer.aiter_bytes():
            content += part
            if len(content) > _MAX_BYTES:
                where = f"{answer.status_code} from {answer.request.url.path}"
                raise ServiceError(Code.NOT_OURS, f"{where}: the answer is endless; {_NOT_OURS}")
        return answer, bytes(content)


def given_secrets() -> list[str]:
    """Return the secrets of the environment, which no message may show."""
    return list(filter(None, map(_variable, (*_SECRETS, _TOKEN))))


def _variable(name: str) -> str:
    return os.environ.get(name, "")  # noqa: TID251  # not a setting


def _wrong_url() -> ServiceError:
    """Return an error that does not quote the URL: it may have a password."""
    return ServiceError(Code.USAGE, f"--url must be an HTTP URL such as {DEFAULT_URL}, without a query")


def _client() -> "httpx.AsyncClient":
    import httpx

    try:
        return httpx.AsyncClient(timeout=_SECONDS)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ServiceError(Code.USAGE, f"SSL_CERT_FILE or SSL_CERT_DIR: {reason}") from None
    except (ValueError, ImportError, httpx.InvalidURL):
        text = "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is not the URL of an HTTP proxy"
        raise ServiceError(Code.USAGE, text) from None


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _credentials() -> dict[bytes, bytes]:
    """Return the header with the secret of the environment; in a container that of the application itself.

    Raises:
        ServiceError: It cannot be sent in a header.
    """
    name = next(filter(_variable, (*_SECRETS, _TOKEN)), None)
    if name is None:
        return {}
    secret = _variable(name)
    if not secret.isprintable() or secret != secret.strip():
        text = f"{name} has a line break or another control character, or a space at an end"
        raise ServiceError(Code.USAGE, text)
    if name == _TOKEN:
        return {b"Authorization": f"Bearer {secret}".encode()}
    return {b"X-API-Key": secret.encode()}


def _content(answer: "httpx.Response", body: bytes, shape: Mapping[str, type]) -> Any:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    content = content if isinstance(content, dict) else {}
    where, status = f"{answer.status_code} from {answer.request.url.path}", answer.status_code
    detail = _one_line(content.get("detail", content.get("message")))
    if status in _UNAUTHORIZED:
        if not given_secrets():
            text = "this needs a sign-in: set C2C_SECRET, or GITHUB_TOKEN for GitHub"
            raise ServiceError(Code.NO_SECRET, text)
        raise ServiceError(Code.FORBIDDEN, f"{where}: {detail or 'no reason is given'}")
    if status >= _FAILURES:
        raise ServiceError(Code.FAILED, f"{where}: {detail or 'no reason is given'}")
    if status >= _ERRORS and detail not in ("", "Not Found"):  # the text for a path without a view
        raise ServiceError(Code.REFUSED, f"{where}: {detail}")
    if status < _REDIRECTIONS and all(isinstance(content.get(key), kind) for key, kind in shape.items()):
        return content
    if answer.has_redirect_location:
        where += f", which redirects to {answer.headers['Location']}"
    raise ServiceError(Code.NOT_OURS, f"{where}: {_NOT_OURS}")


def _one_line(detail: Any) -> str:
    if isinstance(detail, list):  # the errors of a wrong parameter
        errors = [one for one in detail if isinstance(one, dict)]
        return "; ".join(f"{_place(one.get('loc'))}: {one.get('msg')}" for one in errors)
    return str(detail or "")


def _place(loc: Any) -> Any:
    return loc[-1] if isinstance(loc, list) and loc else "?"
