"""FastAPI's `/docs` and `/redoc` under the default policy, with the assets that FastAPI names.

The addresses of the CDN are answered by interception with the files of the npm packages that it serves.
"""

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browser import Visit, chromium
from tests.support.npm import node_modules
from tests.support.processes import Uvicorn

PUBLIC = "https://www.example.com"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


@pytest.fixture(scope="module")
def docs_browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def docs_server() -> Iterator[Uvicorn]:
    with Uvicorn("tests.support.headers_app:app") as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Uvicorn]:
    with Uvicorn("tests.support.headers_app:elsewhere") as server:
        yield server


@pytest.fixture(scope="module")
def packages() -> Path:
    return node_modules()


class Assets:
    """Answers the addresses that FastAPI's pages name; no other foreign one."""

    def __init__(self, packages: Path, server: Uvicorn, base_url: str) -> None:
        self._packages = packages
        self._server = server
        self._own = urlsplit(base_url).netloc
        self.answered: set[str] = set()

    def answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.netloc == self._own:
            if url.netloc in PUBLIC:
                headers = {**route.request.headers, "host": url.netloc}
                route.fulfill(response=route.fetch(url=self._server.url + url.path, headers=headers))
            else:
                route.continue_()
            return
        body = self._body(url.netloc, url.path)
        if body is None:
            route.abort()
            return
        self.answered.add(route.request.url)
        content_type = "text/css" if url.path == "/css" else mimetypes.guess_type(url.path)[0]
        route.fulfill(body=body, content_type=content_type)

    def _body(self, host: str, path: str) -> bytes | None:
        if host == "cdn.jsdelivr.net":
            for package in ("swagger-ui-dist@5", "redoc@2"):
                prefix = f"/npm/{package}/"
                if path.startswith(prefix):
                    return (
                        self._packages / package.partition("@")[0] / path.removeprefix(prefix)
                    ).read_bytes()
        fixed = {
            ("fastapi.tiangolo.com", "/img/favicon.png"): PNG,
            ("fonts.googleapis.com", "/css"): b"body { font-family: Roboto, sans-serif; }",
            ("cdn.redoc.ly", "/redoc/logo-mini.svg"): SVG,
        }
        return fixed.get((host, path))


def try_docs(page: Page) -> None:
    """The page lists the routes and can call one."""
    operation = page.locator("#operations-default-seen_view_seen_get")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")


def try_redoc(page: Page) -> None:
    """The page shows the routes and its search, which runs in a worker, finds one."""
    expect(page.get_by_role("heading", name="Seen View").first).to_be_visible()
    page.get_by_placeholder("Search").fill("boom")
    expect(page.locator("[data-role='search:results']")).to_contain_text("Boom")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
@pytest.mark.parametrize("is_public", [False, True], ids=["loopback", "public host"])
def test_page_works(
    docs_browser: Browser, docs_server: Uvicorn, packages: Path, path: str, is_public: bool
) -> None:
    """No console error, no violation, no other foreign request."""
    base_url = PUBLIC if is_public else docs_server.url
    visit_page(docs_browser, docs_server, packages, base_url, path)


@pytest.mark.parametrize("path", ["/swagger", "/paper"])
def test_page_at_an_address_of_ones_own(
    docs_browser: Browser, elsewhere: Uvicorn, packages: Path, path: str
) -> None:
    """`FastAPI(docs_url="/swagger", redoc_url="/paper")`: these pages work too."""
    visit_page(docs_browser, elsewhere, packages, elsewhere.url, path)


def visit_page(browser: Browser, server: Uvicorn, packages: Path, base_url: str, path: str) -> None:
    """Use the page at the path; it must load its assets and nothing else."""
    assets = Assets(packages, server, base_url)
    with Visit(browser, base_url) as visit:
        visit.context.route("**/*", assets.answer)
        response = visit.page.goto(path)
        assert response is not None
        assert "jsdelivr" in response.headers["content-security-policy"]
        (try_docs if path in {"/docs", "/swagger"} else try_redoc)(visit.page)
        visit.page.wait_for_load_state("networkidle")
        allowed = {f"foreign request: {url}" for url in assets.answered}
        visit.complaints[:] = [each for each in visit.complaints if each not in allowed]
    assert any("jsdelivr" in url for url in assets.answered)


def test_sign_in_page_of_the_docs(docs_browser: Browser, docs_server: Uvicorn) -> None:
    """The page that takes the answer of an OAuth provider has an inline script, which may run."""
    with Visit(docs_browser, docs_server.url) as visit:
        visit.context.route("**/favicon.ico", lambda route: route.fulfill(body=PNG, content_type="image/png"))
        # Without a window that opened it the script fails, which shows that it ran.
        with visit.page.expect_event("pageerror") as error:
            visit.page.goto("/docs/oauth2-redirect")
        assert "swaggerUIRedirectOauth2" in str(error.value)
        visit.complaints.remove(f"script: {error.value}")
