"""The page of a profile in a real browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import expect

from acceptance_tests.conftest import SECRET
from tests.support.browser import Visit, chromium
from tests.support.net import wait_for
from tests.support.processes import Uvicorn

SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_profile_page(demo: Callable[..., Uvicorn], tmp_path: Path, *, javascript: bool) -> None:
    """It is started by a form; its tree is unfolded by clicks, on wide and narrow screens."""
    server = demo(C2C__DEBUG__ENABLED="True")
    with (
        chromium() as browser,
        Visit(browser, server.url, java_script_enabled=javascript) as visit,
    ):
        visit.page.goto("/c2c/")
        visit.page.get_by_label("Secret").fill(SECRET)
        visit.page.get_by_role("button", name="Sign in").click()
        visit.page.get_by_role("link", name="Diagnostics").click()
        visit.page.get_by_role("link", name="Profile", exact=True).click()
        visit.page.get_by_label("For", exact=True).select_option("5 seconds")
        visit.page.get_by_role("button", name="Profile").click()
        expect(visit.page.get_by_text("The profile is there in")).to_be_visible()
        with httpx.Client(base_url=server.url, headers={"X-API-Key": SECRET}, timeout=30) as client:
            for _ in range(20):
                client.get("/c2c/instances")
        tree = visit.page.get_by_role("link", name="as a tree")
        if not javascript:
            wait_for(lambda: bool(visit.page.reload()) and tree.is_visible(), what="the profile")
        expect(tree).to_be_visible()  # with the script by itself
        answer = visit.page.goto(f"/c2c/{tree.get_attribute('href')}")
        assert answer is not None
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        expect(visit.page.get_by_role("heading", name="Calls")).to_be_visible()
        waiting = visit.page.get_by_text("(waiting)", exact=False).nth(1)
        select = visit.page.get_by_text("selectors.py").first
        if visit.page.get_by_text("selectors.py").count():  # uvloop waits in C
            expect(select).to_be_hidden()
        waiting.click()
        for scheme in SCHEMES:
            visit.page.emulate_media(color_scheme=scheme)
            for width in (1280, 320):
                visit.page.set_viewport_size({"width": width, "height": 800})
                visit.screenshot(tmp_path / f"profile-{scheme}-{width}.png")
                if javascript:
                    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
            if javascript:
                assert visit.axe() == []
        # not followed: Chromium asks for an icon of the host beside a plain text
        link = visit.page.get_by_role("link", name="Collapsed stacks").get_attribute("href")
        assert link == "?format=collapsed"
