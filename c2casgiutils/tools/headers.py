"""The view that shows the request as the application receives it, behind all proxies."""

from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from c2casgiutils import auth
from c2casgiutils._secrets import scrub, scrub_items, scrub_mapping

router: APIRouter = APIRouter(tags=["headers"], dependencies=[Depends(auth.require_read_only_access)])


class URLResponse(BaseModel):
    """The parts of a URL; all empty if the `Host` header is invalid."""

    scheme: str = ""
    netloc: str = ""
    hostname: str | None = None
    port: int | None = None
    path: str = ""
    query: str = ""


class HeadersClientInfoResponse(BaseModel):
    """The requested URL, as the application sees it."""

    url_str: str
    url: URLResponse
    base_url_str: str
    base_url: URLResponse
    query_params: dict[str, str]
    path_params: dict[str, str]


class HeadersResponse(BaseModel):
    """The request; credentials are masked."""

    headers: dict[str, str]
    client_info: HeadersClientInfoResponse
    scope: dict[str, Any]


def describe(request: Request) -> HeadersResponse:
    """Return a request as the application receives it."""
    url, base_url = scrub(str(request.url)), scrub(str(request.base_url))
    return HeadersResponse(
        headers=_joined(scrub_items(request.headers.items())),
        client_info=HeadersClientInfoResponse(
            url_str=url,
            url=_url(url),
            base_url_str=base_url,
            base_url=_url(base_url),
            query_params=_joined(scrub_items(request.query_params.multi_items())),
            path_params=dict(scrub_items((name, str(value)) for name, value in request.path_params.items())),
        ),
        scope=_simple_values(request.scope),
    )


@router.get("/", name="c2c_headers")
async def get_headers(request: Request) -> HeadersResponse:
    """Return the request as the application receives it."""
    return describe(request)


@router.get("/{path}", name="c2c_headers_path")
async def get_headers_path(request: Request, path: str) -> HeadersResponse:  # noqa: ARG001  # shown by describe
    """Return the request, with one path parameter."""
    return describe(request)


@router.get("/{path_1}/{path_2}", name="c2c_headers_path2")
async def get_headers_path2(
    request: Request,
    path_1: str,  # noqa: ARG001  # shown by describe
    path_2: str,  # noqa: ARG001  # the same
) -> HeadersResponse:
    """Return the request, with two path parameters."""
    return describe(request)


def _joined(items: list[tuple[str, str]]) -> dict[str, str]:
    result: dict[str, str] = {}
    for name, value in items:
        result[name] = f"{result[name]}, {value}" if name in result else value
    return result


def _url(url: str) -> URLResponse:
    try:
        parts = urlsplit(url)
    except ValueError:
        return URLResponse()
    try:
        port = parts.port
    except ValueError:
        port = None
    return URLResponse(
        scheme=parts.scheme,
        netloc=parts.netloc,
        hostname=parts.hostname,
        port=port,
        path=parts.path,
        query=parts.query,
    )


def _simple_values(scope: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in scope.items():
        simple = list(value) if isinstance(value, tuple) else value
        if name != "query_string" and _is_simple(simple):
            values[name] = simple
    scrubbed: dict[str, Any] = scrub_mapping(values)
    return scrubbed


def _is_simple(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_simple(item) and not isinstance(item, list) for item in value)
    return value is None or isinstance(value, (str, int, float, bool))
