"""E18: the looser policy is for what the documentation routes of FastAPI answer, and for nothing else."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import c2casgiutils
from c2casgiutils import config
from c2casgiutils.headers import (
    API_HEADERS_CONFIG,
    STRICT_HEADERS_CONFIG,
    ArmorHeaderMiddleware,
    HeaderMatcher,
)


async def wiki(scope: Scope, receive: Receive, send: Send) -> None:
    """An application without routes, which answers HTML at each address."""
    await HTMLResponse("<script>what a user wrote</script>")(scope, receive, send)


async def page(_request: Request) -> HTMLResponse:
    return HTMLResponse("a page of the application")


class AnswersItself:
    """A middleware that answers before any route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (wiki if scope["type"] == "http" else self.app)(scope, receive, send)


def with_page(path: str, **options: Any) -> FastAPI:
    app = FastAPI(**options)
    app.add_api_route(path, page)
    return app


def with_mount(path: str, mounted: ASGIApp, **options: Any) -> FastAPI:
    app = FastAPI(**options)
    app.mount(path, mounted)
    return app


def with_middleware() -> FastAPI:
    app = FastAPI()
    app.add_middleware(AnswersItself)
    return app


def with_starlette_mount() -> FastAPI:
    app = FastAPI()
    app.router.routes.append(Mount("/wiki", routes=[Route("/docs", page), Route("/redoc", page)]))
    return app


async def policy_of(app: FastAPI, path: str, *, root_path: str = "", method: str = "GET") -> str:
    transport = httpx.ASGITransport(ArmorHeaderMiddleware(app), root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://www.example.com") as http:
        response = await http.request(method, path)
    assert response.status_code == 200
    assert all(value == value.strip(" ;\t") and value.isprintable() for value in response.headers.values())
    assert ("cross-origin-embedder-policy" in response.headers) == (
        "jsdelivr" not in response.headers["content-security-policy"]
    )
    return response.headers["content-security-policy"]


DOCS, REDOC = "swagger-ui-dist@5", "redoc@2"
ELSEWHERE: dict[str, Any] = {
    "docs_url": "/swagger",
    "redoc_url": "/paper",
    "swagger_ui_oauth2_redirect_url": "/back",
}


@pytest.mark.parametrize(
    ("app", "path", "asset"),
    [
        pytest.param(FastAPI(), "/docs", DOCS, id="docs"),
        pytest.param(FastAPI(), "/docs/oauth2-redirect", DOCS, id="sign-in of docs"),
        pytest.param(FastAPI(), "/redoc", REDOC, id="redoc"),
        pytest.param(FastAPI(**ELSEWHERE), "/swagger", DOCS, id="docs elsewhere"),
        pytest.param(FastAPI(**ELSEWHERE), "/back", DOCS, id="sign-in elsewhere"),
        pytest.param(FastAPI(**ELSEWHERE), "/paper", REDOC, id="redoc elsewhere"),
        pytest.param(FastAPI(docs_url="/"), "/", DOCS, id="docs at the root"),
        pytest.param(with_mount("/sub", FastAPI()), "/sub/docs", DOCS, id="mounted"),
        pytest.param(with_mount("/sub", FastAPI(**ELSEWHERE)), "/sub/paper", REDOC, id="mounted, elsewhere"),
        pytest.param(
            with_mount("/a", with_mount("/b", FastAPI(docs_url="/d"))), "/a/b/d", DOCS, id="mounted twice"
        ),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/behind", "/behind/"])
async def test_documentation(app: FastAPI, path: str, asset: str, root_path: str) -> None:
    """Also below any root path, and HEAD has the policy of GET."""
    for method in ("GET", "HEAD"):
        policy = await policy_of(app, root_path + path, root_path=root_path, method=method)
        assert asset in policy


@pytest.mark.parametrize(
    ("app", "path"),
    [
        pytest.param(with_page("/wiki/docs"), "/wiki/docs", id="address that ends in docs"),
        pytest.param(with_page("/wiki/redoc"), "/wiki/redoc", id="address that ends in redoc"),
        pytest.param(with_page("/{path:path}"), "/DOCS", id="another case"),
        pytest.param(with_page("/{path:path}"), "/docs/", id="a slash at the end"),
        pytest.param(with_page("/{path:path}"), "/docs/x", id="below docs"),
        pytest.param(with_page("/docs", docs_url=None), "/docs", id="page of the application at /docs"),
        pytest.param(with_page("/docs", openapi_url=None), "/docs", id="no OpenAPI, no documentation"),
        pytest.param(with_page("/docs", **ELSEWHERE), "/docs", id="documentation elsewhere"),
        pytest.param(with_page("/redoc", redoc_url=None), "/redoc", id="page of the application at /redoc"),
        pytest.param(with_mount("/wiki", wiki), "/wiki/docs", id="mounted without routes"),
        pytest.param(with_mount("/wiki", wiki), "/wiki/redoc", id="mounted without routes, redoc"),
        pytest.param(with_starlette_mount(), "/wiki/docs", id="mounted routes"),
        pytest.param(
            with_mount("/sub", with_page("/docs", docs_url=None)), "/sub/docs", id="mounted application"
        ),
        pytest.param(with_middleware(), "/docs", id="answer of a middleware"),
    ],
)
async def test_other_pages(app: FastAPI, path: str) -> None:
    """What users may have written runs no inline script."""
    assert await policy_of(app, path) == "default-src 'self'"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("path", "asset"), [("/c2c/docs", DOCS), ("/c2c/redoc", REDOC)])
async def test_documentation_of_the_operations_side(
    path: str, asset: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C2C__TOOLS__DOCS", "True")
    config.settings = config.Settings()
    assert asset in await policy_of(with_mount("/c2c", c2casgiutils.app), path, method=method)


@pytest.mark.parametrize("preset", [API_HEADERS_CONFIG, STRICT_HEADERS_CONFIG], ids=["API", "strict"])
async def test_presets(preset: Any) -> None:
    """The documentation works with each preset, other pages have its policy."""
    armored = ArmorHeaderMiddleware(with_page("/wiki/docs"), preset, use_default=False)
    transport = httpx.ASGITransport(armored)
    async with httpx.AsyncClient(transport=transport, base_url="http://www.example.com") as http:
        assert DOCS in (await http.get("/docs")).headers["content-security-policy"]
        other = (await http.get("/wiki/docs")).headers["content-security-policy"]
    assert "jsdelivr" not in other
    assert "base-uri" in other


async def test_rule_for_the_documentation() -> None:
    """An application that serves the assets itself tightens the policy of its documentation."""
    own: dict[str, HeaderMatcher] = {
        "mine": {"documentation": "docs", "headers": {"Content-Security-Policy": "default-src 'none'"}}
    }
    transport = httpx.ASGITransport(ArmorHeaderMiddleware(with_page("/wiki/docs"), own))
    async with httpx.AsyncClient(transport=transport, base_url="http://www.example.com") as http:
        for path, policy in (("/docs", "default-src 'none'"), ("/wiki/docs", "default-src 'self'")):
            assert (await http.get(path)).headers["content-security-policy"] == policy
        assert REDOC in (await http.get("/redoc")).headers["content-security-policy"]
