"""The page in a real browser: signed out and in, light and dark, wide and narrow, without JavaScript too."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from acceptance_tests.conftest import SECRET
from tests.support.browser import Visit, chromium
from tests.support.processes import Uvicorn

Start = Callable[..., Uvicorn]
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 320))


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
    expect(visit.page.get_by_role("heading", name="Health checks")).to_be_visible()


def looks(visit: Visit, path: Path, name: str) -> None:
    """Look at the page, light and wide, dark and narrow."""
    for scheme, width in LOOKS:
        visit.page.emulate_media(color_scheme=scheme)
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.screenshot(path / f"{name}-{scheme}-{width}.png")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert visit.axe() == []


def test_look_and_accessibility(demo: Start, browser: Browser, tmp_path: Path) -> None:
    """Signed out, after a wrong secret, signed in; the policy of the main application breaks nothing."""
    server = demo(C2C__REDIS__URL="redis://127.0.0.1:1", C2C__DB__URL=f"sqlite:///{tmp_path}/none.db")
    with Visit(browser, server.url) as visit:
        answer = visit.page.goto("/c2c/")
        assert answer is not None
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        looks(visit, tmp_path, "signed-out")
        visit.page.goto("/c2c/?sign_in=wrong")
        looks(visit, tmp_path, "wrong-secret")
        sign_in(visit)
        looks(visit, tmp_path, "signed-in")
        visit.page.goto("/c2c/levels?logger=root")
        expect(visit.page.get_by_text("Redis cannot be reached").first).to_be_visible()
        looks(visit, tmp_path, "levels")
        visit.page.goto("/c2c/activity")
        expect(visit.page.get_by_role("row").last).to_contain_text("joined")
        looks(visit, tmp_path, "activity")


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
        page.get_by_role("link", name="Log levels").click()
        page.get_by_label("Search").fill("app.of.the.page")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="set anyway").click()
        page.get_by_role("group", name="app.of.the.page").get_by_role("button", name="DEBUG").click()
        row = page.get_by_role("group", name="app.of.the.page")
        expect(row.get_by_role("status")).to_contain_text("1 of 1 applied DEBUG.")

        page.get_by_role("link", name="Database").click()
        page.get_by_label("Why, shown to those who want to write").fill("new disks")
        page.get_by_role("button", name="Begin maintenance").click()
        expect(page.get_by_text("The databases are in maintenance.")).to_be_visible()
        expect(page.get_by_text("read-only, without an end, by secret: new disks")).to_be_visible()
        page.get_by_role("button", name="End maintenance").click()
        expect(page.get_by_text("The databases can be written.")).to_be_visible()

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Secret")).to_be_visible()
        expect(page).to_have_url(f"{server.url}/c2c/")
