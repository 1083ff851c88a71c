"""A level that is set while one of three processes does not answer, in a real browser."""

import contextlib
import re
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit
from tests.support.net import wait_for
from tests.support.operators import blocked, stopped
from tests.support.processes import RedisServer, Uvicorn

HEARTBEAT = 8
"""Long enough that a process is late, but not yet lost, while the page is looked at."""
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
    "C2C__INSTANCES__HEARTBEAT": str(HEARTBEAT),
}
SECONDS = 60
NAME = "orders.db"
CONFIGURED = "No level is set. 3 of 3 have that of the configuration."
SET = "3 of 3 applied DEBUG."


class Service:
    """Three processes with addresses of their own and one Redis; the last one is to be silent.

    A worker of a common server that is stopped would keep connections that the browser opened in advance.

    Args:
        servers: Running.
    """

    def __init__(self, servers: list[Uvicorn]) -> None:
        self.url, self.silent = servers[0].url, servers[-1]
        self._pids = [server.pid for server in servers]

    def name_of(self, pid: int) -> str:
        """Return a process as the page writes it."""
        return f"{pid} on {self._instances()[pid].split(':')[0]}"

    def _instances(self) -> dict[int, str]:
        answer = httpx.get(
            f"{self.url}/c2c/instances?samples=false", headers={"X-API-Key": SECRET}, timeout=SECONDS
        )
        found = answer.json()["instances"]
        return {one["pid"]: one["id"] for one in found if (one["liveness"], one["state"]) == ("ok", "ready")}

    def is_whole(self) -> bool:
        """Return whether all processes are there."""
        return set(self._pids) == self._instances().keys()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Three processes that know each other."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url}
        service = Service(
            [stack.enter_context(Uvicorn("tests.support.live_app:app", env=env)) for _ in range(3)]
        )
        wait_for(service.is_whole, seconds=SECONDS, what="three processes")
        yield service


@contextlib.contextmanager
def silence(server: Uvicorn, way: str) -> Iterator[None]:
    """Let a process hang meanwhile."""
    with blocked(server.url) if way == "blocked" else stopped(server.pid):
        yield


def row_of(page: Page) -> Locator:
    return page.get_by_role("group", name=NAME, exact=True)


def until(page: Page, path: str, locator: Locator, *, is_there: bool = True) -> None:
    """Load a view again until something is there, or is not any more."""

    def is_shown() -> bool:
        page.goto(path)
        return (locator.count() == 1) == is_there

    wait_for(is_shown, seconds=SECONDS, what=f"{locator} at {path}")


@pytest.mark.parametrize(("way", "script"), [("blocked", True), ("stopped", True), ("stopped", False)])
def test_two_of_three_have_it(
    service: Service, browser: Browser, way: str, script: bool
) -> None:  # a parameter
    """The row says who does not, also without asking; one line says it until the process has applied it."""
    silent = service.name_of(service.silent.pid)
    with Visit(
        browser, service.url, java_script_enabled=script, expected=("Failed to load resource",)
    ) as visit:
        page = visit.page
        page.goto("/c2c/")
        page.get_by_label("Secret").fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()
        attention = page.locator(".problems li").filter(has_text="have the last change")
        result = row_of(page).get_by_role("status")
        page.goto(f"/c2c/levels?logger={NAME}")
        with silence(service.silent, way):
            row_of(page).get_by_role("button", name="DEBUG", exact=True).click()
            expect(result).to_contain_text(
                re.compile(
                    rf"2 of 3 have it: {silent} no answer( \(late \d+ s\))?, \d+ on \S+ ok, \d+ on \S+ ok; "
                    r"it will apply it when it is back\."
                )
            )
            if script:
                expect(row_of(page)).to_be_focused()
                page.goto("/c2c/")
                expect(attention).to_be_visible(timeout=SECONDS * 1000)
            else:
                until(page, "/c2c/", attention)
            expect(attention).to_have_count(1)
            expect(attention).to_contain_text(f"2 of 3 have the last change: not yet {silent} (late)")
            page.goto("/c2c/processes?state=behind")
            expect(page.locator("main table tbody tr")).to_have_count(1)
            expect(page.locator("main table tbody tr")).to_contain_text(silent)
            page.goto("/c2c/levels")
            expect(row_of(page)).to_contain_text(re.compile(rf"2 of 3 have it: {silent} late \d+ s"))
        if script:
            page.goto("/c2c/")
            expect(attention).to_have_count(0, timeout=SECONDS * 1000)
        else:
            until(page, "/c2c/", attention, is_there=False)
        until(page, f"/c2c/levels?logger={NAME}", result.filter(has_text=SET))
        row_of(page).get_by_role("button", name="End").click()
        expect(result).to_contain_text(CONFIGURED)
        page.goto("/c2c/processes?state=behind")
        expect(page.locator("main table tbody tr")).to_have_count(0)
