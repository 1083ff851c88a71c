"""A real browser that fails the test on anything a visitor's console would show."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it brings no types
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.support.processes import binary

_AXE_SCRIPT: str = Axe().axe_script
_SECONDS = 20
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # a host name that is no loopback to the browser
    "--host-resolver-rules=MAP plain.test 127.0.0.1",
]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless Chromium."""
    expect.set_options(timeout=_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary("chromium", "chromium"), args=_ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """One visitor: a browser context of its own, watched.

    Leaving the `with` block fails on a console error or warning (CSP violations are such), on an error of a
    script and on a request to another host. What a test provokes on purpose, it names in `expected`.

    Args:
        browser: The browser.
        base_url: The host that may be asked.
        expected: Parts of console messages that are no failure.
        options: Given to `Browser.new_context`, as `color_scheme="dark"`.
    """

    def __init__(
        self, browser: Browser, base_url: str, *, expected: tuple[str, ...] = (), **options: Any
    ) -> None:
        self._host = urlsplit(base_url).netloc
        self._expected = expected
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(base_url=base_url, **options)
        self.context.set_default_timeout(_SECONDS * 1000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.context.on("request", self._on_request)

    def axe(self, *, without: Sequence[str] = ()) -> list[str]:
        """Return what axe-core finds wrong with the accessibility of the page, by all rules but some."""
        rules = {rule: {"enabled": False} for rule in without}
        options = {"resultTypes": ["violations"], "rules": rules}
        # Axe().run() would compile its 500 kB at each call
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_AXE_SCRIPT)
        violations = self.page.evaluate("async (options) => (await axe.run(options)).violations", options)
        return [f"{item['id']}: {[node['html'] for node in item['nodes']]}" for item in violations]

    def screenshot(self, path: Path) -> None:
        """Take a picture of the whole page."""
        self.page.screenshot(path=path, full_page=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.context.close()
        if kind is None:
            assert self.complaints == []

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if not any(part in message.text for part in self._expected):
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if urlsplit(request.url).netloc not in (self._host, ""):
            self.complaints.append(f"foreign request: {request.url}")
