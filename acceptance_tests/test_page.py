"""The page in a real browser: signed out and in, light and dark, wide and narrow, without JavaScript too."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from acceptance_tests.conftest import SECRET
from tests.support.browser import Visit, chromium
from tests.support.processes import Uvicorn

Start = Callable[..., Uvicorn]


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium() as running:
        yield running


def sign_in(visit: Visit) -> None:
    """Sign in by the form."""
    visit.page.goto("/c2c/")
    visit.page.get_by_label("Secret").fill(SECRET)
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_role("heading", name="Log levels")).to_be_visible()


def test_look_and_accessibility(demo: Start, browser: Browser, tmp_path: Path) -> None:
    """Light and dark, wide and narrow: no complaint, nothing wider than the window."""
    server = demo()
    for scheme in ("light", "dark"):
        for width in (1280, 320):
            options: dict[str, Any] = {
                "color_scheme": scheme,
                "viewport": {"width": width, "height": 800},
            }
            with Visit(browser, server.url, **options) as visit:
                visit.page.goto("/c2c/")
                visit.screenshot(tmp_path / f"out-{scheme}-{width}.png")
                assert visit.axe() == []
                sign_in(visit)
                visit.screenshot(tmp_path / f"in-{scheme}-{width}.png")
                assert visit.axe() == []
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_work_with_the_page(demo: Start, browser: Browser, javascript: bool) -> None:
    """Sign in with a wrong and the right secret, set and read a level, sign out."""
    server = demo()
    with Visit(browser, server.url, java_script_enabled=javascript) as visit:
        page = visit.page
        page.goto("/c2c/")
        page.get_by_label("Secret").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("Wrong secret.")

        sign_in(visit)
        page.get_by_label("Set a logger in all processes").fill("app.of.the.page")
        page.get_by_label("Level", exact=True).select_option("DEBUG")
        page.get_by_role("button", name="Set", exact=True).click()
        expect(page.get_by_text("The level of app.of.the.page was set in every process.")).to_be_visible()
        expect(page.get_by_role("row", name="app.of.the.page DEBUG")).to_be_visible()

        page.get_by_label("Read a logger").fill("app.of.the.page.child")
        page.get_by_role("button", name="Read").click()
        expect(page.get_by_text("app.of.the.page.child inherits DEBUG")).to_be_visible()

        page.get_by_role("button", name="Sign out").click()
        page.goto("/c2c/")
        expect(page.get_by_label("Secret")).to_be_visible()
