"""Connections to an application under test, which check each response."""

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack
from urllib.parse import urlsplit

from c2casgiutils.acceptance._checks import (
    BodyOptions,
    CacheExpected,
    Expectation,
    FormOptions,
    Options,
    read_json,
    read_xml,
)

if TYPE_CHECKING:
    import httpx
    from starlette.types import ASGIApp

__all__ = ["AsyncConnection", "CacheExpected", "Connection"]

__tracebackhide__ = True  # pytest shows the line of the test, not those of this module

_Client = TypeVar("_Client")
_TIMEOUT_SECONDS = 30


class _Connection(abc.ABC, Generic[_Client]):
    """What both kinds of connections share: the configuration of the client, and the checks."""

    def __init__(
        self,
        base_url: str | None = None,
        origin: str | None = None,
        *,
        app: "ASGIApp | None" = None,
        cache_expected: CacheExpected = CacheExpected.NO,
        **client_options: Any,
    ) -> None:
        self.base_url: str = _checked_url(base_url, in_process=app is not None)
        self.origin = origin
        self._cache_expected = cache_expected
        options = {"base_url": self.base_url, "timeout": _TIMEOUT_SECONDS, **client_options}
        self.client = self._create_client(app, options)

    @abc.abstractmethod
    def _create_client(self, app: "ASGIApp | None", options: dict[str, Any]) -> _Client:
        """Return the client, which calls the application in this process, if there is one."""

    def _prepared(self, options: Mapping[str, Any], status: int) -> tuple[dict[str, Any], Expectation]:
        """Return the arguments of the client, and what to expect of the response."""
        arguments = dict(options)
        statuses = arguments.pop("expected_status", status)
        cache = arguments.pop("cache_expected", self._cache_expected)
        origin = self.origin
        if not arguments.pop("cors", origin is not None):
            origin = None
        elif origin is None:
            raise ValueError("cors=True needs an origin: Connection(base_url, origin)")
        else:
            arguments["headers"] = {"Origin": origin, **(arguments.get("headers") or {})}
        return arguments, Expectation(origin, (statuses,) if isinstance(statuses, int) else statuses, cache)


class Connection(_Connection["httpx.Client"]):
    """Requests to an application whose responses are checked: status, CORS, caching and media type.

    Every method takes `params`, `headers`, `follow_redirects`, `timeout` (seconds), `expected_status` (one or
    several), `cors` and `cache_expected`. Use it in a `with` block, or call `close`.

    Args:
        base_url: The paths of requests are below it; `http://localhost` by default with an `app`.
        origin: Sent as `Origin` with each request, of which CORS is checked then.
        app: An ASGI application to call in this process, without a server. It is started and stopped by the
            `with` block, which it needs.
        cache_expected: What `Cache-Control` must say where a request does not say it.
        client_options: Given to `httpx.Client`: `headers`, `timeout` (30 s by default), `verify`, `auth`, …

    Raises:
        AssertionError: A response is not as expected (each method).
        ValueError: The URL is not an http or https URL, or missing.
    """

    def _create_client(self, app: "ASGIApp | None", options: dict[str, Any]) -> "httpx.Client":
        import httpx

        if app is not None:
            from c2casgiutils.acceptance._in_process import InProcess

            options["transport"] = InProcess(app)
        return httpx.Client(**options)

    def __enter__(self) -> Self:
        """Start the application, if it runs in this process."""
        self.client.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections, and stop the application, if it runs in this process."""
        self.client.__exit__()

    def close(self) -> None:
        """Close the connections to the server."""
        self.client.close()

    def request(self, method: str, path: str, **options: Unpack[BodyOptions]) -> "httpx.Response":
        """Send any request and return the response."""
        return self._send(method, path, options)

    def get_raw(self, path: str, **options: Unpack[Options]) -> "httpx.Response":
        """Return the response to a GET."""
        return self._send("GET", path, options)

    def get(self, path: str, **options: Unpack[Options]) -> str:
        """Return the text of the response to a GET."""
        return self._send("GET", path, options).text

    def get_json(self, path: str, **options: Unpack[Options]) -> Any:
        """Return the content of the JSON response to a GET; `None` for 204."""
        return read_json(self._send("GET", path, options))

    def get_xml(self, path: str, schema: str | None = None, **options: Unpack[Options]) -> Any:
        """Return the root (`lxml.etree`) of the XML response to a GET, which must fulfil the schema (XSD)."""
        return read_xml(self._send("GET", path, options), schema)

    def post(self, path: str, **options: Unpack[BodyOptions]) -> str:
        """Send a POST with `data`, `content`, `json` or `files` and return the text of the response."""
        return self._send("POST", path, options).text

    def post_json(self, path: str, json: Any = None, **options: Unpack[Options]) -> Any:
        """Send JSON and return that of the response; `None` for 204."""
        return read_json(self._send("POST", path, {**options, "json": json}))

    def post_files(self, path: str, files: Mapping[str, Any], **options: Unpack[FormOptions]) -> Any:
        """Send files, and the fields `data`, and return the JSON of the response; `None` for 204."""
        return read_json(self._send("POST", path, {**options, "files": files}))

    def put(self, path: str, **options: Unpack[BodyOptions]) -> str:
        """Send a PUT with `data`, `content`, `json` or `files` and return the text of the response."""
        return self._send("PUT", path, options).text

    def put_json(self, path: str, json: Any = None, **options: Unpack[Options]) -> Any:
        """Send JSON and return that of the response; `None` for 204."""
        return read_json(self._send("PUT", path, {**options, "json": json}))

    def patch(self, path: str, **options: Unpack[BodyOptions]) -> str:
        """Send a PATCH with `data`, `content`, `json` or `files` and return the text of the response."""
        return self._send("PATCH", path, options).text

    def patch_json(self, path: str, json: Any = None, **options: Unpack[Options]) -> Any:
        """Send JSON and return that of the response; `None` for 204."""
        return read_json(self._send("PATCH", path, {**options, "json": json}))

    def delete(self, path: str, **options: Unpack[Options]) -> "httpx.Response":
        """Return the response to a DELETE, by default expected with status 204."""
        return self._send("DELETE", path, options, 204)

    def options(self, path: str, **options: Unpack[Options]) -> "httpx.Response":
        """Return the response to an OPTIONS, as a browser sends it before a request to another origin."""
        return self._send("OPTIONS", path, options)

    def _send(
        self, method: str, path: str, options: Mapping[str, Any], status: int = 200
    ) -> "httpx.Response":
        arguments, expectation = self._prepared(options, status)
        response = self.client.request(method, path, **arguments)
        expectation.check(response)
        return response


class AsyncConnection(_Connection["httpx.AsyncClient"]):
    """A `Connection` for asynchronous tests: the same methods, to be awaited.

    Use it in an `async with` block, or call `aclose`. The parameters are those of `Connection`; the options
    are given to `httpx.AsyncClient`.
    """

    def _create_client(self, app: "ASGIApp | None", options: dict[str, Any]) -> "httpx.AsyncClient":
        import httpx

        if app is not None:
            from c2casgiutils.acceptance._in_process import AsyncInProcess

            options["transport"] = AsyncInProcess(app)
        return httpx.AsyncClient(**options)

    async def __aenter__(self) -> Self:
        """Start the application, if it runs in this process."""
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections, and stop the application, if it runs in this process."""
        await self.client.__aexit__()

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self.client.aclose()

    async def request(self, method: str, path: str, **options: Unpack[BodyOptions]) -> "httpx.Response":
        """Send any request and return the response."""
        return await self._send(method, path, options)

    async def get_raw(self, path: str, **options: Unpack[Options]) -> "httpx.Response":
        """Return the response to a GET."""
        return await self._send("GET", path, options)

    async def get(self, path: str, **options: Unpack[Options]) -> str:
        """Return the text of the response to a GET."""
        return (await self._send("GET", path, options)).text

    async def get_json(self, path: str, **options: Unpack[Options]) -> Any:
        """Return the content of the JSON response to a GET; `None` for 204."""
        return read_json(await self._send("GET", path, options))

    async def get_xml(self, path: str, schema: str | None = None, **options: Unpack[Options]) -> Any:
        """Return the root (`lxml.etree`) of the XML response to a GET, which must fulfil the schema (XSD)."""
        return read_xml(await self._send("GET", path, options), schema)

    async def post(self, path: str, **options: Unpack[BodyOptions]) -> str:
        """Send a POST with `data`, `content`, `json` or `files` and return the text of the response."""
        return (await self._send("POST", path, options)).text

    async def post_json(self, path: str, json: Any = None, **options: Unpack[Options]) -> Any:
        """Send JSON and return that of the response; `None` for 204."""
        return read_json(await self._send("POST", path, {**options, "json": json}))

    async def post_files(self, path: str, files: Mapping[str, Any], **options: Unpack[FormOptions]) -> Any:
        """Send files, and the fields `data`, and return the JSON of the response; `None` for 204."""
        return read_json(await self._send("POST", path, {**options, "files": files}))

    async def put(self, path: str, **options: Unpack[BodyOptions]) -> str:
        """Send a PUT with `data`, `content`, `json` or `files` and return the text of the response."""
        return (await self._send("PUT", path, options)).text

    async def put_json(self, path: str, json: Any = None, **options: Unpack[Options]) -> Any:
        """Send JSON and return that of the response; `None` for 204."""
        return read_json(await self._send("PUT", path, {**options, "json": json}))

    async def patch(self, path: str, **options: Unpack[BodyOptions]) -> str:
        """Send a PATCH with `data`, `content`, `json` or `files` and return the text of the response."""
        return (await self._send("PATCH", path, options)).text

    async def patch_json(self, path: str, json: Any = None, **options: Unpack[Options]) -> Any:
        """Send JSON and return that of the response; `None` for 204."""
        return read_json(await self._send("PATCH", path, {**options, "json": json}))

    async def delete(self, path: str, **options: Unpack[Options]) -> "httpx.Response":
        """Return the response to a DELETE, by default expected with status 204."""
        return await self._send("DELETE", path, options, 204)

    async def options(self, path: str, **options: Unpack[Options]) -> "httpx.Response":
        """Return the response to an OPTIONS, as a browser sends it before a request to another origin."""
        return await self._send("OPTIONS", path, options)

    async def _send(
        self, method: str, path: str, options: Mapping[str, Any], status: int = 200
    ) -> "httpx.Response":
        arguments, expectation = self._prepared(options, status)
        response = await self.client.request(method, path, **arguments)
        expectation.check(response)
        return response


def _checked_url(base_url: str | None, *, in_process: bool) -> str:
    if base_url is None and in_process:
        return "http://localhost"
    parts = urlsplit(base_url or "")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("base_url must be an http or https URL; only a connection with an app needs none")
    return base_url or ""
