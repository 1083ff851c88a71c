"""Signing in and out in a real browser."""

import contextlib
import http.server
import itertools
import json
import re
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from c2casgiutils.auth._urls import BadCameFromError, safe_came_from
from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit, chromium
from tests.support.fake_github import FakeGitHub
from tests.support.net import wait_for
from tests.support.processes import Uvicorn

APPLICATION = "tests.support.page_app:app"
ENVIRONMENT = {"C2C__AUTH__JWT__SECRET": KEY, "C2C__HTTP": "True"}


@pytest.fixture(scope="module")
def auth_browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def secret_url() -> Iterator[str]:
    with Uvicorn(APPLICATION, env={**ENVIRONMENT, "C2C__AUTH__SECRET": SECRET}) as server:
        yield server.url


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        yield server


@pytest.fixture(scope="module")
def github_url(github: FakeGitHub) -> Iterator[str]:
    with Uvicorn(APPLICATION, env={**ENVIRONMENT, **github.environment()}) as server:
        yield server.url


def test_secret_form(auth_browser: Browser, secret_url: str) -> None:
    """The form signs in, a wrong secret is told on the page, no address holds it, sign-out ends it."""
    with Visit(auth_browser, secret_url) as visit:
        page = visit.page
        page.goto("/c2c/")
        page.get_by_label("Secret", exact=False).first.fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        assert page.get_by_text("Wrong secret").is_visible()
        page.get_by_label("Secret", exact=False).first.fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()
        assert page.url == f"{secret_url}/c2c/"
        (cookie,) = visit.context.cookies()
        assert (cookie["name"], cookie["path"]) == ("c2c-jwt-auth", "/c2c")
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in").wait_for()
        assert visit.context.cookies() == []


@pytest.fixture(scope="module")
def secure_url() -> Iterator[str]:
    """An application by a host name over plain HTTP, where browsers keep no `Secure` cookie."""
    environment = {"C2C__AUTH__JWT__SECRET": KEY, "C2C__AUTH__SECRET": SECRET}
    with Uvicorn(APPLICATION, env=environment) as server:
        yield f"http://plain.test:{server.port}"


def test_cookie_that_is_not_kept(auth_browser: Browser, secure_url: str) -> None:
    """The page says why it shows the form again, and which setting helps."""
    # what the browser says of headers that it ignores over plain HTTP
    expected = ("origin-keyed agent cluster", "Cross-Origin-Opener-Policy header has been ignored")
    with Visit(auth_browser, secure_url, expected=expected) as visit:
        page = visit.page
        page.goto("/c2c/")
        page.get_by_label("Secret", exact=False).first.fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        notice = page.get_by_role("alert")
        notice.wait_for()
        assert "HTTPS" in notice.inner_text()
        assert "C2C__HTTP=True" in notice.inner_text()
        assert page.get_by_role("button", name="Sign in").is_visible()
        assert visit.axe() == []


def test_secure_cookie_on_the_loopback(auth_browser: Browser, secure_url: str) -> None:
    """On the loopback, which browsers trust, the cookie is kept, and there is nothing to say."""
    with Visit(auth_browser, secure_url.replace("plain.test", "localhost")) as visit:
        page = visit.page
        page.goto("/c2c/")
        page.get_by_label("Secret", exact=False).first.fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()
        assert page.get_by_text("C2C__HTTP").count() == 0


@pytest.mark.parametrize("path", ["/c2c/auth/login", "/c2c/"])
def test_secret_link(auth_browser: Browser, secret_url: str, path: str) -> None:
    """A link with the secret signs in and leaves no secret in the address bar or the history."""
    with Visit(auth_browser, secret_url) as visit:
        visit.page.goto("about:blank")
        visit.page.goto(f"{path}?secret={SECRET}")
        visit.page.get_by_role("button", name="Sign out").wait_for()
        assert visit.page.url == f"{secret_url}/c2c/"
        visit.page.go_back()
        assert visit.page.url == "about:blank"


def test_wrong_secret_link(auth_browser: Browser, secret_url: str) -> None:
    """A link with a wrong secret leads to the page that says so."""
    with Visit(auth_browser, secret_url) as visit:
        visit.page.goto("/c2c/?secret=wrong")
        assert visit.page.get_by_text("Wrong secret").is_visible()
        assert "secret=" not in visit.page.url


_ATTACK = """
<title>A prize</title>
<script>
for (let number = 0; number < 22; number++)
    document.write(`<img src="${TARGET}/c2c/logging/level?name=x&secret=${number}">`);
document.write(`<iframe src="${TARGET}/c2c/?secret=x"></iframe>`);
const wrong = () => fetch(`${TARGET}/c2c/auth/login`,
    {method: "POST", mode: "no-cors", body: new URLSearchParams({secret: "x"})});
Promise.allSettled(Array.from({length: 22}, wrong)).then(() => document.title = "done");
</script>
"""


@contextlib.contextmanager
def _other_site(page: str) -> Iterator[str]:
    """Serve a page of another site; one of the loopback, else Chromium lets it load nothing from there."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # a name of the standard library
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_other_site_locks_nobody_out(auth_browser: Browser) -> None:
    """The attack: a page that makes its visitor guess wrong, by images, a frame and forms."""
    environment = {**ENVIRONMENT, "C2C__AUTH__SECRET": SECRET}
    with (
        Uvicorn(APPLICATION, env=environment) as server,
        _other_site(f"<script>const TARGET = '{server.url}'</script>{_ATTACK}") as other,
    ):
        with Visit(auth_browser, server.url) as visit:
            visit.page.goto(other)
            visit.page.wait_for_function("document.title === 'done'")
            visit.complaints.clear()  # what is refused is a line of the console
        wait_for(lambda: server.output.count("GET /c2c/logging/level") == 22, what="the images")
        assert server.output.count("POST /c2c/auth/login") == 22
        assert "GET /c2c/?secret=" in server.output
        with Visit(auth_browser, server.url) as visit:
            visit.page.goto("/c2c/")
            visit.page.get_by_label("Secret", exact=False).first.fill(SECRET)
            visit.page.get_by_role("button", name="Sign in").click()
            visit.page.get_by_role("button", name="Sign out").wait_for()


def _speculation_rules(target: str) -> str:
    """Return a page whose rules make its visitor guess 22 times, and sign out twice."""
    guesses = [f"{target}/c2c/logging/level?name=x&secret={number}" for number in range(22)]
    prefetch = {"urls": [*guesses, f"{target}/c2c/auth/logout"], "eagerness": "immediate"}
    prerender = {"urls": [f"{target}/c2c/auth/logout?again"], "eagerness": "immediate"}
    rules = json.dumps({"prefetch": [prefetch], "prerender": [prerender]})
    return f'<script type="speculationrules">{rules}</script>'


def test_speculation_changes_nothing(auth_browser: Browser) -> None:
    """The attack: a page of the same host whose prefetches guess secrets and sign its visitor out."""
    environment = {**ENVIRONMENT, "C2C__AUTH__SECRET": SECRET}
    with Uvicorn(APPLICATION, env=environment) as server:
        # the host of the other page: Chromium prefetches with cookies there
        url = server.url.replace("127.0.0.1", "localhost")
        with _other_site(_speculation_rules(url)) as other, Visit(auth_browser, url) as visit:
            page = visit.page
            page.goto(f"/c2c/auth/login?secret={SECRET}")
            page.get_by_role("button", name="Sign out").wait_for()
            page.goto(other)
            wait_for(lambda: server.output.count("GET /c2c/logging/level") == 22, what="the guesses")
            wait_for(lambda: "GET /c2c/auth/logout?again" in server.output, what="the prerender")
            wait_for(lambda: "GET /c2c/auth/logout " in server.output, what="the prefetch")
            visit.complaints.clear()  # the page is of another origin
            page.goto("/c2c/")
            page.get_by_role("button", name="Sign out").click()
            page.get_by_label("Secret", exact=False).first.fill(SECRET)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Sign out").wait_for()


def test_other_site_signs_nobody_out(auth_browser: Browser, secret_url: str) -> None:
    """A link of another site shows the page that asks; its button signs out."""
    with Visit(auth_browser, secret_url) as visit:
        page = visit.page
        page.goto(f"/c2c/auth/login?secret={SECRET}")
        link = f'<a href="{secret_url}/c2c/auth/logout">a prize</a>'
        page.goto(f"data:text/html,{link}")
        page.get_by_text("a prize").click()
        page.get_by_text("Another site asks to sign you out").wait_for()
        assert visit.context.cookies()
        assert visit.axe() == []
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in").wait_for()
        assert visit.context.cookies() == []


def _ours(visit: Visit, github: FakeGitHub) -> None:
    """The way over GitHub is no complaint."""
    visit.complaints[:] = [each for each in visit.complaints if github.url not in each]


def test_github_dance(auth_browser: Browser, github_url: str, github: FakeGitHub) -> None:
    """The button of the page leads to GitHub and back, signed in; sign-out ends it."""
    github.reset()
    with Visit(auth_browser, github_url) as visit:
        page = visit.page
        page.goto("/c2c/")
        page.get_by_role("link", name="Sign in with GitHub").click()
        page.get_by_text("The Octocat").wait_for()
        assert page.url == f"{github_url}/c2c/"
        assert [cookie["name"] for cookie in visit.context.cookies()] == ["c2c-jwt-auth"]
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("link", name="Sign in with GitHub").wait_for()
        assert visit.context.cookies() == []
        _ours(visit, github)


def test_github_leads_back(auth_browser: Browser, github_url: str, github: FakeGitHub) -> None:
    github.reset()
    with Visit(auth_browser, github_url, expected=("404 (Not Found)",)) as visit:  # it has no icon
        visit.page.goto("/c2c/auth/github/login?came_from=/private")
        assert visit.page.url == f"{github_url}/private"
        _ours(visit, github)


def test_github_user_refuses(auth_browser: Browser, github_url: str, github: FakeGitHub) -> None:
    """The error is a page, from which the user may try again."""
    github.reset()
    github.user = None
    with Visit(auth_browser, github_url, expected=("400 (Bad Request)",)) as visit:
        page = visit.page
        page.goto("/c2c/auth/github/login")
        page.get_by_role("heading", name="The sign-in failed").wait_for()
        assert visit.axe() == []
        github.user = "octocat"
        page.get_by_role("link", name="Try again").click()
        page.get_by_text("The Octocat").wait_for()
        _ours(visit, github)


def test_without_access(auth_browser: Browser, github_url: str, github: FakeGitHub) -> None:
    """Who is signed in without a right sees the page without the tools."""
    github.reset()
    github.repositories.clear()
    with Visit(auth_browser, github_url) as visit:
        visit.page.goto("/c2c/auth/github/login")
        visit.page.get_by_role("heading", name="No access").wait_for()
        _ours(visit, github)


@pytest.fixture(scope="module")
def checked_url(github: FakeGitHub) -> Iterator[str]:
    """An application that asks GitHub for the rights of each request."""
    settings = {**github.environment(), "C2C__AUTH__GITHUB__PERMISSION_TTL": "0"}
    with Uvicorn(APPLICATION, env={**ENVIRONMENT, **settings}) as server:
        yield server.url


@pytest.fixture(params=["", "processes"], ids=["overview", "processes"])
def live(
    request: pytest.FixtureRequest, auth_browser: Browser, checked_url: str, github: FakeGitHub
) -> Iterator[Visit]:
    """A view that refreshes often, of somebody who signed in."""
    github.reset()
    with Visit(auth_browser, checked_url, expected=("Failed to load resource",)) as visit:
        visit.context.add_init_script("localStorage['c2c.every'] = '0.3'")
        visit.page.goto("/c2c/auth/github/login")
        visit.page.get_by_text("The Octocat").wait_for()
        visit.page.goto(f"/c2c/{request.param}")
        yield visit
        _ours(visit, github)


def test_lost_right_on_a_live_page(live: Visit, github: FakeGitHub) -> None:
    """Who is still signed in, but has no right any more, is told so, and GitHub is asked no more."""
    github.repositories.clear()
    stale = live.page.locator("#stale")
    expect(stale).to_have_text("You may not see this view any more. Reload")
    asked = github.calls["/repos/org/repo"]
    live.page.wait_for_timeout(1500)
    assert github.calls["/repos/org/repo"] == asked


def test_rights_of_a_live_page_that_cannot_be_checked(live: Visit, github: FakeGitHub) -> None:
    """While GitHub is in trouble the page says so, keeps what it shows and goes on by itself afterwards."""
    github.trouble = {"/repos": "secondary rate limit"}
    stale = live.page.locator("#stale")
    expect(stale).to_contain_text(
        re.compile(r"Your rights could not be checked for \d+ s\. Showing data from")
    )
    expect(live.page.get_by_role("button", name="Pause")).to_be_visible()
    github.trouble = {}
    expect(stale).to_have_text("", timeout=90_000)


def test_session_that_ended_on_a_live_page(live: Visit) -> None:
    """Who is signed out elsewhere is sent to the sign-in."""
    live.context.clear_cookies()
    # nothing was entered
    expect(live.page.locator("#stale")).to_have_text("Your session ended. Sign in again. Sign in")


def test_bad_cookies_hide_no_session(auth_browser: Browser, secret_url: str) -> None:
    """The attack: a script or another host of the domain sets cookies that the browser sends first."""
    with Visit(auth_browser, secret_url) as visit:
        page = visit.page
        page.goto(f"/c2c/auth/login?secret={SECRET}")
        page.get_by_role("button", name="Sign out").wait_for()
        for path in ("/c2c/", "/", "/c2c/auth", "/c2c/auth/", "/c2c/auth/status"):
            page.evaluate("path => document.cookie = `c2c-jwt-auth=bad; path=${path}`", path)
        answer = visit.context.request.get("/c2c/auth/status")
        assert answer.json()["is_logged_in"] is True
        paths = {cookie["path"] for cookie in visit.context.cookies() if cookie["name"] == "c2c-jwt-auth"}
        assert paths == {"/c2c", "/"}
        page.reload()
        page.get_by_role("button", name="Sign out").wait_for()


def test_sign_ins_that_nobody_ends(auth_browser: Browser, github_url: str, github: FakeGitHub) -> None:
    """The browser keeps the last four, and the last one still signs in."""
    github.reset()
    with Visit(auth_browser, github_url) as visit:
        for _ in range(13):
            visit.context.request.get("/c2c/auth/github/login", max_redirects=0)
        cookies = visit.context.cookies()
        assert len(cookies) == 4
        assert {cookie["path"] for cookie in cookies} == {"/c2c/auth/github"}
        visit.page.goto("/c2c/auth/github/login")
        visit.page.get_by_text("The Octocat").wait_for()
        assert len(visit.context.cookies()) == 4
        _ours(visit, github)


SCHEMES = ["", "https:", "HTTPS:", "http:", "javascript:", "data:", "\thttps:", "ht\ntps:"]
SLASHES = ["", "/", "//", "///", "/\\", "\\/", "/./", "/../", "/.//", "/%2e//", "/a/..//", "/;/", "/\t/"]
HOSTS = [
    "",
    "app.example.com",
    "app.example.com:443",
    "evil.example",
    "app.example.com@evil.example",
    "evil.example\\@app.example.com",
    "app.example.com.evil.example",
    "\uff45vil.example",
    "[::1]",
]
TAILS = [
    "",
    "/",
    "//evil.example",
    "/..//evil.example",
    "?//evil.example",
    "#@evil.example",
    "/%5cevil",
    "\\evil",
]


def test_every_redirect_stays_here(auth_browser: Browser) -> None:
    """Whatever is accepted, a browser's own parser resolves it to our origin: 7,488 combinations."""
    origin = "https://app.example.com"
    accepted = []
    for parts in itertools.product(SCHEMES, SLASHES, HOSTS, TAILS):
        try:
            accepted.append(safe_came_from("".join(parts), origin, "/c2c"))
        except BadCameFromError:
            continue
    assert len(accepted) > 200
    page = auth_browser.new_page()
    script = "([values, origin]) => values.filter(value => new URL(value, origin).origin !== origin)"
    assert page.evaluate(script, [accepted, origin]) == []
    page.close()
    assert {urlsplit(value).netloc for value in accepted} == {""}
