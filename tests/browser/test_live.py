"""The page that keeps itself current, and its keys, in a real browser with two processes behind it."""

import contextlib
import datetime
import functools
import itertools
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.support.auth import KEY
from tests.support.browser import Visit
from tests.support.operators import settings_of
from tests.support.processes import RedisServer, Uvicorn

SECRET = "a-secret-of-the-operators"
APP = "tests.support.live_app:app"
ALONE = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
}
"""The settings of a process without Redis."""
FAILED = "Failed to load resource"
"""What the console says of any answer that is an error, and of none."""


@pytest.fixture(scope="module")
def server() -> Iterator[Uvicorn]:
    """Two processes of an application that forbids its pages everything."""
    with RedisServer() as redis:
        # uvicorn replaces a worker that a test stops for longer than 5 s
        options = ("--timeout-worker-healthcheck", "60")
        settings = settings_of(redis.port)
        with Uvicorn(APP, *options, workers=2, env=settings) as running:
            yield running


@pytest.fixture(scope="module")
def session(server: Uvicorn, browser: Browser) -> Any:
    """The cookies of somebody who signed in."""
    with Visit(browser, server.url) as visit:
        visit.page.goto("/c2c/")
        visit.page.get_by_label("Secret").fill(SECRET)
        visit.page.get_by_role("button", name="Sign in").click()
        expect(visit.page.get_by_role("button", name="Sign out")).to_be_visible()
        return visit.context.storage_state()


Open = Callable[..., Visit]


@pytest.fixture
def visit(server: Uvicorn, browser: Browser, session: Any) -> Iterator[Open]:
    """Open a browser of somebody who is signed in and whose page refreshes often."""
    with contextlib.ExitStack() as visits:

        def enter(*expected: str, **options: Any) -> Visit:
            entered = Visit(browser, server.url, expected=expected, storage_state=session, **options)
            entered.context.add_init_script("try { localStorage['c2c.every'] ??= '0.3' } catch {}")
            visits.enter_context(entered)
            visits.callback(entered.page.unroute_all, behavior="ignoreErrors")
            return entered

        yield enter


def eventually(page: Page, condition: Callable[[], bool], *, what: str = "condition") -> None:
    """Wait until the condition holds, while the browser works."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        page.wait_for_timeout(50)


class Served:
    """The page with a main part that changes as a test wants it, in the frame and with the policy of ours.

    Args:
        page: The page of a visitor.
        contents: Returns the main part of the answer of this number.
    """

    def __init__(self, page: Page, contents: Callable[[int], str]) -> None:
        self.answers = 0
        self._contents = contents
        self._page = page
        page.route(re.compile(r"/c2c/\?served"), self._answer)
        page.goto("/c2c/?served")
        self.refreshed()

    def refreshed(self, times: int = 1) -> None:
        """Wait until the page shows an answer to a request that is made from now on."""
        wanted = self.answers + times + 1  # one may be on its way
        shown = self._page.locator("#answer")
        eventually(self._page, lambda: int(shown.get_attribute("data-number") or 0) >= wanted)

    def _answer(self, route: Route) -> None:
        headers = {name: value for name, value in route.request.headers.items() if name != "if-none-match"}
        answer = route.fetch(headers=headers)
        self.answers += 1
        number = f'<i id="answer" data-number="{self.answers}"></i>'
        main = f'<main id="main" class="wide">{number}{self._contents(self.answers)}</main>'
        body = re.sub("<main.*</main>", lambda _: main, answer.text(), flags=re.DOTALL)
        # a tag would be that of what the server sent
        kept = {name: value for name, value in answer.headers.items() if name != "etag"}
        route.fulfill(response=answer, headers=kept, body=body)


def rows(names: str, number: int) -> str:
    """A table with a row for each letter, which shows the number of the answer."""
    cells = (
        f'<tr id="row-{name}"><th scope="row"><a href="./?row={name}">{name}</a></th><td>{number}</td></tr>'
        for name in names
    )
    head = "<thead><tr><th>Name</th><th>Number</th></tr></thead>"
    return f'<table class="rows">{head}<tbody>{"".join(cells)}</tbody></table>'


def order(page: Page) -> str:
    """The names of the rows."""
    return "".join(page.locator("tbody th").all_inner_texts())


FORM = """
<form method="post" action="./">
  <input id="name" name="name" value="given" aria-label="Name">
  <select id="level" name="level" aria-label="Level"><option>INFO</option><option>DEBUG</option></select>
  <textarea id="reason" aria-label="Reason"></textarea>
  <input type="checkbox" id="all" aria-label="All">
</form>
<details id="more"><summary>More</summary><p>inside</p></details>
"""


def test_what_somebody_uses_is_kept(visit: Open) -> None:
    """Typed text, choices, focus, selection, open details and scroll position survive rows that move."""
    page = visit(viewport={"width": 800, "height": 300}).page
    names = "abcdefghijklmnopqrstuvwxyz"

    def contents(number: int) -> str:
        shift = number % len(names)
        return FORM + rows(names[shift:] + names[:shift], number)

    served = Served(page, contents)
    page.locator("#level").select_option("DEBUG")
    page.locator("#reason").fill("because")
    page.locator("#all").check()
    page.locator("#more summary").click()
    page.locator("#name").fill("orders")
    page.evaluate(
        """() => {
            const name = document.querySelector("#name");
            name.setSelectionRange(1, 4);
            window.scrollTo(0, 120);
            window.before = [name, ...document.querySelectorAll("tbody tr")];
        }"""
    )
    page.mouse.move(0, 0)
    first = order(page)
    served.refreshed(2)
    assert order(page) != first
    found = page.evaluate(
        """() => {
            const name = document.querySelector("#name");
            return {
                texts: ["name", "level", "reason"].map((id) => document.getElementById(id).value),
                checked: document.querySelector("#all").checked,
                focus: document.activeElement.id,
                selection: [name.selectionStart, name.selectionEnd],
                open: document.querySelector("#more").open,
                scroll: window.scrollY,
                nodes: window.before.every((node) => node.isConnected),
            };
        }"""
    )
    assert found == {
        "texts": ["orders", "DEBUG", "because"],
        "checked": True,
        "focus": "name",
        "selection": [1, 4],
        "open": True,
        "scroll": 120,
        "nodes": True,
    }


def test_rows_below_a_pointer_keep_their_places(visit: Open) -> None:
    """Nobody clicks on another row than the one aimed at: values change, places do not, new rows are last."""
    page = visit().page
    served = Served(page, lambda number: rows("ab" if number % 2 else "xba", number))
    page.locator("#row-b").hover()
    served.refreshed(2)
    held = order(page)
    number = page.locator("#row-b td").inner_text()
    served.refreshed(2)
    assert (order(page).replace("x", ""), held.replace("x", "")) in {("ab", "ab"), ("ba", "ba")}
    assert not order(page).startswith("x")
    assert page.locator("#row-b td").inner_text() != number
    page.mouse.move(0, 0)
    served.refreshed(2)
    expect(page.locator("tbody tr").first).to_have_id("row-x")


def test_row_in_use_is_not_removed(visit: Open) -> None:
    """A row in which somebody types outlives the process that it stands for; it goes once it is left."""
    page = visit().page
    is_gone = False

    def contents(number: int) -> str:
        field = '<input aria-label="Reason" id="why">'
        gone = f'<tr id="row-gone"><th>gone</th><td>{field}</td></tr>'
        first = f'<tr id="row-a"><th>a</th><td>{number}</td></tr>'
        return f"<table><tbody>{first}{'' if is_gone else gone}</tbody></table>"

    served = Served(page, contents)
    page.locator("#why").fill("typed")
    is_gone = True
    served.refreshed(2)
    assert page.locator("#why").input_value() == "typed"
    page.locator("#why").fill("")
    page.locator("#why").blur()
    expect(page.locator("#row-gone")).to_have_count(0)


def test_rows_without_an_id_are_replaced_in_place(visit: Open) -> None:
    """What has no name changes where it stands; what appears and disappears does not disturb the rest."""
    page = visit().page

    def contents(number: int) -> str:
        notice = '<p role="status">sometimes</p>' if number % 2 else ""
        items = f"<ul><li>one {number}</li><li>two {number}</li></ul>"
        return f'{notice}{items}<section aria-labelledby="form">{FORM}</section>'

    served = Served(page, contents)
    page.locator("#name").fill("typed")
    page.evaluate("window.items = [...document.querySelectorAll('main li')]")
    served.refreshed(3)
    assert page.evaluate("window.items.every((item) => item.isConnected)")
    assert re.findall(r"\d+", page.locator("main ul").inner_text()) == [str(served.answers)] * 2
    assert page.locator("#name").input_value() == "typed"


def requests_of(page: Page) -> list[str]:
    """The refreshes of the page from now on, by their URLs."""
    made: list[str] = []

    def note(request: Request) -> None:
        if request.resource_type == "xhr":  # an icon may still be on its way
            made.append(request.url)

    page.on("request", note)
    return made


def is_page(request: Request) -> bool:
    """Return whether a request is for the page, not for its icon."""
    return request.url.endswith("/c2c/")


def icon_of(page: Page) -> str:
    """The name of the icon without its hash."""
    href = page.locator("link[rel=icon]").get_attribute("href") or ""
    return re.sub(r".*/([\w-]+)\..*", r"\1", href)


@contextlib.contextmanager
def stopped(server: Uvicorn) -> Iterator[None]:
    """Stop all processes of a server meanwhile."""
    os.killpg(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGCONT)


def test_no_response(visit: Open, server: Uvicorn) -> None:
    """A page without an answer says so: in words, in its title and icon, and its states lose their colour."""
    visitor = visit(FAILED)
    page = visitor.page
    page.goto("/c2c/")
    state = page.locator(".strip .state")
    title, icon, colour = page.title(), icon_of(page), state.evaluate("e => getComputedStyle(e).color")
    stale = page.locator("#stale")
    with stopped(server):
        expect(stale).to_have_text(
            re.compile(r"No response for \d+ s\. Showing data from \d\d:\d\d:\d\d\."), timeout=60_000
        )
        expect(page.get_by_role("status").filter(has_text="No response. Showing data")).to_have_count(1)
        assert page.title() == "? The service"
        assert icon_of(page) == "c2c-stale"
        assert state.evaluate("e => getComputedStyle(e).color") != colour
        before = stale.inner_text()
        eventually(page, lambda: stale.inner_text() != before)
        assert visitor.axe() == []
    expect(stale).to_have_text("", timeout=60_000)
    # processes that were stopped are late until their next heartbeat
    eventually(page, lambda: (page.title(), icon_of(page)) == (title, icon))
    eventually(page, lambda: bool(state.evaluate("e => getComputedStyle(e).color") == colour))


def test_killed_service_is_asked_less_often(browser: Browser) -> None:
    """The page waits longer after each miss, and is current again once the service is back."""
    with Uvicorn(APP, env=ALONE) as server, Visit(browser, server.url, expected=(FAILED,)) as visitor:
        page = visitor.page
        visitor.context.add_init_script("localStorage['c2c.every'] = '0.3'")
        page.goto("/c2c/")
        page.get_by_label("Secret").fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        title, icon = page.title(), icon_of(page)
        server.kill()
        expect(page.locator("#stale")).to_contain_text("No response for")
        assert (page.title(), icon_of(page)) == ("? The service", "c2c-stale")
        moments: list[float] = []
        page.on("request", lambda request: moments.append(time.monotonic()) if is_page(request) else None)
        eventually(page, lambda: len(moments) >= 5)
        waits = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert waits[3] > 2 * waits[0]  # it is eight times as long
        with Uvicorn(APP, env=ALONE, port=server.port):
            expect(page.locator("#stale")).to_have_text("", timeout=120_000)
            assert (page.title(), icon_of(page)) == (title, icon)


def test_other_processes(visit: Open) -> None:
    """What somebody else changes in the cluster appears by itself, and nothing is reported to the console."""
    page = visit().page
    page.goto("/c2c/")
    level = "/c2c/logging/loggers/tests.live"
    headers = {"X-API-Key": SECRET}
    assert page.request.put(level, data={"level": "DEBUG"}, headers=headers).ok
    expect(page.locator("main")).to_contain_text("tests.live")
    assert page.request.delete(level, headers=headers).ok
    expect(page.locator("main")).not_to_contain_text("tests.live")


def test_unchanged_page_is_not_sent_again(visit: Open) -> None:
    """While nothing changes the answers are 304, and the time of the page goes on."""
    page = visit().page
    page.goto("/c2c/database")
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status))
    first = page.locator("#at").inner_text()
    eventually(page, lambda: statuses.count(304) >= 2)
    eventually(page, lambda: page.locator("#at").inner_text() > first)
    assert set(statuses) <= {200, 304}


def test_end_of_the_session(visit: Open) -> None:
    """Nothing that was typed is lost, nobody is asked any more, and the sign-in leads back to the entry."""
    visitor = visit(FAILED)
    page = visitor.page
    served = Served(page, lambda _: FORM)
    page.locator("#name").fill("orders.db")
    page.locator("#level").select_option("DEBUG")
    page.unroute_all(behavior="wait")
    visitor.context.clear_cookies()
    ended = "Your session ended. Sign in again: your entry (orders.db, DEBUG) is kept."
    expect(page.locator("#stale")).to_contain_text(ended)
    assert page.locator("#name").input_value() == "orders.db"
    made = requests_of(page)
    page.wait_for_timeout(1500)
    assert made == []
    assert served.answers > 0
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert "?name=orders.db&level=DEBUG" in page.url


def test_refusal_that_is_no_page(visit: Open) -> None:
    """Whoever a proxy or the application refuses is told so."""
    page = visit(FAILED).page
    page.goto("/c2c/")
    page.route(re.compile("/c2c/$"), lambda route: route.fulfill(status=403, json={"detail": "no"}))
    expect(page.locator("#stale")).to_contain_text("You may not see this view any more. Reload")


@pytest.mark.parametrize(("chance", "delay"), [(0.0, 27_000), (0.5, 30_000), (0.999, 32_994)])
def test_tabs_do_not_ask_together(visit: Open, chance: float, delay: float) -> None:
    """The time between two refreshes is up to a tenth shorter or longer than the chosen one."""
    visitor = visit()
    visitor.context.add_init_script(
        f"""
        localStorage["c2c.every"] = "30";
        Math.random = () => {chance};
        window.delays = [];
        const wait = window.setTimeout;
        window.setTimeout = (act, delay) => {{ window.delays.push(delay); return wait(act, delay); }};
        """
    )
    visitor.page.goto("/c2c/")
    eventually(visitor.page, lambda: visitor.page.evaluate("window.delays.length") > 0)
    assert visitor.page.evaluate("window.delays.map(Math.round)") == [delay]


def test_hidden_tab(visit: Open) -> None:
    """A tab that nobody sees asks nothing; it is current at once when it is seen again."""
    page = visit().page
    page.goto("/c2c/")
    made = requests_of(page)
    eventually(page, lambda: len(made) > 1)
    hide = """isHidden => {
        Object.defineProperty(document, "hidden", {get: () => Boolean(isHidden), configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, 1)
    page.wait_for_timeout(1000)  # for one that is on its way
    made.clear()
    page.wait_for_timeout(1500)
    assert made == []
    page.evaluate(hide, 0)
    eventually(page, lambda: len(made) > 1)


def test_interval(visit: Open) -> None:
    """The interval and the pause are remembered in the browser."""
    page = visit().page
    page.goto("/c2c/")
    page.get_by_label("Refresh every").select_option("30 s")
    page.reload()
    expect(page.get_by_label("Refresh every")).to_have_value("30")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Pause", pressed=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Pause", pressed=True)).to_be_visible()
    made = requests_of(page)
    page.keyboard.press("p")
    eventually(page, lambda: len(made) == 1)
    expect(page.get_by_label("Refresh every")).to_have_value("30")


def test_refused_storage(visit: Open) -> None:
    """A browser that refuses its storage remembers the choice as long as the page."""
    visitor = visit()
    refuse = """Object.defineProperty(window, "localStorage", {
        get() { throw new DOMException("refused", "SecurityError"); }
    })"""
    visitor.context.add_init_script(refuse)
    page = visitor.page
    page.goto("/c2c/")
    expect(page.get_by_label("Refresh every")).to_have_value("5")
    made = requests_of(page)
    page.get_by_label("Refresh every").select_option("1 s")
    eventually(page, lambda: len(made) > 2)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_label("Refresh every")).to_have_value("0")


def test_policy_is_enforced(visit: Open) -> None:
    """The page cannot turn text into markup or code, whatever the application says."""
    page = visit("TrustedHTML", "TrustedTypePolicy").page
    answer = page.goto("/c2c/")
    assert answer is not None
    assert "trusted-types 'none'" in answer.headers["content-security-policy"]
    for attempt in ("document.body.innerHTML = '<b>'", "trustedTypes.createPolicy('any', {})"):
        error = page.evaluate(f"() => {{ try {{ {attempt} }} catch (error) {{ return error.name; }} }}")
        assert error == "TypeError"


def test_answer_to_a_form_stays(visit: Open) -> None:
    """The page that says why a form was refused is not replaced by the next refresh."""
    page = visit(FAILED).page
    page.goto("/c2c/database")
    # at once, before a refresh brings the value back
    page.locator("button[value=begin]").evaluate(
        "begin => { begin.form.elements.ttl.options[0].value = 'nonsense'; begin.click(); }"
    )
    expect(page.get_by_role("alert")).to_contain_text("Not changed.")
    made = requests_of(page)
    page.wait_for_timeout(1500)
    assert made == []


TABLE = (
    '<section><input type="search" id="q" aria-label="Search"></section><table class="rows"><tbody>'
    '<tr id="row-a"><th>a</th><td><a href="./?open=a">open</a></td></tr>'
    '<tr id="row-b"><th>b</th><td><form action="./"><button name="end" value="b">End</button></form>'
    '</td></tr><tr id="row-c"><th>c</th><td><details class="curl"><summary>curl</summary>'
    "<code>curl row</code></details></td></tr></tbody></table>"
)
KEYS: dict[str, dict[str, str]] = {
    "/": {"focus": "q"},
    "j": {"focus": "row-a"},
    "j j k": {"focus": "row-a"},
    "k": {"focus": "row-a"},
    "j j j j": {"focus": "row-c"},
    "j Enter": {"url": "/c2c/?open=a"},
    "j j Enter": {"focus": "row-b"},
    "j j e": {"url": "/c2c/?end=b"},
    "e": {"focus": ""},
    "j j j c": {"said": "curl row"},
    "j c": {"said": "/c2c/overview"},
    "j Escape": {"focus": ""},
    "?": {"open": "1"},
    "? Escape": {"open": ""},
    "? j": {"focus": "keys-on"},
    "p": {"said": "Resumed."},
    "p p": {"said": "Paused."},
    "g o": {"url": "/c2c/"},
    "g j": {"focus": ""},
    "g g o": {"url": "/c2c/?served"},
    "Control+p": {"said": ""},
    "/ j p": {"focus": "q", "said": ""},
}


def found(page: Page, name: str) -> str:
    """Return where the keys led to: the focused id, the address, what is said, whether the list is open."""
    if name == "url":
        return page.url
    if name == "open":
        return "1" * page.locator("dialog[open]").count()
    if name == "said":
        return page.locator("#said").text_content() or ""
    return str(page.evaluate("document.activeElement.closest('dialog, [id]')?.id ?? ''"))


def leads_to(page: Page, name: str, value: str) -> bool:
    """Whether that ends with a text, or is empty as the text is."""
    end = found(page, name)
    return end.endswith(value) and bool(end) == bool(value)


def test_keys(visit: Open) -> None:
    """Each key does what the list of keys says, and nothing in fields, with modifiers or behind the list."""
    visitor = visit()
    page = visitor.page
    Served(page, lambda _: TABLE)
    visitor.context.add_init_script("localStorage['c2c.every'] = '0'")
    for keys, wanted in KEYS.items():
        page.goto("/c2c/?served")
        for key in keys.split():
            page.keyboard.press(key)
        for name, value in wanted.items():
            is_there = functools.partial(leads_to, page, name, value)
            eventually(page, is_there, what=f"{keys}: {name} {value}")


def test_end_of_a_level_by_keys(visit: Open) -> None:
    """From any view the search of the log levels is one key away; a level ends without the mouse."""
    page = visit().page
    headers = {"X-API-Key": SECRET}
    level = "/c2c/logging/loggers/tests.keys"
    assert page.request.put(level, data={"level": "DEBUG"}, headers=headers).ok
    page.goto("/c2c/")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("tests.keys")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=tests.keys"))
    row = page.get_by_role("group", name="tests.keys")
    expect(row.get_by_role("button", name="End")).to_be_visible()
    for _ in range(page.locator(".level").count()):
        page.keyboard.press("j")
        if found(page, "focus") == row.get_attribute("id"):
            break
    page.keyboard.press("e")
    expect(row.get_by_role("button", name="End")).to_have_count(0)


def test_keys_can_be_switched_off(visit: Open) -> None:
    """One switch turns all keys off, which other software may need (WCAG 2.1.4); it stays in reach."""
    visitor = visit()
    page = visitor.page
    page.goto("/c2c/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    assert visitor.axe() == []
    dialog.get_by_label("Use these keys").uncheck()
    dialog.get_by_role("button", name="Close").click()
    for _ in range(2):
        page.keyboard.press("?")
        expect(dialog).to_be_hidden()
        page.reload()
    page.get_by_role("button", name="Keys").click()
    dialog.get_by_label("Use these keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(dialog).to_be_visible()


def test_refresh_by_key(visit: Open) -> None:
    """A page that is paused is refreshed on demand."""
    page = visit().page
    served = Served(page, lambda _: "")
    page.keyboard.press("p")
    before = -1
    while before != served.answers:  # one may be on its way
        before = served.answers
        page.wait_for_timeout(1000)
    page.keyboard.press("r")
    eventually(page, lambda: served.answers == before + 1)


def test_copy(visit: Open) -> None:
    """One click copies the command, over plain HTTP and although the application forbids the clipboard."""
    page = visit().page
    page.goto("/c2c/")
    command = page.locator(".strip .curl code").text_content() or ""
    assert command.startswith("curl ")
    page.locator(".strip .curl summary").click()
    expect(page.locator("#said")).to_have_text(f"Copied: {command}")
    Served(page, lambda _: FORM)
    page.locator("#reason").focus()
    page.keyboard.press("Control+v")
    assert page.locator("#reason").input_value() == command


SOME = "".join(f'<p><code>curl {name}</code> <button type="button">Copy</button></p>' for name in ("a", "b"))
COMMANDS = (
    '<details class="curl" id="one"><summary>curl</summary><code>curl one</code></details>'
    f'<details class="curl" id="some"><summary>curl</summary>{SOME}</details>'
    '<details class="curl none" id="none"><summary>no curl</summary><p><code>none</code></p></details>'
)


def test_what_a_click_copies(visit: Open) -> None:
    """What is one command is copied when it opens, also by the keyboard; of some, and of none, nothing is."""
    page = visit().page
    Served(page, lambda _: COMMANDS)
    page.keyboard.press("p")
    said = page.locator("#said")
    for name in ("some", "none"):
        page.locator(f"#{name} summary").click()
        expect(page.locator(f"#{name}")).to_have_attribute("open", "")
    expect(said).to_have_text("Paused.")
    page.locator("#some button").first.click()
    expect(said).to_have_text("Copied: curl a")
    summary = page.locator("#one summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("Copied: curl one")
    expect(summary).to_have_text("Copied")
    expect(summary).to_have_text("curl")
    summary.click()
    expect(page.locator("#one")).not_to_have_attribute("open", "")


def test_ages(visit: Open) -> None:
    """Ages and what is left tick in the browser, by the clock of the service, and look as it writes them."""
    page = visit().page
    contents = '<time class="age" datetime="{since}">?</time> <time class="left" datetime="{until}">?</time>'

    def at(seconds: float) -> str:
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    main = contents.format(since=at(-93_600), until=at(3_700))
    page.clock.install(time=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=300))
    page.goto("about:blank")
    page.clock.resume()
    Served(page, lambda _: main)
    page.keyboard.press("p")
    expect(page.locator("time.age")).to_have_text("1 d 2 h")
    expect(page.locator("time.left")).to_have_text(re.compile("^1 h [01] min$"))
