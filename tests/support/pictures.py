"""Take the pictures of the page in docs/images: one of three processes is down, one blocked, a level is set.

usage: python -m tests.support.pictures [DIRECTORY]
"""

import contextlib
import io
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit, chromium
from tests.support.operators import blocked
from tests.support.processes import RedisServer, Uvicorn

IMAGES = Path(__file__).parents[2] / "docs/images"
HOSTS = ("web-1", "web-2", "web-3")
HEARTBEAT = 12
"""Seconds; a process is late between 1.5 and 3 heartbeats, which is the time for the pictures."""
COURSE = 8
"""How many heartbeats the lines of the figures have."""
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__DEBUG__ENABLED": "True",
    "C2C__HTTP": "True",
    "C2C__INSTANCES__HEARTBEAT": str(HEARTBEAT),
    "C2C__PROMETHEUS__PORT": "0",
}
WIDE = ViewportSize(width=1200, height=700)
PHONE = ViewportSize(width=390, height=844)
COLOURS = 64


@contextlib.contextmanager
def service() -> Iterator[list[str]]:
    """Run three processes with a Redis, and return their URLs."""
    with contextlib.ExitStack() as servers:
        redis = servers.enter_context(RedisServer())
        urls = []
        for host in HOSTS:
            env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url, "PICTURED_HOST": host}
            urls.append(servers.enter_context(Uvicorn("tests.support.pictured_app:app", env=env)).url)
        yield urls


@contextlib.contextmanager
def visitors(urls: list[str]) -> Iterator[None]:
    """Ask the processes now and then meanwhile, so that they have something to do."""
    is_over = threading.Event()

    def ask(client: httpx.Client) -> None:
        while not is_over.wait(0.3):
            for url in urls:
                with contextlib.suppress(httpx.TimeoutException):
                    client.get(f"{url}/c2c/health_checks")

    with httpx.Client(timeout=0.5) as client:
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


def sign_in(visit: Visit) -> Page:
    """Sign in as somebody who gives a name."""
    page = visit.page
    page.goto("/c2c/")
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_label("Your name").fill("alice")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


def set_level(page: Page) -> None:
    """Set a level, which the blocked process does not have."""
    page.goto("/c2c/levels?q=ord")
    page.get_by_label("why").fill("INC-42")
    row = page.get_by_role("group", name="orders.db", exact=True)
    row.get_by_role("button", name="DEBUG", exact=True).click()
    row.get_by_text("no answer").wait_for()


def take(page: Page, path: Path, *, is_whole: bool = True) -> None:
    """Write a picture of the page, or of what of it is seen at first, with few colours."""
    picture = Image.open(io.BytesIO(page.screenshot(full_page=is_whole))).convert("RGB")
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def take_all(browser: Browser, urls: list[str], directory: Path) -> None:
    """Bring the trouble about, and take the pictures while it lasts."""
    with Visit(browser, urls[0], viewport=WIDE) as wide, Visit(browser, urls[0], viewport=PHONE) as phone:
        page, small = sign_in(wide), sign_in(phone)
        time.sleep(COURSE * HEARTBEAT)
        httpx.post(f"{urls[1]}/pool", params={"exhausted": True})
        with blocked(urls[2]):
            late = page.locator("#attention + ul .state").get_by_text("late")
            late.wait_for(timeout=3 * HEARTBEAT * 1000)
            set_level(page)
            take(page, directory / "levels.png")
            page.goto("/c2c/")
            small.reload()
            late.wait_for()
            take(page, directory / "overview-light.png")
            take(small, directory / "overview-phone.png", is_whole=False)
            page.emulate_media(color_scheme="dark")
            take(page, directory / "overview-dark.png")
            late.wait_for()
        page.emulate_media(color_scheme="light")
        page.goto("/c2c/processes")
        page.get_by_role("link", name=f"on {HOSTS[2]}").click()
        page.get_by_role("link", name="Event loop").click()
        page.get_by_role("table").wait_for()
        take(page, directory / "diagnostics.png")


def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    with service() as urls, chromium() as browser, visitors(urls):
        take_all(browser, urls, directory)


if __name__ == "__main__":
    main()
