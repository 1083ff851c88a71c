"""The lines of a followed request, which come to the page by themselves."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Visit
from tests.support.following import KEY, SECRET, serve
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn


@pytest.fixture(scope="module")
def server() -> Iterator[Uvicorn]:
    """Two processes: the one that logs is seldom the one that answers the page."""
    with RedisServer() as redis, serve(workers=2, C2C__REDIS__URL=redis.url) as running:
        yield running


def follow(page: Page) -> str:
    """Sign in, follow, and return the token."""
    page.goto("/c2c/")
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Requests").click()
    page.get_by_label("Only logger").fill("shop")
    page.get_by_role("button", name="Follow", exact=True).click()
    expect(page.get_by_text("Send the request with one of these.")).to_be_visible()
    text = page.locator("#started").inner_text()
    found = re.search(r"X-C2C-Follow: (\S+)", text)
    assert found is not None, text
    return found[1]


def work(server: Uvicorn, token: str, text: str) -> None:
    """Send a request that is followed; any process may serve it."""
    answer = httpx.get(f"{server.url}/work", params={"text": text}, headers={"X-C2C-Follow": token})
    assert answer.status_code == 200


def test_lines_come_while_one_looks(server: Uvicorn, browser: Browser) -> None:
    """Below the token, without a click; what was typed stays, and the end is said."""
    with Visit(browser, server.url) as visit:
        visit.context.add_init_script("try { localStorage['c2c.every'] ??= '0.3' } catch {}")
        page = visit.page
        token = follow(page)
        expect(page.get_by_text("No line came yet.")).to_be_visible()
        page.get_by_label("Only logger").fill("typed")
        lines = page.get_by_role("log").locator("tbody tr")
        for number, text in enumerate(("first", "second"), 1):
            work(server, token, text)
            expect(lines).to_have_count(2 * number)
            expect(lines.last).to_contain_text(f"{text} is done")
        expect(lines.first).to_contain_text("first 0")
        expect(page.get_by_text(f"X-C2C-Follow: {token}")).to_be_visible()
        expect(page.get_by_label("Only logger")).to_have_value("typed")
        assert visit.axe() == []
        (id_,) = page.locator("button[name=end]").evaluate_all("all => all.map(({ value }) => value)")
        assert httpx.delete(f"{server.url}/c2c/logging/follow/{id_}", headers=KEY).status_code == 200
        expect(page.get_by_text("Nothing is followed under this id, or no longer.")).to_be_visible()
        expect(page.get_by_role("button", name="End, and forget the lines")).to_have_count(0)


def test_lines_by_reload(server: Uvicorn, browser: Browser) -> None:
    """Without script a link shows the lines that came."""
    with Visit(browser, server.url, java_script_enabled=False) as visit:
        page = visit.page
        token = follow(page)
        work(server, token, "third")
        page.get_by_role("link", name="Show the lines that came").click()
        lines = page.get_by_role("log").locator("tbody tr")

        def came() -> bool:
            page.reload()
            return lines.count() == 2

        wait_for(came, what="the lines")
        assert token not in page.content()
