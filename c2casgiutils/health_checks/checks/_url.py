"""The check of a URL."""

import contextlib
import contextvars
import importlib
import inspect
import logging
import ssl
import urllib.parse
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from c2casgiutils import __version__, request_tracking
from c2casgiutils.health_checks._model import Check, JsonCheckError, Result

if TYPE_CHECKING:
    import httpx

_MAX_BODY_BYTES = 1_048_576
_OF_TRANSFER = {"content-encoding", "content-length", "transfer-encoding"}
"""Headers that describe the encoded body, which is decoded here."""
_SUCCESSES = range(200, 300)
_IS_OURS = contextvars.ContextVar("c2casgiutils_health_request", default=False)


class _Unlogged(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  # the context tells
        return not _IS_OURS.get()


_UNLOGGED = _Unlogged()


@contextlib.contextmanager
def unlogged() -> Iterator[None]:
    """Keep httpx from logging the URLs of requests made inside, which may contain secrets."""
    logging.getLogger("httpx").addFilter(_UNLOGGED)
    token = _IS_OURS.set(True)
    try:
        yield
    finally:
        _IS_OURS.reset(token)


class Url(Check):
    """Passes if another service responds to a GET request, with a new connection each time.

    It proves that name resolution, connection, certificate and service work from here, and that the status
    after redirects is an accepted one. It does not prove that the body is correct: use a callback for this.
    The id of the request that caused the run is sent as `X-Request-ID`.

    Args:
        url: The URL. Only callers with read-only access see it, without its credentials.
        tags: Tags to select the check by.
        params: Query parameters to add.
        headers: Headers to send, except to another origin that the service redirects to.
        status: The accepted status codes, by default 200 to 299.
        callback: Called with the `httpx.Response` including its body (at most 1 MiB), sync or async; its
            result is added to the payload, an exception is a failure.
    """

    def __init__(
        self,
        url: str,
        tags: list[str] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        status: Collection[int] = _SUCCESSES,
        callback: Callable[["httpx.Response"], Any] | None = None,
    ) -> None:
        super().__init__(tags)
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"Url takes an http or https URL, got one of the scheme {parts.scheme!r}")
        self.url = url
        self.params: dict[str, str] = dict(params or {})
        self.headers: dict[str, str] = dict(headers or {})
        self.status = status
        self.callback = callback
        self.secrets: Sequence[str] = _secrets(parts, self.headers)
        self._context: ssl.SSLContext | None = None

    async def check(self) -> Result:
        """Send the request."""
        with unlogged():
            return await self._check()

    async def _check(self) -> Result:
        async with self._response() as response:
            payload: dict[str, Any] = {"url": self.url, "status": response.status_code}
            if response.status_code not in self.status:
                raise JsonCheckError(f"The response has the status {response.status_code}", payload)
            if self.callback is not None:
                result = self.callback(await _read(response))
                payload["result"] = await result if inspect.isawaitable(result) else result
        return Result(payload=payload)

    @contextlib.asynccontextmanager
    async def _response(self) -> AsyncIterator["httpx.Response"]:
        if self._context is None:
            self.doing = "reading the certificate authorities"
            self._context = await self.in_thread(prepare_http)

        headers = {"User-Agent": f"c2casgiutils/{__version__}", **self.headers}
        self.doing: str | None = "waiting for the answer"
        async with (
            request_tracking.async_client(
                verify=self._context,
                follow_redirects=True,
                timeout=None,  # the check is bounded
                event_hooks={"request": [self._keep_headers_at_home]},
            ) as client,
            client.stream("GET", self.url, params=self.params or None, headers=headers) as response,
        ):
            yield response

    async def _keep_headers_at_home(self, request: "httpx.Request") -> None:
        """Remove the headers for another origin; httpx itself removes only `Authorization`."""
        import httpx

        home = httpx.URL(self.url)
        if (request.url.scheme, request.url.host, request.url.port) == (home.scheme, home.host, home.port):
            return
        for name in self.headers:
            request.headers.pop(name, None)


def prepare_http() -> ssl.SSLContext:
    """Do the slow work before the first request: import the client, read the certificate authorities."""
    importlib.import_module("httpx")
    return ssl.create_default_context()


async def _read(response: "httpx.Response") -> "httpx.Response":
    """Read the body of the response like `aread`, but limited in size.

    Raises:
        JsonCheckError: The body is too large.
    """
    import httpx

    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _MAX_BODY_BYTES:
            raise JsonCheckError(f"The body is larger than {_MAX_BODY_BYTES} bytes")
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_TRANSFER]
    answer = httpx.Response(
        response.status_code,
        headers=headers,
        content=bytes(body),
        request=response.request,
        extensions=response.extensions,
        history=response.history,
    )
    answer.elapsed = response.elapsed
    return answer


def _secrets(parts: urllib.parse.SplitResult, headers: Mapping[str, str]) -> tuple[str, ...]:
    names = {"authorization", "cookie", "x-api-key", "proxy-authorization"}
    found = [value for name, value in headers.items() if name.lower() in names]
    if parts.password:
        found += [parts.password, urllib.parse.unquote(parts.password)]
    return tuple(found)
