"""How soon the open page names a process that is blocked, with nothing but default settings."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit
from tests.support.net import wait_for
from tests.support.operators import blocked
from tests.support.processes import RedisServer, Uvicorn

WORKERS = 3
SECONDS = 60
PROMISED = 14
"""Seconds until the page names a process that is blocked."""
STAYS = 12
"""Seconds to look whether it stays named: until it is lost, and for some refreshes."""
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
}
WATCH = """
const isInView = (line) => {
  const {top, bottom} = line.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
};
window.seen = [];  // the problems in the viewport, and since when
addEventListener("DOMContentLoaded", () => {
  const note = () => {
    const lines = [...document.querySelectorAll(".problems li")].filter(isInView);
    window.seen.push([Date.now() / 1000, lines.map((line) => line.textContent)]);
  };
  const main = document.querySelector("main");
  new MutationObserver(note).observe(main, {subtree: true, childList: true, characterData: true});
});
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Three workers with a Redis of their own, which know each other."""
    with RedisServer() as redis:
        env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url}
        # uvicorn replaces a worker that is blocked for longer than 5 s
        options = ("--timeout-worker-healthcheck", "120")
        with Uvicorn("tests.support.live_app:app", *options, workers=WORKERS, env=env) as server:

            def is_whole() -> bool:
                answer = httpx.get(f"{server.url}/c2c/", headers={"X-API-Key": SECRET}, timeout=SECONDS)
                return "Nothing needs attention. 3 of 3 processes answered" in answer.text

            wait_for(is_whole, seconds=SECONDS, what="three workers")
            yield server.url


def test_blocked(url: str, browser: Browser) -> None:
    """It is named in the viewport within the time that is promised, without a click, and stays named."""
    with Visit(browser, url, expected=("Failed to load resource",)) as visit:
        page = visit.page
        page.set_viewport_size({"width": 1280, "height": 720})
        page.goto("/c2c/")
        page.get_by_label("Secret").fill(SECRET)
        page.add_init_script(WATCH)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Nothing needs attention.")).to_be_visible()
        with blocked(url) as victim:
            host, pid, _ = victim.id.split(":")
            named = f"Process {pid} on {host}: no heartbeat since"
            line = page.locator(".problems li").filter(has_text=named)
            expect(line).to_be_in_viewport(timeout=SECONDS * 1000)
            since = page.evaluate("Date.now() / 1000")
            # the age of the line ticks, so that it is seen each second
            page.wait_for_function(
                "at => window.seen.at(-1)[0] > at", arg=since + STAYS, timeout=SECONDS * 1000
            )
            expect(line.get_by_text("lost", exact=True)).to_be_in_viewport()
            seen = page.evaluate("window.seen")
    is_named = [(at, any(named in each for each in lines)) for at, lines in seen]
    first = next(at for at, is_there in is_named if is_there)
    assert first - victim.since <= PROMISED
    assert [at - first for at, is_there in is_named if at > first and not is_there] == []
