"""The sign-in with GitHub, against a server that plays GitHub."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from c2casgiutils import auth
from c2casgiutils.auth import _tokens
from c2casgiutils.auth._tokens import Kind
from c2casgiutils.auth.github._states import cookie_name
from c2casgiutils.headers import ForwardedHeadersMiddleware
from tests.support.auth import (
    BASE_URL,
    COOKIE,
    KEY,
    ask_github,
    configure,
    github_sign_in,
    make_app,
    make_client,
)
from tests.support.fake_github import CLIENT_SECRET, FakeGitHub, Repository
from tests.support.net import eventually

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
USER = {"login": "octocat", "display_name": "The Octocat", "url": "https://github.com/octocat"}


async def test_sign_in(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """The whole dance: to GitHub, back, and on to where the browser came from, with a session."""
    response = await github_sign_in(client, came_from="/c2c/read?a=1")
    assert (response.status_code, response.headers["location"]) == (307, "/c2c/read?a=1")
    status = (await client.get("/c2c/auth/status")).json()
    assert status == {"is_logged_in": True, "user": USER, "type": "github_oauth"}
    assert (await client.get("/c2c/read")).status_code == 200
    assert (await client.get("/c2c/write")).status_code == 403


async def test_request_to_github(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """P07: state, proof key, and one callback address that does not hold where the browser came from."""
    response = await client.get("/c2c/auth/github/login", params={"came_from": "/c2c/read"})
    query = {
        name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()
    }
    assert query["redirect_uri"] == f"{BASE_URL}/c2c/auth/github/callback"
    assert query["code_challenge_method"] == "S256"
    assert query["scope"] == "repo"
    assert len(query["state"]) >= 43
    (cookie,) = response.headers.get_list("set-cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith("c2c-state-")
    assert attributes == [
        "HttpOnly",
        "Max-Age=600",
        "Path=/c2c/auth/github",
        "SameSite=lax",
        "Secure",
    ]
    await client.get(await ask_github(response.headers["location"]))
    assert github.forms[0]["redirect_uri"] == query["redirect_uri"]
    assert len(github.forms[0]["code_verifier"]) >= 43


@pytest.mark.parametrize(("scope", "sent"), [("none", None), ("read:org", ["read:org"])])
async def test_scope(
    client: httpx.AsyncClient, github: FakeGitHub, scope: str, sent: list[str] | None
) -> None:
    """The scope of the settings is asked for; for `none` the parameter is left out (RFC 6749, 3.3)."""
    configure(jwt={"secret": KEY}, github=github.settings(scope=scope))
    response = await client.get("/c2c/auth/github/login")
    assert parse_qs(urlsplit(response.headers["location"]).query).get("scope") == sent
    assert "scope=&" not in response.headers["location"]


async def test_default_target_is_the_page(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    assert (await github_sign_in(client)).headers["location"] == "/c2c/"


@pytest.mark.parametrize("public_url", ["https://public.example.com", "https://public.example.com/base/"])
async def test_public_url(client: httpx.AsyncClient, github: FakeGitHub, public_url: str) -> None:
    """P07: the configured public address makes the callback, whatever host the request names."""
    configure(jwt={"secret": KEY}, github=github.settings(), public_url=public_url)
    response = await client.get("/c2c/auth/github/login", headers={"Host": "evil.example"})
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert query["redirect_uri"] == [f"{public_url.rstrip('/')}/c2c/auth/github/callback"]


async def test_proxy_that_takes_off_a_prefix(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """Cookies and redirects are for the paths that the browser knows."""
    configure(jwt={"secret": KEY}, github=github.settings(), public_url=f"{BASE_URL}/base")

    def paths(response: httpx.Response) -> list[str]:
        return [
            cookie.split("; Path=")[1].split(";")[0] for cookie in response.headers.get_list("set-cookie")
        ]

    response = await client.get("/c2c/auth/github/login")
    assert paths(response) == ["/base/c2c/auth/github"]
    callback = httpx.URL(await ask_github(response.headers["location"]))
    assert callback.path == "/base/c2c/auth/github/callback"
    kept = {"Cookie": response.headers["set-cookie"].split(";")[0]}
    response = await client.get(f"/c2c/auth/github/callback?{callback.query.decode()}", headers=kept)
    assert response.headers["location"] == "/base/c2c/"
    assert sorted(paths(response)) == ["/base/c2c", "/base/c2c/auth/github"]
    bad = {"came_from": "/base/c2c/auth/logout"}
    assert (await client.get("/c2c/auth/github/login", params=bad)).status_code == 400


@pytest.mark.parametrize(
    ("proxy", "separator"), [("https://proxy.example/x", "?"), ("https://proxy.example/x?a=1", "&")]
)
async def test_proxy(client: httpx.AsyncClient, github: FakeGitHub, proxy: str, separator: str) -> None:
    """One OAuth application serves several hosts through a proxy, which gets the callback as `came_from`."""
    configure(jwt={"secret": KEY}, github=github.settings(proxy_url=proxy))
    response = await client.get("/c2c/auth/github/login")
    redirect = parse_qs(urlsplit(response.headers["location"]).query)["redirect_uri"][0]
    callback = "https%3A%2F%2Fapp.example.com%2Fc2c%2Fauth%2Fgithub%2Fcallback"
    assert redirect == f"{proxy}{separator}came_from={callback}"
    answer = parse_qs(urlsplit(await ask_github(response.headers["location"])).query)
    response = await client.get(
        "/c2c/auth/github/callback", params={"code": answer["code"][0], "state": answer["state"][0]}
    )
    assert response.status_code == 307


BAD_TARGETS = {
    "C16": ["//evil.example"],
    "C23": ["https://evil.example"],
    "C33": ["javascript:alert(1)"],
    "C48": ["/c2c/auth/logout"],
    "C49": ["/a", "//evil.example"],
}


@pytest.mark.parametrize("path", ["login", "logout"])
@pytest.mark.parametrize("values", BAD_TARGETS.values(), ids=BAD_TARGETS)
async def test_bad_target(
    client: httpx.AsyncClient, github: FakeGitHub, values: list[str], path: str
) -> None:
    """A place that is not ours is refused before anything begins."""
    response = await client.get(f"/c2c/auth/github/{path}", params={"came_from": values})
    assert response.status_code == 400
    assert not {"location", "set-cookie"} & set(response.headers)
    assert "evil" not in response.text


async def test_target_relative_to_the_mount(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A view comes back with its query, as the sign-in form of the page asks for it."""
    response = await github_sign_in(client, came_from="read?a=1")
    assert response.headers["location"] == "/c2c/read?a=1"


async def test_prefix_that_nobody_told(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A sign-in whose cookies the browser would not send back names the settings that are missing."""
    headers = {"Referer": "https://app.example.com/api/c2c/"}
    response = await client.get("/c2c/auth/github/login", headers=headers)
    assert response.status_code == 400
    assert "C2C__PROXY_HEADERS__APPLY_PREFIX" in response.json()["detail"]


async def test_target_that_is_no_text(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """C50."""
    assert (await client.get("/c2c/auth/github/login?came_from=/%ff")).status_code == 400


async def test_target_of_the_callback_is_ignored(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """C52: what counts is in the encrypted state."""
    response = await client.get("/c2c/auth/github/login", params={"came_from": "/c2c/read"})
    callback = await ask_github(response.headers["location"])
    response = await client.get(f"{callback}&came_from=//evil.example")
    assert response.headers["location"] == "/c2c/read"


async def test_longest_target(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """C44: the longest target that is accepted fits into the state cookie."""
    target = "/" + "a" * 2047
    assert (await github_sign_in(client, came_from=target)).headers["location"] == target


async def test_two_tabs(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J35: two tabs of one browser sign in at once, both finish."""
    first = await client.get("/c2c/auth/github/login", params={"came_from": "/c2c/first"})
    second = await client.get("/c2c/auth/github/login", params={"came_from": "/c2c/second"})
    for response, target in ((second, "/c2c/second"), (first, "/c2c/first")):
        answer = await client.get(await ask_github(response.headers["location"]))
        assert answer.headers["location"] == target


async def begun(client: httpx.AsyncClient, **arguments: Any) -> str:
    """The address of the callback of a sign-in that GitHub has agreed to."""
    response = await client.get("/c2c/auth/github/login", **arguments)
    return await ask_github(response.headers["location"])


async def test_state_of_another_browser(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J35: the answer of GitHub is of no use in another browser."""
    callback = await begun(client)
    async with make_client(make_app()) as other:
        assert (await other.get(callback)).status_code == 400
        assert COOKIE not in other.cookies


async def test_state_under_another_name(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J35: a valid state cookie, renamed for a state that somebody else chose, is refused."""
    callback = httpx.URL(await begun(client))
    value = next(iter(client.cookies.values()))
    client.cookies.clear()
    chosen = callback.copy_set_param("state", "chosen")
    cookie = {"Cookie": f"{cookie_name('chosen')}={value}"}
    assert (await client.get(chosen, headers=cookie)).status_code == 400
    assert not github.calls["/login/oauth/access_token"]


async def test_state_is_used_once(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J35, J37: neither the state nor the code counts twice, also for who kept the cookie."""
    callback = await begun(client)
    kept = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    assert (await client.get(callback)).status_code == 307
    response = await client.get(callback, headers={"Cookie": kept})
    assert response.status_code == 400
    assert set(response.json()) >= {"error", "detail"}
    assert github.calls["/login/oauth/access_token"] == 1


async def test_sign_in_over_plain_http(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """Where the browser keeps no `Secure` cookie, the failure says so, and which setting helps."""
    login = await client.get("http://app.example.com/c2c/auth/github/login")
    callback = await ask_github(login.headers["location"])
    response = await client.get(callback)
    assert response.status_code == 400
    assert "HTTPS" in response.json()["error"]
    assert "C2C__HTTP=True" in response.json()["error"]


async def test_failure_over_https(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """Over HTTPS the cookie is kept, so nothing is said about it."""
    response = await client.get("/c2c/auth/github/callback", params={"state": "x", "code": "y"})
    assert response.status_code == 400
    assert "HTTPS" not in response.json()["error"]


async def test_expired_state(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    configure(jwt={"secret": KEY}, github=github.settings(state_cookie_age="1s"))
    callback = await begun(client)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    await asyncio.sleep(1.1)
    assert (await client.get(callback, headers={"Cookie": cookies})).status_code == 400


@pytest.mark.parametrize(
    ("begun_before", "came_from", "kept"),
    [(1, "/", 2), (3, "/", 4), (6, "/", 4), (6, f"/{'x' * 1500}", 3)],
    ids=["one", "room", "many", "long"],
)
async def test_states_are_bounded(
    client: httpx.AsyncClient, github: FakeGitHub, begun_before: int, came_from: str, kept: int
) -> None:
    """The attack: sign-ins that a browser begins and never ends; the cookies of the newest ones stay."""
    for _ in range(begun_before):
        await client.get("/c2c/auth/github/login", params={"came_from": came_from})
    callback = await begun(client, params={"came_from": came_from})
    assert len(client.cookies) == kept
    assert len("; ".join(f"{name}={value}" for name, value in client.cookies.items())) < 8000
    assert (await client.get(callback)).status_code == 307
    assert len(client.cookies) == kept  # the session in place of the state


async def test_oldest_state_is_dropped(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """Of the tabs that began to sign in, the first one has to begin again; nonsense goes before it."""
    tabs = [await begun(client) for _ in range(2)]
    kept = [f"{name}={value}" for name, value in client.cookies.items()]
    tabs.append(await begun(client, headers={"Cookie": "; ".join([*kept, *["c2c-state-x=1"] * 60])}))
    tabs += [await begun(client) for _ in range(2)]
    assert (await client.get(tabs[0])).status_code == 400
    for tab in tabs[1:]:
        assert (await client.get(tab)).status_code == 307


async def test_two_states_of_one_name(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A bad cookie of another path does not hide the good one."""
    callback = await begun(client)
    ((name, value),) = client.cookies.items()
    cookie = {"Cookie": f"{name}=bad; {name}={value}"}
    assert (await client.get(callback, headers=cookie)).status_code == 307


async def test_session_in_place_of_the_state(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J14: a session token is no state."""
    callback = await begun(client)
    name = next(iter(client.cookies))
    token = _tokens.make(Kind.SESSION, "x", {}, expires_at=int(time.time()) + 60)
    client.cookies.clear()
    assert (await client.get(callback, headers={"Cookie": f"{name}={token}"})).status_code == 400


CALLBACKS: dict[str, Callable[[str], str]] = {
    "no state": lambda query: query.replace("state=", "x="),
    "other state": lambda query: query.replace("state=", "state=x"),
    "state twice": lambda query: f"{query}&state=x",
    "no code": lambda query: query.replace("code=", "x="),
    "long code": lambda query: query.replace("code=", "code=" + "x" * 10_240),
    "wrong code": lambda query: query.replace("code=", "code=x"),
    "code twice": lambda query: f"{query}&code=x",
    "code of no text": lambda query: query.replace("code=", "code=%ff"),
    "error": lambda query: query.replace("code=", "error=access_denied&x="),
    "nothing": lambda query: "",
}


@pytest.mark.parametrize("change", CALLBACKS.values(), ids=CALLBACKS)
async def test_bad_callback(
    client: httpx.AsyncClient, github: FakeGitHub, change: Callable[[str], str]
) -> None:
    """J35 to J37: 400 with the reason, and no session."""
    callback = urlsplit(await begun(client))
    response = await client.get(f"{callback.path}?{change(callback.query)}")
    assert response.status_code == 400
    assert response.json()["error"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("has_state", [True, False])
async def test_refusal_as_a_page(client: httpx.AsyncClient, github: FakeGitHub, has_state: bool) -> None:
    """J36: a browser gets a page, on which nothing is of the choice of who made the link."""
    state = httpx.URL(await begun(client)).params["state"] if has_state else "x"
    query = {"error": "<script>alert(1)</script> Call 0900 123", "state": state}
    response = await client.get("/c2c/auth/github/callback", params=query, headers=HTML)
    assert response.status_code == 400
    assert ("GitHub refuses the sign-in" in response.text) is has_state
    assert "alert" not in response.text
    assert "0900" not in response.text
    assert "<script" not in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert 'href="/c2c/auth/github/login"' in response.text


async def test_user_refuses(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    github.user = None
    response = await github_sign_in(client)
    assert (response.status_code, response.json()["error"]) == (400, "access_denied")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_sign_out(client: httpx.AsyncClient, github: FakeGitHub, method: str) -> None:
    """P04: the session is over for good, and the browser goes where it is told."""
    await github_sign_in(client)
    kept = client.cookies[COOKIE]
    response = await client.request(method, "/c2c/auth/github/logout", params={"came_from": "/bye"})
    assert (response.status_code, response.headers["location"]) == (307 if method == "GET" else 303, "/bye")
    assert COOKIE not in client.cookies
    assert (await client.get("/c2c/read", headers={"Cookie": f"{COOKIE}={kept}"})).status_code == 403


async def test_other_site_asks_to_sign_out(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    await github_sign_in(client)
    headers = {"Sec-Fetch-Site": "cross-site"}
    response = await client.get("/c2c/auth/github/logout?came_from=/bye", headers=headers)
    assert 'action="/c2c/auth/github/logout?came_from=%2Fbye"' in response.text
    assert (await client.post("/c2c/auth/github/logout", headers=headers)).status_code == 403
    assert (await client.get("/c2c/read")).status_code == 200


async def test_speculation_changes_nothing(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A prefetch of the browser starts and ends no sign-in, and ends no session."""
    headers = {"Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch"}

    async def refused(url: str, method: str = "GET") -> None:
        response = await client.request(method, url, headers=headers)
        assert response.status_code == 503
        assert "set-cookie" not in response.headers

    await refused("/c2c/auth/github/login")
    begun = await client.get("/c2c/auth/github/login")
    callback = await ask_github(begun.headers["location"])
    await refused(callback)
    assert (await client.get(callback)).status_code == 307
    await refused("/c2c/auth/github/logout")
    await refused("/c2c/auth/github/logout", "POST")
    assert (await client.get("/c2c/read", headers=headers)).status_code == 200


@pytest.mark.parametrize("settings", [{}, {"secret": "x", "jwt": {"secret": KEY}}])
@pytest.mark.parametrize("path", ["login", "callback", "logout"])
async def test_no_github_in_other_modes(
    client: httpx.AsyncClient, settings: dict[str, Any], path: str
) -> None:
    configure(**settings)
    assert (await client.get(f"/c2c/auth/github/{path}")).status_code == 404


class Level(NamedTuple):
    """What GitHub grants on the repository, and what opens then."""

    granted: list[str]
    opened: set[str]
    private: bool = True
    settings: dict[str, Any] = {}


ALL = {"read", "write", "admin"}
ANY_PUSH = {"access_type_read_only": "push", "access_type_admin": "push"}
LEVELS = {
    "nobody": Level([], set()),
    "pull": Level(["pull"], {"read"}),
    "push": Level(["push", "pull"], {"read", "write"}),
    "admin": Level(["admin", "push", "pull"], ALL),
    "only admin is told": Level(["admin"], ALL),
    "public, stranger": Level([], set(), private=False),
    "public, stranger, allowed": Level([], {"read"}, private=False, settings={"allow_public_pull": True}),
    "public, push": Level(["push"], {"read", "write"}, private=False),
    "configured levels": Level(["push", "pull"], ALL, settings=ANY_PUSH),
    "older setting": Level(["pull"], set(), settings={"access_type": "push"}),
}


@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
async def test_levels(client: httpx.AsyncClient, github: FakeGitHub, level: Level) -> None:
    """P06: being signed in is never enough; the permission decides, the higher includes the lower."""
    github.repositories["org/repo"] = Repository(level.private, {"octocat": level.granted})
    configure(jwt={"secret": KEY}, github=github.settings(**level.settings))
    await github_sign_in(client)
    answers = {name: await client.get(f"/c2c/{name}") for name in ("read", "write", "admin")}
    assert {name for name, answer in answers.items() if answer.status_code == 200} == level.opened
    assert (await client.get("/c2c/signed-in")).status_code == 200


@pytest.mark.parametrize("kind", ["odd permissions", "no permissions"])
async def test_missing_permission_is_a_no(client: httpx.AsyncClient, github: FakeGitHub, kind: str) -> None:
    await github_sign_in(client)
    github.trouble["/repos"] = kind
    assert (await client.get("/c2c/read")).status_code == 403


async def test_other_repository(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A view of an application may ask for a right on another repository."""
    github.repositories["other/repo"] = Repository(permissions={"octocat": ["push"]})
    await github_sign_in(client)
    info = auth.AuthInfo(is_logged_in=True, user=auth.UserInfo(token=github.token()))
    for name, asked, expected in (
        ("other/repo", "push", True),
        ("other/repo", "admin", False),
        ("org/repo", "push", False),
        ("none/none", "pull", False),
    ):
        asks = auth.AuthConfig(github_repository=name, github_access_type=asked)
        assert await auth.check_access(info, asks) is expected
        assert await auth.check_access_config(info, asks) is expected


async def test_administrator_may_all(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """An administrator of the configured repository has the rights on the others too."""
    github.repositories["org/repo"].permissions["octocat"] = ["admin"]
    info = auth.AuthInfo(is_logged_in=True, user=auth.UserInfo(token=github.token()))
    asks = auth.AuthConfig(github_repository="none/none", github_access_type="admin")
    assert await auth.check_access(info, asks)
    assert not await auth.check_access_config(info, asks)


async def test_a_page_load_is_one_question(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """L15: the permission is asked once for a user, also by requests at the same time."""
    await github_sign_in(client)
    github.delay_seconds = 0.1
    answers = await asyncio.gather(*(client.get("/c2c/read") for _ in range(20)))
    answers += [await client.get(f"/c2c/{name}") for name in ("read", "write", "context")]
    assert {answer.status_code for answer in answers[:20]} == {200}
    assert github.calls["/repos/org/repo"] == 1


async def test_lost_access(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """P04, J20: who loses the right is out as soon as the remembered answer is over."""
    configure(jwt={"secret": KEY}, github=github.settings(permission_ttl="1s"))
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 200
    github.repositories["org/repo"].permissions.clear()
    await asyncio.sleep(1.1)
    assert (await client.get("/c2c/read")).status_code == 403


async def test_token_that_github_no_longer_knows(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """P04: the session of a token that was revoked at GitHub ends, and its cookie is cleared."""
    await github_sign_in(client)
    github.revoke_tokens()
    response = await client.get("/c2c/read")
    assert response.status_code == 403
    assert f"{COOKIE}=; " in response.headers["set-cookie"]


TROUBLES = [
    "bad gateway",
    "rate limit",
    "secondary rate limit",
    "list",
    "truncated",
    "html",
    "redirect",
    "flood",
    "unavailable",
    "bad request",
]


@pytest.mark.parametrize("kind", TROUBLES)
async def test_github_in_trouble(client: httpx.AsyncClient, github: FakeGitHub, kind: str) -> None:
    """P06, F40: protected views answer 503 with `Retry-After`, the session stays, all else works."""
    await github_sign_in(client)
    github.trouble["/repos"] = kind
    response = await client.get("/c2c/read")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "set-cookie" not in response.headers
    assert (await client.get("/c2c/")).text == "in"
    assert github.calls["/loop"] == 0
    github.trouble.clear()
    await auth.shutdown()  # the trouble is not remembered
    assert (await client.get("/c2c/read")).status_code == 200


async def test_github_hangs(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """P06: a question lasts 5 s at most, and others do not wait for it again."""
    await github_sign_in(client)
    github.trouble["/repos"] = "hang"
    async with asyncio.timeout(20):
        response = await client.get("/c2c/read")
    assert response.status_code == 503
    async with asyncio.timeout(4):
        assert (await client.get("/c2c/read")).status_code == 503
    assert github.calls["/repos/org/repo"] == 1


async def test_recovery(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """The views work again by themselves, within 10 s of the end of the trouble."""
    await github_sign_in(client)
    github.trouble["/repos"] = "unavailable"
    assert (await client.get("/c2c/read")).status_code == 503
    github.trouble.clear()

    async def works() -> bool:
        return (await client.get("/c2c/read")).status_code == 200

    await eventually(works, seconds=20, what="the view")


async def test_known_permission_while_github_is_away(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """F40: what was known lately still counts while GitHub cannot be asked."""
    configure(jwt={"secret": KEY}, github=github.settings(permission_ttl="0s"))
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 200
    github.trouble["/repos"] = "unavailable"
    assert (await client.get("/c2c/read")).status_code == 200
    assert (await client.get("/c2c/write")).status_code == 403


async def test_refused_connection(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    await github_sign_in(client)
    configure(jwt={"secret": KEY}, github=github.settings(repo_url="http://127.0.0.1:1/repos"))
    assert (await client.get("/c2c/read")).status_code == 503


@pytest.mark.parametrize("path", ["/login/oauth/access_token", "/user"])
@pytest.mark.parametrize("headers", [{}, HTML], ids=["json", "html"])
async def test_sign_in_while_github_is_in_trouble(
    client: httpx.AsyncClient, github: FakeGitHub, path: str, headers: dict[str, str]
) -> None:
    callback = await begun(client)
    github.trouble[path] = "bad gateway"
    response = await client.get(callback, headers=headers)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert COOKIE not in client.cookies


async def test_odd_user(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    github.trouble["/user"] = "odd user"
    assert (await github_sign_in(client)).status_code == 503


async def test_hostile_user(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """An address that would be a script as a link is dropped."""
    github.users["octocat"] |= {"html_url": "javascript:alert(1)", "name": None}
    await github_sign_in(client)
    user = (await client.get("/c2c/auth/status")).json()["user"]
    assert user == {"login": "octocat", "display_name": "octocat", "url": ""}


async def test_session_that_does_not_fit(
    client: httpx.AsyncClient, github: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    """A cookie that browsers would drop is refused with a clear log."""
    github.users["octocat"] |= {
        "name": "\U0001f600" * 300,
        "html_url": "https://github.com/" + "\u2603" * 900,
    }
    response = await github_sign_in(client)
    assert response.status_code == 400
    assert "does not fit" in caplog.text
    assert COOKIE not in client.cookies


# tokens that end


async def aged(client: httpx.AsyncClient, github: FakeGitHub, **changes: Any) -> None:
    """Sign in with a token that is due for the next one."""
    github.expires_in = 30
    configure(jwt={"secret": KEY}, github=github.settings(**changes))
    await github_sign_in(client)
    github.calls.clear()


async def test_refresh(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A token that ends soon is replaced, also on an answer that the view made by itself."""
    await aged(client, github)
    before = client.cookies[COOKIE]
    assert (await client.get("/c2c/")).text == "in"
    after = client.cookies[COOKIE]
    assert after != before
    first, second = (_tokens.unseal(Kind.SESSION, each, longest_seconds=700_000) for each in (before, after))
    assert (first.jti, first.exp) == (second.jti, second.exp)
    assert first.data["github"]["access_token"] != second.data["github"]["access_token"]
    assert github.calls["/login/oauth/access_token"] == 1


async def test_parallel_refresh(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J33: requests at the same time ask once, and late ones with the old cookie get the same result."""
    await aged(client, github)
    github.delay_seconds = 0.1
    old = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
    async with make_client(make_app()) as bare:
        answers = await asyncio.gather(*(bare.get("/c2c/read", headers=old) for _ in range(20)))
        answers.append(await bare.get("/c2c/read", headers=old))
    assert {answer.status_code for answer in answers} == {200}
    assert github.calls["/login/oauth/access_token"] == 1


async def test_refresh_without_a_refresh_token(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A token that ends and has no successor counts until its end."""
    await github_sign_in(client)
    claims = _tokens.unseal(Kind.SESSION, client.cookies[COOKIE], longest_seconds=700_000)
    for ends_in, expected in ((30, "in"), (-1, "out")):
        claims.data["github"]["access_token_expires_at"] = int(time.time()) + ends_in
        cookie = f"{COOKIE}={_tokens.seal(Kind.SESSION, claims.model_dump())}"
        assert (await client.get("/c2c/", headers={"Cookie": cookie})).text == expected


@pytest.mark.parametrize("missing", ["login", "access_token"])
async def test_session_without_a_user_or_token(
    client: httpx.AsyncClient, github: FakeGitHub, missing: str
) -> None:
    """A session that names no user or holds no token is nobody's, and is cleared."""
    await github_sign_in(client)
    claims = _tokens.unseal(Kind.SESSION, client.cookies[COOKIE], longest_seconds=700_000)
    client.cookies.clear()
    claims.data["github"][missing] = ""
    cookie = f"{COOKIE}={_tokens.seal(Kind.SESSION, claims.model_dump())}"
    response = await client.get("/c2c/signed-in", headers={"Cookie": cookie})
    assert response.status_code == 403
    assert f"{COOKIE}=;" in response.headers["set-cookie"]


async def _over(client: httpx.AsyncClient) -> dict[str, str]:
    """The session with a token that is over already."""
    claims = _tokens.unseal(Kind.SESSION, client.cookies[COOKIE], longest_seconds=700_000)
    claims.data["github"]["access_token_expires_at"] = int(time.time()) - 1
    return {"Cookie": f"{COOKIE}={_tokens.seal(Kind.SESSION, claims.model_dump())}"}


@pytest.mark.parametrize("kind", ["unavailable", "bad gateway", "html", "bad request"])
async def test_refresh_while_github_is_in_trouble(
    client: httpx.AsyncClient, github: FakeGitHub, kind: str
) -> None:
    """J34: 503 and the session is kept; a token that is still good is used until its end."""
    await aged(client, github)
    github.trouble["/login/oauth/access_token"] = kind
    assert (await client.get("/c2c/signed-in")).status_code == 200
    over = await _over(client)
    async with make_client(make_app()) as bare:
        response = await bare.get("/c2c/read", headers=over)
        assert response.status_code == 503
        assert "set-cookie" not in response.headers
        assert (await bare.get("/c2c/", headers=over)).text == "in"


async def test_refused_refresh(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J34: a refresh token that is over ends the session."""
    await aged(client, github)
    github.trouble["/login/oauth/access_token"] = "refused"
    response = await client.get("/c2c/read")
    assert response.status_code == 403
    assert f"{COOKIE}=; " in response.headers["set-cookie"]


# bearer tokens


async def test_bearer(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A GitHub token opens what its user may open."""
    configure(jwt={"secret": KEY}, github=github.settings(bearer=True))
    headers = {"Authorization": f"bearer {github.token()}"}
    assert (await client.get("/c2c/read", headers=headers)).status_code == 200
    assert (await client.get("/c2c/write", headers=headers)).status_code == 403
    status = (await client.get("/c2c/auth/status", headers=headers)).json()
    assert status == {"is_logged_in": True, "user": USER, "type": "github_bearer"}
    assert github.calls["/user"] == 1


async def test_bearer_changes_without_an_origin(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    github.repositories["org/repo"].permissions["octocat"] = ["push"]
    configure(jwt={"secret": KEY}, github=github.settings(bearer=True))
    headers = {"Authorization": f"Bearer {github.token()}", "Origin": "https://elsewhere.example"}
    assert (await client.post("/c2c/write", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "settings",
    [{}, {"secret": "a shared secret"}, {"github": None}],
    ids=["no mode", "secret mode", "GitHub without bearer"],
)
async def test_bearer_is_sent_nowhere(
    client: httpx.AsyncClient, github: FakeGitHub, settings: dict[str, Any]
) -> None:
    """P01: outside its mode a token is ignored, and never sent to GitHub."""
    if "github" in settings:
        settings = {"jwt": {"secret": KEY}, "github": github.settings()}
    configure(**settings)
    headers = {"Authorization": f"Bearer {github.token()}"}
    assert (await client.get("/c2c/read", headers=headers)).status_code == 403
    assert not github.calls


BAD_BEARERS = {
    "empty": ["Bearer "],
    "no scheme": ["gho_0123456789abcdef0123456789abcdef0123"],
    "basic": ["Basic Z2hvXzAxMjM6"],
    "no GitHub token": ["Bearer 0123456789abcdef0123456789abcdef01234567"],
    "20 KiB": ["Bearer ghp_" + "x" * 20_480],
    "line": ["Bearer ghp_0123456789abcdef\t0123456789"],
    "two headers": ["Bearer gho_0123456789abcdef0123", "Bearer gho_0123456789abcdef0123"],
}


@pytest.mark.parametrize("values", BAD_BEARERS.values(), ids=BAD_BEARERS)
async def test_bad_bearer(client: httpx.AsyncClient, github: FakeGitHub, values: list[str]) -> None:
    """J38: what cannot be a GitHub token is refused without a call."""
    configure(jwt={"secret": KEY}, github=github.settings(bearer=True))
    response = await client.get("/c2c/read", headers=[("Authorization", value) for value in values])
    assert response.status_code == 403
    assert not github.calls


async def test_refused_bearer_and_valid_cookie(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """J39: a token that is given decides alone; the session is not a second chance, and is kept."""
    configure(jwt={"secret": KEY}, github=github.settings(bearer=True))
    await github_sign_in(client)
    headers = {"Authorization": "Bearer gho_0123456789abcdef0123456789abcdef0123"}
    assert (await client.get("/c2c/read", headers=headers)).status_code == 403
    assert (await client.get("/c2c/read", headers={"Authorization": "Basic eDp5"})).status_code == 200


async def test_guessed_bearers_are_throttled(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    configure(jwt={"secret": KEY}, github=github.settings(bearer=True), throttle_per_client=2)
    for number, expected in enumerate((403, 403, 429)):
        headers = {"Authorization": f"Bearer gho_{number:036}"}
        assert (await client.get("/c2c/read", headers=headers)).status_code == expected


async def test_bearer_while_github_is_in_trouble(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    configure(jwt={"secret": KEY}, github=github.settings(bearer=True))
    github.trouble["/user"] = "unavailable"
    headers = {"Authorization": f"Bearer {github.token()}"}
    assert (await client.get("/c2c/read", headers=headers)).status_code == 503
    assert (await client.get("/c2c/", headers=headers)).text == "out"


async def test_garbage_makes_no_calls(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """L14: garbage cookies cost no call to GitHub."""
    for number in range(100):
        await client.get("/c2c/read", headers={"Cookie": f"{COOKIE}={number}.x.y"})
    assert not github.calls


async def test_no_token_is_shown(
    client: httpx.AsyncClient, github: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    """P03: no token or client secret in a log, a reply or readable in a cookie."""
    caplog.set_level(logging.DEBUG, "c2casgiutils")
    github.expires_in = 3600
    answers = [await github_sign_in(client)]
    answers += [await client.get(f"/c2c/{path}") for path in ("auth/status", "read", "audit", "")]
    github.trouble["/repos"] = "truncated"
    await auth.shutdown()  # nothing is remembered: GitHub is asked
    answers.append(await client.get("/c2c/read"))
    shown = "".join(f"{answer.text}{answer.headers}" for answer in answers)
    shown += "".join(f"{record.getMessage()}{record.__dict__}" for record in caplog.records)
    assert "auth.sign_in" in shown
    assert "gho_" not in shown
    assert "ghr_" not in shown
    assert CLIENT_SECRET not in shown
    assert github.forms[0]["code"] not in shown


async def test_calls_of_many_users(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """L15: many users with many requests at once are one question for each."""
    sessions = []
    for number in range(30):
        login = f"user-{number}"
        github.repositories["org/repo"].permissions[login] = ["pull"]
        payload = {"login": login, "display_name": "", "url": "", "access_token": github.token(login)}
        data = {"method": "github_oauth", "github": payload}
        sessions.append(_tokens.make(Kind.SESSION, login, data, expires_at=int(time.time()) + 60))
    github.delay_seconds = 0.1
    cookies = [{"Cookie": f"{COOKIE}={session}"} for session in sessions for _ in range(5)]
    answers = await asyncio.gather(*(client.get("/c2c/read", headers=cookie) for cookie in cookies))
    assert {answer.status_code for answer in answers} == {200}
    assert github.calls == {"/repos/org/repo": 30}


async def test_flood_of_failures(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """Sign-ins that fail are recorded, a flood of them is not."""
    for number in range(30):
        callback = (await begun(client)).replace("code=", "error=access_denied&x=")
        assert (await client.get(callback)).status_code == (400 if number < 20 else 429)
    results = [event.result for event in (await auth.audit.last(100, "refusals"))[1]]
    refused = "refused: access_denied"
    assert results == ["refused, throttled from now on: access_denied"] + [refused] * 19


async def test_callbacks_of_no_sign_in(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """The attack: a page whose images ask for the callback, so that its visitor cannot sign in any more."""
    for _ in range(30):
        for query in ("error=x", "error=access_denied&state=x", "code=x&state=x", "state=x&state=y"):
            assert (await client.get(f"/c2c/auth/github/callback?{query}")).status_code == 400
    assert (await auth.audit.last(100, "refusals"))[1] == []
    assert (await github_sign_in(client)).status_code == 307


async def test_flood_of_codes_at_once(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """Many codes at the same time are looked at one after the other, until the client has to wait."""
    configure(jwt={"secret": KEY}, github=github.settings(), throttle_per_client=3)
    cookies, callbacks = [], []
    for _ in range(8):
        callbacks.append((await begun(client)).replace("code=", "code=x"))
        cookies.append("; ".join(f"{name}={value}" for name, value in client.cookies.items()))
        client.cookies.clear()
    answers = await asyncio.gather(
        *(client.get(url, headers={"Cookie": cookie}) for url, cookie in zip(callbacks, cookies, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [400] * 3 + [429] * 5
    assert github.calls["/login/oauth/access_token"] == 3


async def test_no_cookies_of_github(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """What GitHub sets for one user is not sent for another one."""
    await github_sign_in(client)
    await client.get("/c2c/read")
    assert github.cookies == [""] * len(github.cookies)
    assert len(github.cookies) >= 3


async def test_target_that_grows_too_long(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """A target that does not fit into the state cookie once it is encoded is refused."""
    response = await client.get("/c2c/auth/github/login", params={"came_from": "/" + "é" * 1000})
    assert response.status_code == 400
    assert "set-cookie" not in response.headers


async def test_wrong_client_secret(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """What is wrong on our side signs nobody out."""
    await aged(client, github)
    over = await _over(client)
    configure(jwt={"secret": KEY}, github=github.settings(client_secret="wrong"))
    assert (await github_sign_in(client)).json()["error"].endswith("incorrect_client_credentials")
    async with make_client(make_app()) as bare:
        response = await bare.get("/c2c/read", headers=over)
    assert response.status_code == 503
    assert "set-cookie" not in response.headers


async def test_token_that_is_refused_at_once(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    callback = await begun(client)
    github.trouble["/user"] = "bad credentials"
    assert (await client.get(callback)).status_code == 400


async def test_without_a_key(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """An application that does not call `startup` is closed, not broken."""
    configure(github=github.settings())
    assert (await client.get("/c2c/auth/github/login")).status_code == 503
    assert (await client.get("/c2c/read")).status_code == 403


async def test_known_permission_with_a_token_that_is_over(
    client: httpx.AsyncClient, github: FakeGitHub
) -> None:
    """What was known about the token still counts while the next one cannot be had."""
    await aged(client, github, access_token_expiration_margin="0s")
    assert (await client.get("/c2c/read")).status_code == 200
    over = await _over(client)
    github.trouble["/login"] = "unavailable"
    async with make_client(make_app()) as bare:
        assert (await bare.get("/c2c/read", headers=over)).status_code == 200
        assert (await bare.get("/c2c/write", headers=over)).status_code == 403


async def test_right_is_asked_without_a_request(github: FakeGitHub) -> None:
    """A token that GitHub refuses is a no, also where there is no cookie to clear."""
    info = auth.AuthInfo(is_logged_in=True, user=auth.UserInfo(token="gho_unknown"))
    assert not await auth.check_access(info, auth.AuthConfig())


@pytest.mark.parametrize("headers", [{}, HTML], ids=["json", "html"])
async def test_flood_of_codes(client: httpx.AsyncClient, github: FakeGitHub, headers: dict[str, str]) -> None:
    """GitHub is no longer asked for who fails too often."""
    configure(jwt={"secret": KEY}, github=github.settings(), throttle_per_client=3)
    statuses = []
    for _ in range(5):
        callback = (await begun(client)).replace("code=", "code=x")
        statuses.append((await client.get(callback, headers=headers)).status_code)
    assert statuses == [400, 400, 400, 429, 429]
    assert github.calls["/login/oauth/access_token"] == 3


async def test_forwarded_host(github: FakeGitHub) -> None:
    """Behind a trusted proxy the address of the browser counts, for the callback and for `came_from`."""
    app = ForwardedHeadersMiddleware(make_app(), trusted_hosts="10.1.1.1")
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "public.example.com"}
    async with make_client(app, headers=forwarded) as client:
        response = await client.get(
            "/c2c/auth/github/login", params={"came_from": "https://public.example.com/x"}
        )
        query = parse_qs(urlsplit(response.headers["location"]).query)
        assert query["redirect_uri"] == ["https://public.example.com/c2c/auth/github/callback"]
        refused = await client.get("/c2c/auth/github/login", params={"came_from": f"{BASE_URL}/x"})
        assert refused.status_code == 400
