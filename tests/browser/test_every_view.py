"""Every view, as every kind of visitor, behind a proxy that strips a prefix, below the strictest policy."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from c2casgiutils import config
from c2casgiutils.tools._views import VIEWS
from tests.support import crowd
from tests.support.auth import KEY
from tests.support.browser import Visit
from tests.support.fake_github import FakeGitHub, Repository
from tests.support.processes import RedisServer, Uvicorn
from tests.support.web_servers import Nginx

PERMISSIONS = {"reader": "pull", "writer": "push", "administrator": "admin"}
MOUNT = "/below/c2c/"
PROXY = """
location /below/ {{
    proxy_pass {url}/;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Prefix /below;
}}
"""
VISITED = [
    *(view.id for view in VIEWS if view.parent is None),
    "checks?check=local-pool",
    "levels?logger=orders.db",
    *(f"diagnostics?what={what}" for what in ("stacks", "memory", "profile")),
]
"""The addresses of all views, below the mount."""


class Service:
    """One process with Redis and a database, behind nginx.

    Args:
        url: The proxy.
        github: Who may do what.
        redis: Of the process.
    """

    def __init__(self, url: str, github: FakeGitHub, redis: RedisServer) -> None:
        self.url = url
        self.github = github
        self.redis = redis

    def sign_in(self, visit: Visit, name: str, *, at: str = "") -> Page:
        """Open a view as somebody who then signs in, and wait for it."""
        self.github.user = name
        page = visit.page
        page.goto(f"{MOUNT}{at}")
        page.get_by_role("link", name="Sign in with GitHub").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        visit.complaints[:] = [each for each in visit.complaints if self.github.url not in each]
        return page


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with three users."""
    directory: Path = tmp_path_factory.mktemp("database")
    with ExitStack() as servers:
        github = servers.enter_context(FakeGitHub())
        redis = servers.enter_context(RedisServer())
        github.users = {name: {"login": name} for name in PERMISSIONS}
        repository = Repository(permissions={name: [right] for name, right in PERMISSIONS.items()})
        github.repositories = {"org/repo": repository}
        env = {
            **github.environment(),
            "C2C__AUTH__JWT__SECRET": KEY,
            "C2C__DB__URL": f"sqlite:///{directory}/service.db",
            "C2C__DEBUG__ENABLED": "True",
            "C2C__HTTP": "True",
            "C2C__PROMETHEUS__PORT": "0",
            "C2C__PROXY_HEADERS__TYPE": "x-forwarded",
            "C2C__PROXY_HEADERS__APPLY_PREFIX": "True",
            "C2C__REDIS__URL": redis.url,
        }
        server = servers.enter_context(Uvicorn("tests.support.every_view_app:app", env=env))
        yield Service(servers.enter_context(Nginx(PROXY.format(url=server.url))).url, github, redis)


TROUBLE = """() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const seen = (selector) => all(selector).filter((one) => one.checkVisibility());
    const wide = document.documentElement.scrollWidth - innerWidth;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const moving = seen("body *").filter((one) => parseFloat(getComputedStyle(one).transitionDuration));
    const group = (element) => element.closest(".views, .buttons, .live");
    const mark = (element) => {  // what is not a colour
        const style = getComputedStyle(element);
        return `${style.borderBottomWidth} ${style.textDecorationLine}`;
    };
    const isLike = (chosen, others) => seen(chosen).some((one) =>
        seen(others).some((other) => group(one) === group(other) && mark(one) === mark(other)));
    return [
        wide > 0 && `wider than the screen by ${wide}`,
        isStill && moving.length && `moves: ${moving[0].outerHTML}`,
        isLike(".views [aria-current]", ".views a:not([aria-current])") && "the current link is like others",
        isLike("[aria-pressed=true]", "[aria-pressed=false]") && "the chosen button is like others",
    ].filter(Boolean);
}"""


def looks(visit: Visit, path: str) -> list[str]:
    """Return what is wrong with a view: wide and light, dark at 400 % without motion, in forced colours."""
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light", reduced_motion="no-preference", forced_colors="none")
    found = [*page.evaluate(TROUBLE), *visit.axe()]
    page.set_viewport_size({"width": 320, "height": 256})  # what 1280 x 1024 at 400 % is
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += [*page.evaluate(TROUBLE), *visit.axe()]
    page.set_viewport_size({"width": 640, "height": 512})
    page.emulate_media(color_scheme="light", forced_colors="active")
    # axe computes the contrast of colours that are not the ones shown then
    found += [*page.evaluate(TROUBLE), *visit.axe(without=("color-contrast",))]
    return [f"{path}: {each}" for each in found]


LOOKED_AT = (*VISITED, "statements", "waiting", "nothing", "broken", "no/such/address", "processes?sort=none")
EMPTY = (
    "processes?q=nobody",
    "process?id=gone:1:00000000",
    "checks?check=nobody",
    "levels?q=nobody.at-all",
    "levels?logger=nobody.at-all",
    "requests?status=599",
    "activity?who=nobody",
    "diagnostics?what=stacks&id=gone:1:00000000",
    f"activity?what={'x' * 3000}",
)
"""The addresses of views that find nothing, or not what somebody asked for."""
REFUSED = ("Failed to load resource",)


def test_looks(service: Service, browser: Browser) -> None:
    """No view overflows, moves where that is unwanted, shows a state by colour alone, or offends axe."""
    with Visit(browser, service.url, expected=REFUSED) as visit:
        visit.page.goto(MOUNT)
        found = looks(visit, "signed out")
        page = service.sign_in(visit, "administrator")
        process = page.locator('a[href^="process?id="]').first.get_attribute("href") or ""
        for path in (*LOOKED_AT, process):
            page.goto(f"{MOUNT}{path}")
            found += looks(visit, path)
    assert found == [], "\n".join(found)


def test_looks_of_nothing(service: Service, browser: Browser) -> None:
    """A view that finds nothing looks as well."""
    with Visit(browser, service.url, expected=REFUSED) as visit:
        page = service.sign_in(visit, "administrator")
        found = []
        for path in EMPTY:
            page.goto(f"{MOUNT}{path}")
            found += looks(visit, path)
    assert found == [], "\n".join(found)


def test_looks_in_trouble(service: Service, browser: Browser) -> None:
    """So do those with processes that are late, lost or down, with a level, and without an answer."""
    config.settings.redis.url = service.redis.url
    with (
        Visit(browser, service.url, expected=REFUSED) as visit,
        service.redis.client() as client,
    ):
        page = service.sign_in(visit, "administrator", at="levels?q=orders.db")
        row = page.get_by_role("group", name="orders.db", exact=True)
        row.get_by_role("button", name="DEBUG", exact=True).click()
        expect(row.get_by_role("status")).to_be_visible()
        found = looks(visit, "a level")
        ids = crowd.join(client, processes=14, checks=5)
        try:
            page.goto(MOUNT)
            expect(page.locator(".problems .state-fail").first).to_be_visible()
            found += looks(visit, "trouble")
            paths = ("processes", "checks", "levels", "configuration", "activity", f"process?id={ids[0]}")
            for path in (*paths, f"process?id={ids[1]}", f"process?id={ids[5]}"):
                page.goto(f"{MOUNT}{path}")
                found += looks(visit, f"trouble in {path}")
            page.goto(MOUNT)
            page.route("**/*", lambda route: route.abort())
            page.keyboard.press("r")
            expect(page.locator("#stale")).to_contain_text("No response", timeout=60_000)
            found += looks(visit, "stale")
        finally:
            crowd.leave(client)
        page.unroute("**/*")
        page.goto(f"{MOUNT}levels?q=orders.db")
        end = page.get_by_role("button", name="End DEBUG of orders.db")
        end.click()
        expect(end).to_have_count(0)
    assert found == [], "\n".join(found)


BUTTONS = """() => [...document.querySelectorAll("main button[type=submit], main button:not([type])")]
    .filter((button) => button.form.method === "post" && button.formMethod !== "get" && !button.disabled)
    .map((button) => button.name || button.textContent)"""
DUMP = "Download a dump of all processes"
WRITER = {"levels": {"set"}, "levels?logger=orders.db": {"set"}}
RIGHTS: dict[str, dict[str, set[str]]] = {
    "reader": {},
    "writer": WRITER,
    "administrator": {
        **WRITER,
        "requests": {"Follow"},
        "database": {"maintenance"},
        "diagnostics": {DUMP},
        "diagnostics?what=stacks": {DUMP},
        "diagnostics?what=memory": {DUMP},
        "diagnostics?what=profile": {DUMP, "Profile"},
        "process?": {"drain"},
    },
}
"""The buttons that change something, by who sees them, and where."""


@pytest.mark.parametrize("name", RIGHTS)
def test_what_each_may_do(service: Service, browser: Browser, name: str) -> None:
    """A deep link survives the sign-in; then each view has the buttons of those who may press them."""
    with Visit(browser, service.url, expected=("403 (Forbidden)",)) as visit:
        page = service.sign_in(visit, name, at="processes?sort=lag")
        expect(page).to_have_url(re.compile(r"/below/c2c/processes\?sort=lag$"))
        process = page.locator('a[href^="process?id="]').first.get_attribute("href") or ""
        found = {}
        for path in (*VISITED, process):
            page.goto(f"{MOUNT}{path}")
            if buttons := set(page.evaluate(BUTTONS)):
                found[path.partition("id=")[0] if path == process else path] = buttons
    assert found == RIGHTS[name]


def test_strangers(service: Service, browser: Browser) -> None:
    """They see the state, and nothing but the sign-in at the address of any view."""
    with Visit(browser, service.url, expected=("403 (Forbidden)",)) as visit:
        page = visit.page
        for path in VISITED:
            page.goto(f"{MOUNT}{path}")
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
            assert page.locator("main table, .views, form").count() == 0, path
            assert page.locator(".strip .state").count() == 1, path


def test_without_a_script(service: Service, browser: Browser) -> None:
    """A session that ends during an entry, a drain and a followed request work by forms and links alone."""
    expected = ("403 (Forbidden)", "409 (Conflict)")
    with Visit(browser, service.url, java_script_enabled=False, expected=expected) as visit:
        page = service.sign_in(visit, "administrator", at="levels?q=orders.db")
        page.get_by_label("why").fill("INC-42")
        visit.context.clear_cookies()
        row = page.get_by_role("group", name="orders.db", exact=True)
        row.get_by_role("button", name="DEBUG", exact=True).click()
        kept = "Your session ended. Sign in again: your entry (orders.db, DEBUG) is kept."
        expect(page.get_by_text(kept)).to_be_visible()
        page.get_by_role("link", name="Sign in with GitHub").click()
        expect(page.get_by_label("why")).to_have_value("INC-42")
        expect(page.get_by_text("Press “DEBUG” of orders.db again.")).to_be_visible()
        visit.complaints[:] = [each for each in visit.complaints if service.github.url not in each]

        page.get_by_role("link", name="Overview").click()
        page.locator('a[href^="process?id="]').first.click()
        page.get_by_role("button", name="Drain", exact=True).click()
        page.get_by_label("Drain it although no other process is ready").check()
        page.get_by_role("button", name="Drain", exact=True).click()
        page.get_by_role("button", name="Undrain", exact=True).click()
        expect(page.get_by_role("button", name="Drain", exact=True)).to_be_visible()

        page.get_by_role("link", name="Requests", exact=True).click()
        page.get_by_role("button", name="Follow").click()
        expect(page.get_by_role("link", name="Show the lines that came")).to_be_visible()
