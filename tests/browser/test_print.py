"""Each view on paper: as few sheets as it needs, black on white, without what only a screen can use."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from c2casgiutils import config
from tests.support import crowd
from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit
from tests.support.processes import RedisServer, Uvicorn

CROWD, CHECKS = 2, 2
"""Made-up processes and their checks, besides the one that answers and its three."""
WIDTH = 718
"""Of A4 in CSS pixels, without the margins."""
VIEWS = {
    "": 1,
    "processes": 1,
    "process?id={}": 1,
    "checks": 1,
    "checks?check=local-pool": 1,
    "levels": 1,
    "levels?q=orders": 1,
    "requests": 1,
    "diagnostics?what=loop&id={}": 1,
    "diagnostics?what=stacks&id={}": 5,
    "diagnostics?what=memory&id={}": 1,
    "diagnostics?what=memory&id={}&ask=1": 1,
    "statements": 1,
    "database": 1,
    "activity": 1,
    "configuration": 4,
}
"""How many sheets each view takes at most: one, unless it lists all stacks or settings."""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """The Redis of the service."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def url(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three processes, two of them made up, with five checks and a database."""
    directory: Path = tmp_path_factory.mktemp("database")
    env = {
        "C2C__AUTH__SECRET": SECRET,
        "C2C__AUTH__JWT__SECRET": KEY,
        "C2C__DB__URL": f"sqlite:///{directory}/service.db",
        "C2C__DEBUG__ENABLED": "True",
        "C2C__HTTP": "True",
        "C2C__PROMETHEUS__PORT": "0",
        "C2C__REDIS__URL": redis.url,
    }
    with Uvicorn("tests.support.every_view_app:app", env=env) as server:
        yield server.url


TROUBLE = """() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const seen = (selector) => all(selector).filter((one) => one.checkVisibility());
    const light = (element) => {  // https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
        const parts = getComputedStyle(element).color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
        const [red, green, blue] = parts.map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const isPale = (element) => element.childElementCount === 0 && element.textContent.trim()
        && 1.05 / (light(element) + 0.05) < 4.5;
    const styled = (selector, name, wanted) =>
        seen(selector).filter((one) => getComputedStyle(one)[name] !== wanted);
    const spilled = (element) => getComputedStyle(element, "::after").content !== "none";
    const open = seen("details").filter((one) => !one.matches(".below, :has(.problems)"));
    const wide = document.documentElement.scrollWidth - innerWidth;
    const found = {
        "what one cannot press": seen("button, input, select, textarea, nav, .skip"),
        "pale text": seen("body *").filter(isPale),
        "an address": seen("a").filter(spilled),
        "details without content": open.filter((one) => !one.lastElementChild.checkVisibility()),
        "a row that may be cut": styled("tr, .problems li, .level", "breakInside", "avoid"),
        "a head that stands once": styled("thead", "display", "table-header-group"),
        "a heading that may end a sheet": styled("h2, h3", "breakAfter", "avoid"),
    };
    return [
        wide > 0 && `wider than the sheet by ${wide}`,
        !seen("main h2").length && "nothing on it",
        ...Object.entries(found).map(([what, those]) =>
            those.length && `${what}: ${those[0].outerHTML.slice(0, 200)}`),
    ].filter(Boolean);
}"""


def test_every_view(url: str, redis: RedisServer, browser: Browser) -> None:
    """No form, menu or dark colour is printed, nothing is cut off, rows stay whole and heads are repeated."""
    config.settings.redis.url = redis.url
    found = []
    viewport: ViewportSize = {"width": WIDTH, "height": 1000}
    with redis.client() as client, Visit(browser, url, viewport=viewport, color_scheme="dark") as visit:
        crowd.join(client, processes=CROWD, checks=CHECKS)
        page = sign_in(visit)
        process = page.request.get("/process").json()
        level = {"level": "DEBUG", "reason": "INC-42"}
        page.request.put("/c2c/logging/loggers/orders.db", headers={"X-API-Key": SECRET}, data=level)
        for path, most in VIEWS.items():
            page.goto(f"/c2c/{path.format(process)}")
            page.emulate_media(media="print")
            found += [f"{path}: {trouble}" for trouble in page.evaluate(TROUBLE)]
            sheets = len(re.findall(rb"/Type /Page\b", page.pdf(format="A4")))
            found += [f"{path}: {sheets} sheets"] if sheets > most else []
            page.emulate_media(media="screen")
    assert found == [], "\n".join(found)


def test_many_problems(url: str, redis: RedisServer, browser: Browser) -> None:
    """Paper says what is left out: how many there are more, and what they are."""
    config.settings.redis.url = redis.url
    with redis.client() as client, Visit(browser, url) as visit:
        crowd.join(client, worst=True)
        try:
            page = sign_in(visit)
            page.emulate_media(media="print")
            expect(page.get_by_text(re.compile(r"^\d+ more: .*40 degraded"))).to_be_visible()
        finally:
            crowd.leave(client)


def sign_in(visit: Visit) -> Page:
    """Open the overview as an administrator."""
    page = visit.page
    page.goto("/c2c/")
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page
