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
    """The tree is unfolded by clicks, under the policy of the pages, on wide and narrow screens."""
    server = demo(C2C__DEBUG__ENABLED="True")
    with httpx.Client(base_url=server.url, headers={"X-API-Key": SECRET}, timeout=30) as client:
        address = f"/c2c/debug/profile/{client.post('/c2c/debug/profile', json={'seconds': 1}).json()['id']}"
        for _ in range(20):
            client.get("/c2c/instances")
        wait_for(lambda: client.get(address).status_code == 200, seconds=20, what="the profile")
    with (
        chromium() as browser,
        Visit(browser, server.url, java_script_enabled=javascript) as visit,
    ):
        visit.page.goto("/c2c/")
        visit.page.get_by_label("Secret").fill(SECRET)
        visit.page.get_by_role("button", name="Sign in").click()
        answer = visit.page.goto(address)
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
