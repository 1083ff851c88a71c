"""Nothing on the page moves by itself: not at the first paint, with a refresh, or when it is stale."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from c2casgiutils import config
from tests.support import crowd
from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn

ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__INSTANCES__HEARTBEAT": "5",
    "C2C__PROMETHEUS__PORT": "0",
}
SIZES = {"desktop": (1280, 400), "phone": (320, 400)}
SECONDS = 60
# A figure is right-aligned: its text grows to the left, which counts as a move of the text. Nothing else may.
WATCH = """
window.moved = [];
window.refreshes = 0;
const rect = ({x, y, width, height}) => [x, y, width, height].map(Math.round).join(" ");
const name = (node) => node.outerHTML ?? `text of ${node.parentElement?.outerHTML}`;
const isFigure = (node) => node instanceof Text && node.parentElement?.matches(".number");
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const sources = entry.sources.filter(({node}) => node && !isFigure(node));
    for (const {node, previousRect, currentRect} of sources) {
      window.moved.push(`${rect(previousRect)} to ${rect(currentRect)}: ${name(node).slice(0, 150)}`);
    }
  }
}).observe({type: "layout-shift", buffered: true});
addEventListener("DOMContentLoaded", () => {
  const at = document.querySelector("#at");
  new MutationObserver(() => { window.refreshes += 1; }).observe(at, {attributes: true});
});
"""
"""Notes what moved, in the words of the browser and whatever a visitor did before."""


class Service:
    """Two workers with a Redis of their own, and made-up processes beside them.

    Args:
        server: The workers.
        client: Of their Redis.
    """

    def __init__(self, server: Uvicorn, client: "redis.Redis") -> None:
        self.server, self._client = server, client

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask one of the workers."""
        url = f"{self.server.url}/{path}"
        answer = httpx.request(method, url, headers={"X-API-Key": SECRET}, timeout=SECONDS, **options)
        return answer.raise_for_status()

    def join(self, number: int) -> None:
        """Let that many made-up processes be there."""
        crowd.leave(self._client)
        crowd.join(self._client, processes=number, checks=3)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service of which something needs attention, as are a level and a check."""
    with ExitStack() as servers:
        redis = servers.enter_context(RedisServer())
        env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url}
        options = ("--timeout-worker-healthcheck", "60")
        app = "tests.support.views_app:app"
        server = servers.enter_context(Uvicorn(app, *options, workers=2, env=env))
        config.settings.redis.url = redis.url
        service = Service(server, servers.enter_context(redis.client()))
        service.request(
            "PUT", "c2c/logging/loggers/orders.db", json={"level": "DEBUG", "ttl": 600, "reason": "INC-42"}
        )
        service.request("POST", "pool", params={"exhausted": True})
        wait_for(
            lambda: "pool exhausted" in service.request("GET", "c2c/overview").text,
            seconds=SECONDS,
            what="a check that is down",
        )
        yield service


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, service: Service, browser: Browser) -> Iterator[Page]:
    """The page of somebody who is signed in, often refreshed and watched."""
    width, height = SIZES[request.param]
    expected = ("Failed to load resource",)
    viewport = {"width": width, "height": height}
    with Visit(browser, service.server.url, expected=expected, viewport=viewport) as visit:
        visit.context.add_init_script("localStorage['c2c.every'] = '0.5'")
        visit.page.goto("/c2c/")
        visit.page.get_by_label("Secret").fill(SECRET)
        visit.page.get_by_role("button", name="Sign in").click()
        expect(visit.page.get_by_role("button", name="Sign out")).to_be_visible()
        visit.page.add_init_script(WATCH)
        yield visit.page


def refreshed(page: Page, times: int) -> None:
    """Wait until the page was refreshed that often with new data."""
    number = page.evaluate("window.refreshes") + times
    page.wait_for_function("number => window.refreshes >= number", arg=number, timeout=SECONDS * 1000)


def moved(page: Page) -> str:
    """What moved until now, without repetitions."""
    return "\n".join(dict.fromkeys(page.evaluate("window.moved")))


def settled(service: Service, page: Page) -> None:
    """Open the overview of the two workers alone, once both of them know that the others left."""
    service.join(0)
    page.goto("/c2c/")
    expect(page.locator("[aria-labelledby=processes] tbody tr")).to_have_count(2, timeout=SECONDS * 1000)
    refreshed(page, 6)
    page.goto("/c2c/")


def test_overview(service: Service, page: Page) -> None:
    """Figures and ages change, nothing moves."""
    settled(service, page)
    refreshed(page, 8)
    assert moved(page) == ""


def test_levels(page: Page) -> None:
    """The time that is left ticks below the field with the focus, nothing moves."""
    page.goto("/c2c/levels")
    page.get_by_label("Search").fill("typed")
    refreshed(page, 4)
    assert moved(page) == ""
    assert page.get_by_label("Search").input_value() == "typed"
    expect(page.get_by_label("Search")).to_be_focused()
    page.locator("[id='level-orders.db']").scroll_into_view_if_needed()
    refreshed(page, 4)
    assert moved(page) == ""


def test_rows_below_the_viewport(service: Service, page: Page) -> None:
    """Processes come and go where nobody sees them, nothing moves."""
    service.join(8)
    page.goto("/c2c/processes")
    page.get_by_label("Search").fill("typed")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(10, timeout=SECONDS * 1000)
    page.evaluate("window.moved = []")
    for number in (12, 6, 9):
        service.join(number)
        expect(rows).to_have_count(number + 2, timeout=SECONDS * 1000)
    refreshed(page, 2)
    assert moved(page) == ""
    expect(page.get_by_label("Search")).to_be_focused()


def test_no_answer(service: Service, page: Page) -> None:
    """The page that says that it is stale, and since when, is where it was."""
    settled(service, page)
    refreshed(page, 1)
    stale = page.locator("#stale")
    os.killpg(service.server.pid, signal.SIGSTOP)
    try:
        expect(stale).to_contain_text("No response for", timeout=SECONDS * 1000)
        expect(stale).to_be_in_viewport(ratio=1)
        before = stale.inner_text()
        expect(stale).not_to_have_text(before)
        assert moved(page) == ""  # afterwards the processes that were stopped need attention
    finally:
        os.killpg(service.server.pid, signal.SIGCONT)
    expect(stale).to_have_text("", timeout=SECONDS * 1000)
