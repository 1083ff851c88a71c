"""A new version that replaces the processes of the old one, under the open page."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn

SECONDS = 60
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__INSTANCES__HEARTBEAT": "2",
    "C2C__PROMETHEUS__PORT": "0",
}
OLD, NEW = "tests.support.live_app:app", "tests.support.next_app:app"
WATCH = """
localStorage["c2c.every"] = "1";
window.lost = [];  // whatever the page ever called lost
addEventListener("DOMContentLoaded", () => {
  const note = () => {
    const words = [...document.querySelectorAll(".problems .state")].map((state) => state.textContent.trim());
    window.lost.push(...words.filter((word) => word === "lost"));
  };
  const main = document.querySelector("main");
  new MutationObserver(note).observe(main, {subtree: true, childList: true, characterData: true});
});
"""
FAILED = ("Failed to load resource",)
"""What the console says while nothing listens at the address of the page."""


class Processes:
    """Processes of a service, each at an address of its own."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.redis = self._stack.enter_context(RedisServer())

    def start(self, app: str, *, port: int | None = None) -> Uvicorn:
        """Start one more."""
        server = Uvicorn(app, env={**ENVIRONMENT, "C2C__REDIS__URL": self.redis.url}, port=port)
        return self._stack.enter_context(server)

    def close(self) -> None:
        """End all."""
        self._stack.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    """No process yet."""
    found = Processes()
    yield found
    found.close()


def test_rolled(processes: Processes, browser: Browser) -> None:
    """One line has the versions while they differ; who said goodbye is gone, and never called lost."""
    first, second = (processes.start(OLD) for _ in range(2))

    def know_each_other() -> bool:
        answer = httpx.get(f"{first.url}/c2c/", headers={"X-API-Key": SECRET}, timeout=SECONDS)
        return "2 of 2 processes answered" in answer.text

    wait_for(know_each_other, seconds=SECONDS, what="two processes")
    with Visit(browser, first.url, expected=FAILED) as visit:
        visit.context.add_init_script(WATCH)
        page = visit.page
        page.goto("/c2c/")
        page.get_by_label("Secret").fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()
        expect.set_options(timeout=SECONDS * 1000)
        line = page.locator(".problems li").filter(has_text="Different versions run")
        rows = page.locator('main tr[id^="p-"]')

        processes.start(NEW)
        expect(line).to_contain_text("Different versions run: 0.1.0 in 2, 0.2.0 in 1")
        expect(line).to_have_count(1)
        expect(rows).to_have_count(3)
        second.terminate()
        expect(line).to_contain_text("Different versions run: 0.1.0 in 1, 0.2.0 in 1")
        expect(rows).to_have_count(2)
        first.terminate()  # the page itself is without an answer until the next one listens there
        expect(page.locator("#stale")).to_contain_text("No response for")
        processes.start(NEW, port=first.port)
        expect(page.locator("#stale")).to_have_text("")
        expect(line).to_have_count(0)
        expect(rows).to_have_count(2)
        assert page.evaluate("window.lost") == []

        page.goto("/c2c/activity?kind=leave")
        for server in (first, second):
            expect(page.locator("main tbody tr").filter(has_text=f"{server.pid} on ")).to_have_count(1)
        page.goto("/c2c/activity?kind=loss")
        expect(page.locator("main tbody tr")).to_have_count(0)
