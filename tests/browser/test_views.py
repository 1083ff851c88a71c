"""The overview, the processes and the checks in a real browser, of two workers with Redis."""

import contextlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit
from tests.support.net import wait_for
from tests.support.operators import blocked
from tests.support.processes import RedisServer, Uvicorn

APPLICATION = "tests.support.views_app:app"
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
    "C2C__INSTANCES__HEARTBEAT": "1",
}
WORKERS = 2
SECONDS = 30
ARIA_SORT = "th[aria-sort]"


class Service:
    """Two workers with a Redis of their own."""

    def __init__(self, server: Uvicorn, redis: RedisServer) -> None:
        self.url, self.redis = server.url, redis

    def load(self, path: str = "") -> httpx.Response:
        """Get a view over a new connection, so from either worker."""
        return httpx.get(f"{self.url}/c2c/{path}", headers={"X-API-Key": SECRET}, timeout=SECONDS)

    @contextlib.contextmanager
    def workers(self) -> Iterator[list[httpx.Client]]:
        """A connection to each worker, which stays open: a new one is to whoever is not busy."""
        found: dict[str, httpx.Client] = {}
        with ExitStack() as clients:

            def all_are_found() -> bool:
                client = clients.enter_context(
                    httpx.Client(base_url=self.url, headers={"X-API-Key": SECRET}, timeout=SECONDS)
                )
                found.setdefault(client.get("/process").text, client)
                return len(found) == WORKERS

            wait_for(all_are_found, seconds=SECONDS, what="a connection to each worker")
            yield list(found.values())

    def overview(self) -> dict[str, object]:
        found: dict[str, object] = self.load("overview").json()
        return found

    def wait_sick(self, sick: str) -> str:
        """Wait until the page of each worker names the sick process, and return the text."""
        host, pid, _ = sick.split(":")
        text = f"Health check local-pool is down in 1 of 2: {pid} on {host}: pool exhausted: 5 of 5"
        with self.workers() as workers:
            wait_for(
                lambda: all(text in worker.get("/c2c/").text for worker in workers),
                seconds=SECONDS,
                what="the sick process on the page of each worker",
            )
        return text

    def is_well(self) -> bool:
        body = self.overview()
        return (body["state"], body["attention"]) == ("ok", []) and len(self.ids()) == WORKERS

    def ids(self) -> list[str]:
        body = self.load("instances?samples=false").json()
        return [one["id"] for one in body["instances"] if (one["liveness"], one["state"]) == ("ok", "ready")]

    def wait_well(self) -> None:
        wait_for(self.is_well, seconds=2 * SECONDS, what="two ready workers of which nothing needs attention")


def start(servers: ExitStack) -> Service:
    redis = servers.enter_context(RedisServer())
    env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url}
    options = ("--timeout-worker-healthcheck", "40")
    server = servers.enter_context(Uvicorn(APPLICATION, *options, workers=WORKERS, env=env))
    return Service(server, redis)


@pytest.fixture(scope="module")
def _shared() -> Iterator[Service]:
    with ExitStack() as servers:
        yield start(servers)


@pytest.fixture
def service(_shared: Service) -> Service:
    """The service, of which nothing needs attention."""
    _shared.wait_well()
    return _shared


def sign_in(visit: Visit) -> Page:
    visit.page.goto("/c2c/")
    visit.page.get_by_label("Secret").fill(SECRET)
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.get_by_role("button", name="Sign out").wait_for()
    return visit.page


def looks(visit: Visit, path: str) -> None:
    """Nothing is wider than the screen, and axe finds nothing, wide and light, narrow and dark."""
    visit.page.goto(f"/c2c/{path}")
    looked: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 320))
    for scheme, width in looked:
        visit.page.emulate_media(color_scheme=scheme)
        visit.page.set_viewport_size({"width": width, "height": 900})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        assert visit.axe() == [], (path, scheme)


def exhaust(service: Service, *, exhausted: bool) -> str:
    answer = httpx.post(f"{service.url}/pool", params={"exhausted": exhausted}, timeout=SECONDS)
    found: str = answer.json()
    return found


def mend(service: Service) -> None:
    """Mend the pools of both workers."""
    mended: set[str] = set()

    def all_mended() -> bool:
        mended.add(exhaust(service, exhausted=False))
        return len(mended) == WORKERS

    wait_for(all_mended, seconds=SECONDS, what="both workers")


def test_nothing_needs_attention(service: Service, browser: Browser) -> None:
    """The overview says so, and who answered."""
    with Visit(browser, service.url) as visit:
        sign_in(visit)
        expect(
            visit.page.get_by_text("Nothing needs attention. 2 of 2 processes answered at")
        ).to_be_visible()
        expect(visit.page.get_by_text("3 ok.")).to_be_visible()


def test_the_sick_process_is_found_at_once(service: Service, browser: Browser) -> None:
    """Every worker names it, why and since when; one click leads to its last results."""
    sick = exhaust(service, exhausted=True)
    try:
        pid, host = sick.split(":")[1], sick.split(":")[0]
        text = service.wait_sick(sick)
        with Visit(browser, service.url) as visit:
            page = sign_in(visit)
            page.set_viewport_size({"width": 1280, "height": 900})
            line = page.get_by_role("listitem").filter(has_text=text)
            expect(line).to_be_in_viewport()
            expect(line.locator("time")).to_have_attribute("title", re.compile("^since 20"))
            expect(page.get_by_role("row", name=f"{pid} on {host}").first).to_contain_text("down")
            looks(visit, "")
            visit.page.set_viewport_size({"width": 1280, "height": 900})
            line.get_by_role("link", name="Open local-pool").click()
            row = page.locator(f'[id="p-{sick}"]')
            expect(row).to_contain_text("down")
            row.get_by_text("Details").click()
            expect(row).to_contain_text("JsonCheckError")
            expect(page.get_by_role("img", name=re.compile(r"\d+ down")).first).to_be_visible()
            looks(visit, "checks?check=local-pool")
    finally:
        mend(service)


def test_drain(service: Service, browser: Browser) -> None:
    """The first process is drained by a click, the last one after a question; the result stands there."""
    first, last = service.ids()
    with Visit(browser, service.url, expected=("409 (Conflict)",)) as visit:
        page = sign_in(visit)
        page.goto(f"/c2c/process?id={first}")
        section = page.get_by_role("region", name="Drain", exact=True)
        page.get_by_label("For").select_option("10 minutes")
        page.get_by_role("button", name="Drain", exact=True).click()
        expect(section.get_by_role("button", name="Undrain", exact=True)).to_be_visible()
        expect(section.get_by_role("heading", name="Drain")).to_be_focused()
        wait_for(lambda: service.ids() == [last], seconds=SECONDS, what="the first process drained")

        page.goto(f"/c2c/process?id={last}")
        page.get_by_role("button", name="Drain", exact=True).click()
        expect(section.get_by_role("alert")).to_contain_text("No other process would be ready")
        assert visit.axe() == []
        page.get_by_label("Drain it although no other process is ready").check()
        page.get_by_role("button", name="Drain", exact=True).click()
        expect(section.get_by_role("button", name="Undrain", exact=True)).to_be_visible()

        for id_ in (first, last):
            page.goto(f"/c2c/process?id={id_}")
            section.get_by_role("button", name="Undrain", exact=True).click()
            expect(section.get_by_role("button", name="Drain", exact=True)).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_sort_and_filter(service: Service, browser: Browser, javascript: bool) -> None:
    """Links sort, the form filters, and both stand in the address; a filter that finds nothing says so."""
    with Visit(browser, service.url, java_script_enabled=javascript) as visit:
        page = sign_in(visit)
        page.get_by_role("link", name=re.compile(r"^Processes \d")).click()
        page.get_by_role("link", name="Memory").click()
        expect(page).to_have_url(re.compile(r"processes\?sort=memory$"))
        expect(page.locator(ARIA_SORT)).to_have_text("Memory")
        page.get_by_label("Search").fill("nobody")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("No process matches “q=nobody”.")).to_be_visible()
        if javascript:
            assert visit.axe() == []
        page.get_by_role("link", name="show all 2").click()
        expect(page.locator("tbody tr")).to_have_count(2)


class Hand:
    """Works with a page, and counts the clicks and keystrokes of one task after the other."""

    def __init__(self, page: Page) -> None:
        self.counted: dict[str, tuple[int, int]] = {}
        self._page = page
        self._clicks = self._keys = 0

    def click(self, target: Locator) -> None:
        """Click on something that is seen without scrolling."""
        expect(target).to_be_in_viewport()
        target.click()
        self._clicks += 1

    def press(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._page.keyboard.press(key)
            self._keys += 1

    def finish(self, task: str, *seen: Locator) -> None:
        """End a task: what it is about is seen without scrolling."""
        for each in seen:
            expect(each).to_be_in_viewport()
        self.counted[task] = (self._clicks, self._keys)
        self._clicks = self._keys = 0


def documented() -> dict[str, tuple[int, int]]:
    """Return the clicks and keys of each task in the documentation of the page."""
    text = (Path(__file__).parents[2] / "docs/page.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    return {task: (int(clicks), int(keys)) for task, clicks, keys in rows}


def test_tasks(service: Service, browser: Browser) -> None:
    """They take as many clicks and keys as the documentation says."""
    sick = exhaust(service, exhausted=True)
    name = "{1} on {0}".format(*sick.split(":"))
    try:
        service.wait_sick(sick)
        with Visit(browser, service.url, viewport={"width": 1280, "height": 900}) as visit:
            hand = Hand(sign_in(visit))
            do_tasks(visit.page, hand, name)
            do_tasks_otherwise(visit.page, hand, name)
        options: Any = {"java_script_enabled": False, "viewport": {"width": 1280, "height": 900}}
        with Visit(browser, service.url, **options) as visit:
            plain = Hand(sign_in(visit))
            do_tasks_without_a_script(visit.page, plain)
        counted = {**hand.counted, **plain.counted, **count_of_diagnosis(service, browser)}
        assert counted == documented()
    finally:
        mend(service)


def do_tasks(page: Page, hand: Hand, name: str) -> None:
    """Do each task of the documentation."""
    line = page.get_by_role("listitem").filter(has_text=f"{name}: pool exhausted: 5 of 5")
    process = page.get_by_role("link", name=name, exact=True).first
    hand.finish("Which process is sick, and why", line)
    hand.finish("Since when", line.locator("time"))
    hand.finish("The version of each process", *page.get_by_role("cell", name="0.1.0").all())
    read_at = page.locator("#at").inner_text()
    expect(page.locator("#at")).not_to_have_text(read_at)
    hand.finish("Keep the page current")

    row = page.get_by_role("group", name="orders.db", exact=True)
    hand.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    hand.press("o", "r", "d", "Enter")
    hand.click(row.get_by_role("button", name="DEBUG", exact=True))
    debug = "`DEBUG` for 10 minutes in all processes, and who has it"
    hand.finish(debug, row.get_by_text("2 of 2 applied DEBUG."), row.locator("time"))
    hand.click(row.get_by_role("button", name="End"))
    hand.finish("End it", row.get_by_text("No level is set."))

    hand.press("g", "a")
    hand.finish("Who changed what", page.get_by_role("row").filter(has_text="orders.db").first)
    hand.press("g", "s")
    request = page.get_by_role("region", name="Your request")
    hand.finish("The address of the client behind the proxy", request.get_by_text("127.0.0.1").first)

    page.goto("/c2c/")
    hand.click(page.locator(".strip .curl summary"))
    expect(page.locator("#said")).to_have_text(re.compile("^Copied: curl "))
    hand.finish("Copy the curl command of a view")
    hand.click(page.get_by_role("link", name="Memory"))
    expect(page).to_have_url(re.compile(r"\?sort=memory"))
    hand.finish("The processes with the most memory, as a link to share", page.locator(ARIA_SORT))

    page.goto("/c2c/")
    hand.click(process)
    hand.click(page.get_by_role("link", name="Event loop"))
    loop = page.get_by_text("Lag in the last minute")
    hand.finish("What blocked the event loop of a process", loop)
    page.goto("/c2c/")
    hand.click(process)
    hand.click(page.get_by_role("button", name="Drain", exact=True))
    hand.finish("Drain a process", page.get_by_role("button", name="Undrain", exact=True))
    page.goto("/c2c/")
    hand.click(page.get_by_role("listitem").get_by_role("button", name="Undrain"))
    hand.finish("Put it back into service", page.get_by_text(f"{name} is ready."))


def count_of_diagnosis(service: Service, browser: Browser) -> dict[str, tuple[int, int]]:
    """Find out what a process does that does not answer."""
    with (
        blocked(service.url) as victim,
        Visit(browser, service.url, viewport={"width": 1280, "height": 900}) as visit,
    ):
        hand = Hand(sign_in(visit))
        hand.click(visit.page.get_by_role("link", name=f"Stacks {victim.id}"))
        stack = (
            visit.page.locator("main summary")
            .filter(has_text="block MainThread")
            .filter(has_text="blocked for")
        )
        hand.finish("What a process does that does not answer", stack)
    return hand.counted


def do_tasks_otherwise(page: Page, hand: Hand, name: str) -> None:
    """Do those with the keyboard alone, at a zoom of 400 %, and on paper."""
    row = page.get_by_role("group", name="orders.db", exact=True)
    page.goto("/c2c/")
    hand.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    hand.press("o", "r", "d", "Enter")
    expect(page.get_by_text("3 loggers in 2 processes.")).to_be_visible()
    hand.press("j", "j")
    expect(row).to_be_focused()
    debug = row.get_by_role("button", name="DEBUG", exact=True)
    while not debug.evaluate("button => button === document.activeElement"):
        hand.press("Tab")
    hand.press("Enter")
    expect(row.get_by_text("2 of 2 applied DEBUG.")).to_be_in_viewport()
    expect(row).to_be_focused()
    hand.press("e")
    hand.finish(
        "`DEBUG` in all processes and its end, with the keyboard alone", row.get_by_text("No level is set.")
    )

    page.set_viewport_size({"width": 320, "height": 256})  # what 1280 x 1024 at 400 % is
    page.goto("/c2c/")
    hand.press("Tab", "Tab", "Enter")
    line = page.get_by_role("listitem").filter(has_text=f"{name}: pool exhausted: 5 of 5")
    hand.finish("Which process is sick, at a zoom of 400 %", line)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

    hand.press("Control+p")
    assert len(re.findall(rb"/Type /Page\b", page.pdf(format="A4"))) == 1
    hand.finish("The overview on one sheet of A4")


def do_tasks_without_a_script(page: Page, hand: Hand) -> None:
    """Set a level by links and forms alone."""
    row = page.get_by_role("group", name="orders.db", exact=True)
    hand.click(page.get_by_role("link", name="Log levels"))
    hand.click(page.get_by_label("Search"))
    hand.press("o", "r", "d", "Enter")
    hand.click(row.get_by_role("button", name="DEBUG", exact=True))
    hand.finish("`DEBUG` for 10 minutes without JavaScript", row.get_by_text("2 of 2 applied DEBUG."))
    row.get_by_role("button", name="End").click()
    expect(row.get_by_text("No level is set.")).to_be_visible()
