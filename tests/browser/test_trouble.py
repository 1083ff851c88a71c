"""What the open page says of processes that are blocked, stopped, drained, replaced or killed."""

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from c2casgiutils import config
from tests.support import crowd
from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit
from tests.support.net import wait_for
from tests.support.operators import blocked, stopped
from tests.support.processes import RedisServer, Uvicorn

WORKERS = (2, 3)
SECONDS = 60
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__INSTANCES__HEARTBEAT": "1",
    "C2C__PROMETHEUS__PORT": "0",
}
EXPECTED = ("Failed to load resource",)
"""What the console says of a request to a process that ends."""


class Service:
    """Workers that are replaced when they end, and a Redis of their own.

    Args:
        server: Running.
        redis: Running.
    """

    def __init__(self, server: Uvicorn, redis: RedisServer) -> None:
        self.url, self.workers, self.redis = server.url, server.workers, redis

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask over a new connection, until a worker answers that does not end meanwhile."""
        answers: list[httpx.Response] = []

        def is_answered() -> bool:
            try:
                answers.append(
                    httpx.request(method, f"{self.url}/{path}", headers={"X-API-Key": SECRET}, **options)
                )
            except httpx.TransportError:
                return False
            return True

        wait_for(is_answered, seconds=SECONDS, what=f"an answer to {path}")
        return answers[0]

    def ids(self) -> list[str]:
        """Return the processes that are ready, as the one that answers sees them."""
        found = self.request("GET", "c2c/instances?samples=false").json()["instances"]
        return sorted(one["id"] for one in found if (one["liveness"], one["state"]) == ("ok", "ready"))

    def wait_ready(self) -> list[str]:
        """Wait until as many processes are ready as there shall be, and return them."""
        wait_for(lambda: len(self.ids()) == self.workers, seconds=SECONDS, what=f"{self.workers} workers")
        return self.ids()


@pytest.fixture(scope="module", params=WORKERS, ids="{} workers".format)
def _shared(request: pytest.FixtureRequest) -> Iterator[Service]:
    # uvicorn waits as long for a worker that ends while it is asked, before it starts another one
    options = ("--timeout-worker-healthcheck", "25")
    with RedisServer() as redis:
        env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url}
        with Uvicorn("tests.support.live_app:app", *options, workers=request.param, env=env) as server:
            yield Service(server, redis)


@pytest.fixture
def service(_shared: Service) -> Service:
    """The service, with all of its processes."""
    _shared.wait_ready()
    return _shared


@pytest.fixture
def visit(service: Service, browser: Browser) -> Iterator[Visit]:
    """Somebody who is signed in, and whose page is refreshed every second."""
    with Visit(browser, service.url, expected=EXPECTED) as visit:
        visit.context.add_init_script("localStorage['c2c.every'] = '1'")
        sign_in(visit)
        expect.set_options(timeout=SECONDS * 1000)
        yield visit


def sign_in(visit: Visit) -> None:
    """Open the overview as somebody with the secret."""
    visit.page.goto("/c2c/")
    visit.page.get_by_label("Secret").fill(SECRET)
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_role("button", name="Sign out")).to_be_visible()


def name_of(id_: str) -> str:
    """Return a process as the page writes it."""
    host, pid, _ = id_.split(":")
    return f"{pid} on {host}"


def pid_of(id_: str) -> int:
    """Return the number of a process."""
    return int(id_.split(":")[1])


def problem(page: Page, text: str) -> Locator:
    """Return the line with the text of what needs attention."""
    return page.locator(".problems li").filter(has_text=text)


def is_current(page: Page) -> None:
    """The page is refreshed again."""
    expect(page.locator("#stale")).to_have_text("")


def test_blocked(service: Service, visit: Visit) -> None:
    """A busy event loop is a process without heartbeats; it is well again by itself."""
    with blocked(service.url) as victim:
        line = problem(visit.page, f"Process {name_of(victim.id)}: no heartbeat since")
        expect(line.locator("time")).to_be_visible()
        is_current(visit.page)
        stacks = line.get_by_role("link", name=f"Stacks {victim.id}").get_attribute("href")
        first = service.request("GET", f"c2c/{stacks}", timeout=SECONDS).text.partition(" open>")[2]
        assert re.search(r"block</code>.*MainThread in .* blocked for", first.partition("</summary>")[0])
        assert "tests/support/views_app.py" in first.partition("</details>")[0]
        loop = service.request("GET", f"c2c/diagnostics?what=loop&id={victim.id}", timeout=SECONDS).text
        assert "A process whose event loop is blocked cannot answer this" in loop
    expect(problem(visit.page, name_of(victim.id))).to_have_count(0)
    is_current(visit.page)


def test_stopped(service: Service, browser: Browser, visit: Visit) -> None:
    """Another process serves the page then, and a new tab; both say which one is stopped."""
    # asked by the connection that the page is refreshed by
    victim = visit.page.evaluate("fetch('/process').then((answer) => answer.json())")
    named = f"Process {name_of(victim)}: no heartbeat since"
    with stopped(pid_of(victim)):
        expect(problem(visit.page, named)).to_be_visible()
        is_current(visit.page)
        with Visit(browser, service.url, expected=EXPECTED) as other:
            sign_in(other)
            expect(problem(other.page, named)).to_be_visible()
            other.page.goto(f"/c2c/diagnostics?what=stacks&id={victim}")
            expect(other.page.get_by_text(f"{name_of(victim)} did not answer")).to_be_visible()
            expect(other.page.get_by_text("One that does not is stopped, has no connection")).to_be_visible()
            assert other.axe() == []
    expect(problem(visit.page, name_of(victim))).to_have_count(0)
    is_current(visit.page)


def looks(page: Page, state: str, icon: str) -> None:
    """The title and the icon of the tab have the state."""
    expect(page).to_have_title(f"{state} · The service")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile(rf"/{icon}\.\w+\.svg$"))


def test_title_and_icon(service: Service, visit: Visit) -> None:
    """Who watches the tab sees a check that is down, a process without heartbeats, and their end."""
    page = visit.page
    looks(page, "OK", "c2c")
    victim = service.request("POST", "pool", params={"exhausted": True}).json()
    try:
        looks(page, "Down", "c2c-fail")
    finally:

        def is_mended() -> bool:
            return bool(service.request("POST", "pool", params={"exhausted": False}).json() == victim)

        wait_for(is_mended, seconds=SECONDS, what="the process with the pool")
    looks(page, "OK", "c2c")
    with stopped(pid_of(victim)):
        looks(page, "Degraded", "c2c-warn")
    looks(page, "OK", "c2c")


def test_drained(service: Service, visit: Visit) -> None:
    """A drain by somebody else is seen, and can be ended at once."""
    victim = service.ids()[0]
    service.request("POST", "c2c/drain", json={"instance": victim})
    try:
        expect(problem(visit.page, name_of(victim)).get_by_text("draining", exact=True)).to_be_visible()
        expect(visit.page.locator(f'[id="p-{victim}"]')).to_contain_text("draining")
        assert visit.axe() == []
        problem(visit.page, name_of(victim)).get_by_role("button", name="Undrain").click()
        expect(visit.page.get_by_text(f"{name_of(victim)} is ready.")).to_be_visible()
    finally:
        service.request("DELETE", "c2c/drain", params={"instance": victim})
    visit.page.goto("/c2c/")
    expect(problem(visit.page, name_of(victim))).to_have_count(0)


def test_rolled(service: Service, visit: Visit) -> None:
    """Each process is replaced in turn: those that left are gone, those that came are there."""
    page = visit.page
    page.goto("/c2c/processes")
    before = service.ids()
    for id_ in before:
        os.kill(pid_of(id_), signal.SIGTERM)
        wait_for(lambda: id_ not in service.ids(), seconds=SECONDS, what="the end of one")  # noqa: B023  # now
        service.wait_ready()
    after = service.ids()
    assert not set(before) & set(after)
    for id_ in after:
        expect(page.locator(f'[id="p-{id_}"]')).to_contain_text(name_of(id_))
    for id_ in before:
        expect(page.locator(f'[id="p-{id_}"]')).to_have_count(0)
    is_current(page)


def test_killed(service: Service, visit: Visit) -> None:
    """It is lost since when, keeps its last word, and stays named among fifty others on one screen."""
    page = visit.page
    killed = service.ids()[0]
    page.goto(f"/c2c/process?id={killed}")
    expect(page.locator("#check-local-pool")).to_contain_text("ok")
    page.goto("/c2c/")
    os.kill(pid_of(killed), signal.SIGKILL)
    line = problem(page, f"Process {name_of(killed)}: no heartbeat since").filter(
        has_text="no clean shutdown"
    )
    expect(line.locator("time")).to_be_visible()
    service.wait_ready()
    is_current(page)
    line.get_by_role("link", name="Last known").click()
    expect(page.get_by_text("This is what it told last.")).to_be_visible()
    expect(page.locator("#check-local-pool")).to_contain_text("ok")
    expect(page.get_by_role("button", name="Drain")).to_have_count(0)
    assert visit.axe() == []
    page.goto(f"/c2c/diagnostics?what=loop&id={killed}")
    expect(page.get_by_role("alert")).to_contain_text(f"Process {killed} is lost: it sends no heartbeats")
    page.get_by_role("link", name="stacks", exact=True).click()
    expect(page.get_by_text(f"{name_of(killed)} did not answer")).to_be_visible()
    assert visit.axe() == []
    config.settings.redis.url = service.redis.url
    with service.redis.client() as client:
        ids = crowd.join(client)
        try:
            fifty_more(visit, ids)
        finally:
            client.flushall()


def fifty_more(visit: Visit, ids: list[str]) -> None:
    """All of them are squares that lead to the process; nothing overflows on a phone or on paper."""
    page = visit.page
    page.set_viewport_size({"width": 320, "height": 900})
    for path in ("processes", "checks", ""):
        page.goto(f"/c2c/{path}")
        expect(page.locator("main")).to_contain_text("web-7f9c-")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    assert visit.axe() == []
    assert len(re.findall(rb"/Type /Page\b", page.pdf(format="A4"))) == 1
    page.get_by_role("link", name="8 on web-7f9c-00001: down").click()
    expect(page).to_have_url(re.compile(f"id={ids[5].replace(':', '%3A')}$"))


def test_redis_taken_away(service: Service, visit: Visit) -> None:
    """Since when and why, and who is shown as of when; all of them are back with Redis."""
    page = visit.page
    service.redis.kill()
    try:
        expect(problem(page, "Redis is unreachable").locator("time")).to_be_visible()
        expect(page.locator("main")).to_contain_text(
            re.compile(r"Shown: this process, .*, now, \d others? as of")
        )
        is_current(page)
    finally:
        service.redis.start()
    expect(problem(page, "Redis is unreachable")).to_have_count(0)
    for id_ in service.wait_ready():
        expect(page.locator(f'[id="p-{id_}"]')).to_contain_text("ready")
    is_current(page)
