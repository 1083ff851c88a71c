"""Screenshots in a real Chromium."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from c2casgiutils.acceptance import async_check_screenshot, check_screenshot

PAGE = b"""<!doctype html><meta charset="utf-8"><title>A page</title>
<style>body { margin: 0; background: #fff } @media (prefers-color-scheme: dark) { body { background: #000 } }
div { width: 50px; height: 50px; background: #f00 }</style><div></div><img src="//127.0.0.1:%d/image" alt="">
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the page, and notes the requests."""

    requests: list[tuple[str, str | None]]
    page: bytes

    def do_GET(self) -> None:
        self.requests.append((self.path, self.headers["X-Key"]))
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, type[Handler], type[Handler]]]:
    """The server of the page, and one of an image that it has."""

    class Page(Handler):
        requests = []

    class Other(Handler):
        requests = []
        page = b""

    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as other,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as page,
    ):
        Page.page = PAGE % other.server_port
        threads = [threading.Thread(target=server.serve_forever) for server in (other, page)]
        for thread in threads:
            thread.start()
        yield f"http://127.0.0.1:{page.server_port}/", Page, Other
        for server in other, page:
            server.shutdown()
        for thread in threads:
            thread.join()


Servers = tuple[str, type[Handler], type[Handler]]


def write_expected(path: Path, background: str, size: tuple[int, int]) -> Path:
    image = Image.new("RGB", size, background)
    image.paste("#f00", (0, 0, 50, 50))
    image.save(path)
    return path


def test_a_page(servers: Servers, tmp_path: Path) -> None:
    """It is as expected in its size; the headers go to its server only."""
    url, page, other = servers
    expected = write_expected(tmp_path / "page.expected.png", "#fff", (300, 200))
    check_screenshot(url, tmp_path, expected, width=300, height=200, headers={"X-Key": "made-up"})
    assert ("/", "made-up") in page.requests
    assert set(other.requests) == {("/image", None)}


async def test_a_dark_page(servers: Servers, tmp_path: Path) -> None:
    """The asynchronous one shows the page for the media that are asked for, and fails with the images."""
    expected = write_expected(tmp_path / "page.expected.png", "#000", (800, 600))
    dark = {"color_scheme": "dark"}
    await async_check_screenshot(servers[0], tmp_path, expected, media=dark, headers={"X-Key": "made-up"})
    with pytest.raises(AssertionError, match=r"diff: .*page\.diff\.png"):
        await async_check_screenshot(servers[0], tmp_path / "results", expected)


def test_no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install one."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="chromium is missing: apt-get install --yes chromium"):
        check_screenshot("http://127.0.0.1/", tmp_path, tmp_path / "page.png")
