"""Signing in with the shared secret and out again."""

import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

import c2casgiutils
from c2casgiutils import auth, config
from tests.support.asgi import call, header_lists, make_scope
from tests.support.auth import (
    BASE_URL,
    COOKIE,
    KEY,
    SECRET,
    configure,
    configure_test_user,
    make_app,
    make_client,
)

STRONG = "a shared secret that nobody guesses"
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def _secret_mode() -> None:
    configure(secret=SECRET, jwt={"secret": KEY})


def destination(response: httpx.Response) -> str:
    """The path and query where a browser goes on; redirects are relative, for proxies that strip a prefix."""
    assert not response.headers["location"].startswith("/")
    assert response.next_request is not None
    return response.next_request.url.raw_path.decode()


async def sign_in(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/c2c/auth/login", data={"secret": SECRET})


WAYS = {
    "query": {"method": "GET", "params": {"secret": SECRET}},
    "header": {"method": "GET", "headers": {"X-API-Key": SECRET}},
    "form": {"method": "POST", "data": {"secret": SECRET}},
    "multipart": {"method": "POST", "files": {"secret": (None, SECRET)}},
    "posted header": {"method": "POST", "headers": {"X-API-Key": SECRET}},
}


@pytest.mark.parametrize("arguments", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("middleware", [True, False])
async def test_sign_in(arguments: dict[str, object], middleware: bool) -> None:
    """The session opens the protected views; its cookie has the promised attributes and no secret."""
    async with make_client(make_app(middleware=middleware)) as client:
        response = await client.request(url="/c2c/auth/login", **arguments)  # type: ignore[arg-type]  # table
        assert response.status_code == 200
        assert response.json()["status"] == "success"
        (cookie,) = response.headers.get_list("set-cookie")
        name, *attributes = cookie.split("; ")
        assert name.startswith(f"{COOKIE}=")
        assert sorted(attributes) == ["HttpOnly", "Max-Age=604800", "Path=/c2c", "SameSite=lax", "Secure"]
        assert SECRET not in cookie
        assert (await client.get("/c2c/read")).status_code == 200
        status = (await client.get("/c2c/auth/status")).json()
        assert (status["is_logged_in"], status["type"]) == (True, "secret")


@pytest.mark.parametrize("mount", ["/one", "/two"])
async def test_browser_comes_back_to_the_mount_it_used(mount: str) -> None:
    """One application may be mounted several times."""
    app = FastAPI()
    app.mount("/one", c2casgiutils.app)
    app.mount("/two", c2casgiutils.app)
    async with make_client(app) as client:
        response = await client.post(f"{mount}/auth/login", data={"secret": SECRET}, headers=HTML)
        assert destination(response) == f"{mount}/"
        response = await client.get(f"{mount}/auth/logout", headers=HTML)
        assert destination(response) == f"{mount}/"


async def test_sign_in_without_a_key(client: httpx.AsyncClient) -> None:
    """Without a key for sessions one is derived from the secret itself."""
    configure(secret=SECRET)
    assert (await sign_in(client)).status_code == 200
    assert (await client.get("/c2c/read")).status_code == 200
    configure(secret="another secret")
    assert (await client.get("/c2c/read")).status_code == 403


REFUSED = {
    "missing": ({"method": "GET"}, 400),
    "empty form": ({"method": "POST", "data": {"secret": ""}}, 400),
    "no form": ({"method": "POST", "json": {"secret": SECRET}}, 400),
    "wrong query": ({"method": "GET", "params": {"secret": "wrong"}}, 401),
    "wrong form": ({"method": "POST", "data": {"secret": "wrong"}}, 401),
    "given twice": ({"method": "POST", "content": b"secret=wrong&secret=a+shared+secret"}, 400),
    "too large": ({"method": "POST", "content": b"secret=" + b"x" * 20_000}, 413),
}


@pytest.mark.parametrize(("arguments", "status"), REFUSED.values(), ids=REFUSED)
async def test_sign_in_refused(client: httpx.AsyncClient, arguments: dict[str, object], status: int) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if "content" in arguments else {}
    response = await client.request(url="/c2c/auth/login", headers=headers, **arguments)  # type: ignore[arg-type]  # table
    assert response.status_code == status
    assert set(response.json()) == {"detail"}
    assert "set-cookie" not in response.headers


async def test_bad_multipart(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await client.post("/c2c/auth/login", content=b"nonsense", headers=headers)
    assert response.status_code == 400


@pytest.mark.parametrize("settings", [{}, {"test": {"username": "x"}}])
async def test_no_sign_in_in_other_modes(client: httpx.AsyncClient, settings: dict[str, object]) -> None:
    configure(**settings)
    assert (await sign_in(client)).status_code == 404


async def test_browser_is_sent_to_the_page(client: httpx.AsyncClient) -> None:
    """A browser gets the page, at an address that no longer holds the secret."""
    for method, arguments in (
        ("GET", {"params": {"secret": SECRET}}),
        ("POST", {"data": {"secret": SECRET}}),
    ):
        response = await client.request(method, "/c2c/auth/login", headers=HTML, **arguments)  # type: ignore[arg-type]  # table
        assert (response.status_code, destination(response)) == (303, "/c2c/")
        assert COOKIE in response.cookies


@pytest.mark.parametrize(
    ("scheme", "settings", "target"),
    [
        ("http", {}, "/c2c/?sign_in=lost"),
        ("https", {}, "/c2c/"),
        ("http", {"http": True}, "/c2c/"),
        ("http", {"auth": {"secret": SECRET, "jwt": {"cookie": {"secure": False}}}}, "/c2c/"),
    ],
)
async def test_browser_that_may_not_keep_the_cookie(
    client: httpx.AsyncClient, scheme: str, settings: dict[str, Any], target: str
) -> None:
    """Over plain HTTP the page is told that a `Secure` cookie may be lost; it sees whether it was."""
    config.settings = config.Settings(**{"auth": {"secret": SECRET}, **settings})
    url = f"{scheme}://app.example.com/c2c/auth/login"
    response = await client.post(url, headers=HTML, data={"secret": SECRET})
    assert (response.status_code, destination(response)) == (303, target)


@pytest.mark.parametrize(
    ("came_from", "target"),
    [
        ("levels?q=orders&changed=1", "/c2c/levels?q=orders&changed=1"),
        ("?logger=a:b#levels", "/c2c/?logger=a:b#levels"),
        ("/c2c/levels", "/c2c/levels"),
        ("/private?a=/b", "/private?a=/b"),
        (f"{BASE_URL}/c2c/levels", "/c2c/levels"),
        ("", "/c2c/"),
    ],
)
@pytest.mark.parametrize(("secret", "error"), [(SECRET, ""), ("wrong", "sign_in=wrong")])
async def test_browser_comes_back_to_its_view(
    client: httpx.AsyncClient, came_from: str, target: str, secret: str, error: str
) -> None:
    """The form leads back to the view with its query; with a wrong secret, too, which says so."""
    data = {"secret": secret, "came_from": came_from}
    response = await client.post("/c2c/auth/login", headers=HTML, data=data)
    assert response.status_code == 303
    assert response.next_request is not None
    url, wanted = response.next_request.url, httpx.URL(target)
    query = "&".join(filter(None, [wanted.query.decode(), error]))
    assert (url.host, url.path, url.query.decode(), url.fragment) == (
        "app.example.com",
        wanted.path,
        query,
        wanted.fragment,
    )


@pytest.mark.parametrize(
    "values",
    [
        ["//evil.example"],
        ["https://evil.example/"],
        ["javascript:alert(1)"],
        ["../auth/logout"],
        ["auth/logout"],
        ["levels", "levels"],
        ["x" * 2100],
    ],
)
async def test_browser_is_sent_nowhere_else(client: httpx.AsyncClient, values: list[str]) -> None:
    """What is no view of ours is refused, as with GitHub, before a session begins."""
    data = {"secret": SECRET, "came_from": values}
    response = await client.post("/c2c/auth/login", headers=HTML, data=data)
    assert response.status_code == 400
    assert not {"location", "set-cookie"} & set(response.headers)
    assert "evil" not in response.text


@pytest.mark.parametrize(
    ("referer", "cookie_path", "error"),
    [
        ("https://example.com/api/c2c/levels?q=/", None, "sign_in=prefix"),
        ("https://example.com/api/c2c/", None, "sign_in=prefix"),
        ("https://example.com/api/c2c/", "/", ""),
        (f"{BASE_URL}/c2c/levels", None, ""),
        (f"{BASE_URL}/c2c/", None, ""),
        (f"{BASE_URL}/a/page/of/the/application", None, ""),
        (BASE_URL, None, ""),
        ("nonsense", None, ""),
        ("https://[/c2c/", None, ""),
        ("", None, ""),
    ],
)
async def test_prefix_that_nobody_told(
    client: httpx.AsyncClient, referer: str, cookie_path: str | None, error: str
) -> None:
    """If the browser will not send the cookie back, because a proxy strips a prefix, the page says so."""
    configure(secret=SECRET, jwt={"secret": KEY, "cookie": {"path": cookie_path}})
    headers = {**HTML, "Referer": referer, "Sec-Fetch-Site": "same-origin"}
    data = {"secret": SECRET, "came_from": "levels?q=a"}
    response = await client.post("/c2c/auth/login", headers=headers, data=data)
    assert destination(response) == "/c2c/levels?q=a" + (f"&{error}" if error else "")


async def test_browser_with_a_wrong_secret(client: httpx.AsyncClient) -> None:
    response = await client.post("/c2c/auth/login", headers=HTML, data={"secret": "wrong"})
    assert (response.status_code, destination(response)) == (303, "/c2c/?sign_in=wrong")
    assert "set-cookie" not in response.headers


async def test_throttled_browser(client: httpx.AsyncClient) -> None:
    configure(secret=SECRET, throttle_per_client=1)
    for _ in range(2):
        response = await client.post("/c2c/auth/login", headers=HTML, data={"secret": "wrong"})
    assert (response.status_code, destination(response)) == (303, "/c2c/?sign_in=throttled")
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_sign_out(client: httpx.AsyncClient, method: str) -> None:
    """P04, J19: a session that was signed out is over, also for who kept its cookie."""
    await sign_in(client)
    kept = client.cookies[COOKIE]
    response = await client.request(method, "/c2c/auth/logout")
    assert response.json() == {"status": "success", "message": "Signed out"}
    assert COOKIE not in client.cookies
    assert (await client.get("/c2c/read", headers={"Cookie": f"{COOKIE}={kept}"})).status_code == 403


async def test_sign_out_ends_one_session(client: httpx.AsyncClient) -> None:
    """The session of another browser goes on."""
    await sign_in(client)
    async with make_client(make_app()) as other:
        await sign_in(other)
        await other.post("/c2c/auth/logout")
    assert (await client.get("/c2c/read")).status_code == 200


async def test_browser_sign_out(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    response = await client.post("/c2c/auth/logout", headers=HTML)
    assert (response.status_code, destination(response)) == (303, "/c2c/")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_other_site_asks_to_sign_out(client: httpx.AsyncClient, site: str) -> None:
    """A link on another site's page does not sign out, it shows a page that asks."""
    await sign_in(client)
    response = await client.get("/c2c/auth/logout", headers={"Sec-Fetch-Site": site})
    assert response.status_code == 200
    assert '<form method="post" action="/c2c/auth/logout">' in response.text
    assert "script" not in response.headers["content-security-policy"]
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert (await client.get("/c2c/read")).status_code == 200


@pytest.mark.parametrize("site", ["none", "same-origin"])
async def test_own_link_signs_out(client: httpx.AsyncClient, site: str) -> None:
    await sign_in(client)
    await client.get("/c2c/auth/logout", headers={"Sec-Fetch-Site": site})
    assert (await client.get("/c2c/read")).status_code == 403


CROSS_SITE = {
    "foreign origin": {"Origin": "https://evil.example"},
    "null origin": {"Origin": "null"},
    "no origin": {"Sec-Fetch-Site": "cross-site"},
    "other port": {"Origin": "https://app.example.com:8443"},
    "other scheme": {"Origin": "http://app.example.com"},
    "subdomain": {"Sec-Fetch-Site": "same-site", "Origin": "https://app.example.com"},
}


@pytest.mark.parametrize("path", ["/c2c/write", "/c2c/auth/logout"])
@pytest.mark.parametrize("headers", CROSS_SITE.values(), ids=CROSS_SITE)
async def test_other_site_changes_nothing(
    client: httpx.AsyncClient, headers: dict[str, str], path: str
) -> None:
    """J42, P10: a change through the cookie needs a page of our own."""
    await sign_in(client)
    assert (await client.post(path, headers=headers)).status_code == 403
    assert (await client.get("/c2c/read")).status_code == 200


OWN_SITE = {
    "no browser": {},
    "same origin": {"Sec-Fetch-Site": "same-origin", "Origin": "https://app.example.com"},
    "form under no-referrer": {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    "older browser": {"Origin": "https://app.example.com"},
    "default port": {"Origin": "https://app.example.com:443"},
}


@pytest.mark.parametrize("headers", OWN_SITE.values(), ids=OWN_SITE)
async def test_own_page_changes(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    await sign_in(client)
    assert (await client.post("/c2c/write", headers=headers)).status_code == 200


async def test_public_url_is_our_origin(client: httpx.AsyncClient) -> None:
    """Behind a proxy that hides the host the public address counts."""
    configure(secret=SECRET, jwt={"secret": KEY}, public_url="https://public.example.com")
    await sign_in(client)
    response = await client.post("/c2c/write", headers={"Origin": "https://public.example.com"})
    assert response.status_code == 200


async def test_secret_in_a_header_needs_no_origin(client: httpx.AsyncClient) -> None:
    """No page of another site knows the secret."""
    headers = {"X-API-Key": SECRET, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await client.post("/c2c/write", headers=headers)).status_code == 200


EMBEDDED = {
    "image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    "frame": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    "subdomain": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    "older browser": {"Origin": "https://evil.example"},
}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("headers", EMBEDDED.values(), ids=EMBEDDED)
@pytest.mark.parametrize("path", ["/c2c/read", "/c2c/auth/login", "/c2c/auth/status"])
async def test_other_site_guesses_nothing(
    client: httpx.AsyncClient, headers: dict[str, str], path: str
) -> None:
    """A secret in the address of what another site's page loads is neither compared nor counted."""
    configure(secret=SECRET, throttle_per_client=1)
    for secret in ("wrong", SECRET, "wrong"):
        response = await client.get(path, params={"secret": secret}, headers=headers)
        assert response.status_code in (200, 303, 400, 403)
        assert response.json().get("is_logged_in") is not True
        assert (await client.post(path, data={"secret": secret}, headers=headers)).status_code in (403, 405)
    assert COOKIE not in client.cookies
    assert (await sign_in(client)).status_code == 200


async def test_link_with_the_secret(client: httpx.AsyncClient) -> None:
    """A link of another site, in a wiki say, still counts: its visitor sees where it leads."""
    response = await client.get("/c2c/read", params={"secret": SECRET}, headers=LINK)
    assert response.status_code == 200


async def test_other_site_and_the_test_user(client: httpx.AsyncClient) -> None:
    configure_test_user()
    assert (await client.post("/c2c/write", headers={"Origin": "https://evil.example"})).status_code == 403
    assert (await client.post("/c2c/write")).status_code == 200


@pytest.mark.parametrize("middleware", [True, False])
@pytest.mark.parametrize(("path", "status"), [("/c2c/read", 403), ("/c2c/teapot", 418)])
async def test_bad_cookie_is_cleared_on_errors(middleware: bool, path: str, status: int) -> None:
    """P05: also where the view ends in an error, and beside the headers of that error."""
    async with make_client(make_app(middleware=middleware)) as client:
        response = await client.get(path, headers={"Cookie": f"{COOKIE}=bad"})
    assert response.status_code == status
    assert f"{COOKIE}=; " in response.headers["set-cookie"]
    assert ("x-own" in response.headers) is (status == 418)


async def test_bad_cookie_is_cleared_on_a_response_of_the_view(client: httpx.AsyncClient) -> None:
    """P05: also where the view answers a response of its own; the page still shows."""
    response = await client.get("/c2c/", headers={"Cookie": f"{COOKIE}=bad"})
    assert (response.status_code, response.text) == (200, "out")
    assert len(response.headers.get_list("set-cookie")) == 1


async def test_startup_puts_one_middleware_in_place() -> None:
    """However often it is called, before the application serves and then."""
    app = make_app(middleware=False)
    for _ in range(2):
        await auth.startup(app)
    assert len(app.user_middleware) == 1
    async with make_client(app) as client:
        await client.get("/c2c/")
        stack = app.middleware_stack
        await auth.startup(app)
    assert app.middleware_stack is stack


async def test_startup_puts_the_middleware_in_place() -> None:
    """An application that only calls `startup` gets it too, once."""
    app = make_app(middleware=False)
    async with make_client(app) as client:
        await client.get("/c2c/")
        await auth.startup(app)
        await auth.startup(app)
        response = await client.get("/c2c/", headers={"Cookie": f"{COOKIE}=bad"})
    assert len(response.headers.get_list("set-cookie")) == 1


async def test_plain_http(client: httpx.AsyncClient) -> None:
    """J31: over plain HTTP no `Secure`, and no name that asks for it."""
    cookie = {"name": "__Host-session"}
    config.settings = config.Settings(
        http=True, auth={"secret": SECRET, "jwt": {"secret": KEY, "cookie": cookie}}
    )
    header = (await sign_in(client)).headers["set-cookie"]
    assert header.startswith("session=")
    assert "Secure" not in header


async def test_host_prefix(client: httpx.AsyncClient) -> None:
    """J29: a name with `__Host-` keeps it and gets the path that browsers ask for."""
    configure(secret=SECRET, jwt={"secret": KEY, "cookie": {"name": "__Host-session", "age": "1h"}})
    header = (await sign_in(client)).headers["set-cookie"]
    assert header.startswith("__Host-session=")
    assert "; Path=/;" in header
    assert "; Max-Age=3600;" in header
    assert (await client.get("/c2c/read")).status_code == 200


async def test_configured_attributes(client: httpx.AsyncClient) -> None:
    cookie = {"name": "mine", "same_site": "strict", "path": "/c2c/read", "secure": False}
    configure(secret=SECRET, jwt={"secret": KEY, "cookie": cookie})
    header = (await sign_in(client)).headers["set-cookie"]
    assert header.startswith("mine=")
    assert header.endswith("HttpOnly; Max-Age=604800; Path=/c2c/read; SameSite=strict")


async def test_secret_is_in_no_log(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """P03, P09: neither right nor wrong secrets are logged by the sign-in."""
    caplog.set_level(logging.DEBUG, "c2casgiutils")
    await sign_in(client)
    await client.post("/c2c/auth/login", data={"secret": "wrong-one"})
    await client.get("/c2c/read", headers={"X-API-Key": "wrong-one"})
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "auth.sign_in" in text
    assert SECRET not in text
    assert "wrong-one" not in text


async def test_audit_shows_sign_ins(client: httpx.AsyncClient) -> None:
    """Sign-ins, failures and sign-outs are recorded, the last one first."""
    await client.post("/c2c/auth/login", data={"secret": "wrong"})
    await sign_in(client)
    await client.post("/c2c/auth/logout")
    events = []
    for kind in ("changes", "refusals"):
        path = f"/c2c/audit?kind={kind}"
        events += (await client.get(path, headers={"X-API-Key": SECRET})).json()["events"]
    assert [(event["action"], event["who"], event["result"]) for event in events] == [
        ("auth.sign_out", "secret", "ok"),
        ("auth.sign_in", "secret", "ok"),
        ("auth.sign_in", "none", "refused"),
    ]
    assert {event["client"] for event in events} == {"10.1.1.1"}


async def test_throttle_of_one_client(client: httpx.AsyncClient) -> None:
    """J41, P09: after 20 wrong secrets an address waits, also with the right one; another one does not."""
    for number in range(21):
        response = await client.get("/c2c/read", headers={"X-API-Key": f"wrong {number}"})
        assert response.status_code == (403 if number < 20 else 429)
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert (await client.get("/c2c/read", headers={"X-API-Key": SECRET})).status_code == 429
    assert (await sign_in(client)).status_code == 429
    async with make_client(make_app(), address="10.1.1.2") as other:
        assert (await other.get("/c2c/read", headers={"X-API-Key": SECRET})).status_code == 200


async def test_throttle_of_all_clients() -> None:
    """J41: many addresses share a limit; who has not guessed wrong still comes in with a strong secret."""
    configure(secret=STRONG, throttle_total=50)
    app = make_app()
    for number in range(50):
        async with make_client(app, address=f"10.2.0.{number}") as client:
            response = await client.get("/c2c/read", headers={"X-API-Key": "wrong"})
            assert response.status_code == 403
    async with make_client(app, address="10.2.1.1") as client:
        assert (await client.get("/c2c/read", headers={"X-API-Key": STRONG})).status_code == 200
        assert (await client.get("/c2c/read", headers={"X-API-Key": "wrong"})).status_code == 429
        assert (await client.get("/c2c/read", headers={"X-API-Key": STRONG})).status_code == 429


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.1.1.1", "10.1.1.1", True),
        ("testclient", "other", False),
    ],
)
async def test_throttled_networks(first: str, second: str, shared: bool) -> None:
    """An IPv6 host has 2^64 addresses, they are counted as one."""
    configure(secret=SECRET, throttle_per_client=1)
    async with make_client(make_app(), address=first) as client:
        await client.get("/c2c/read", headers={"X-API-Key": "wrong"})
    async with make_client(make_app(), address=second) as client:
        response = await client.get("/c2c/read", headers={"X-API-Key": SECRET})
    assert response.status_code == (429 if shared else 200)


async def test_openapi_shows_the_ways_in(client: httpx.AsyncClient) -> None:
    app = make_app()
    from starlette.routing import Mount

    mounted = next(route.app for route in app.routes if isinstance(route, Mount))
    schemes = mounted.openapi()["components"]["securitySchemes"]  # type: ignore[attr-defined]  # it is FastAPI
    assert schemes["secret"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert schemes["session"] == {"type": "apiKey", "in": "cookie", "name": COOKIE}
    assert schemes["github"]["scheme"] == "bearer"


async def test_router_without_a_page() -> None:
    """The router also works in an application without the page."""
    from fastapi import FastAPI

    app = FastAPI()
    app.include_router(auth.router, prefix="/inner")
    async with make_client(app) as client:
        response = await client.post("/inner/auth/login", headers=HTML, data={"secret": SECRET})
        assert (response.status_code, destination(response)) == (303, "/")
        assert (await client.get("/inner/auth/status")).json()["is_logged_in"]


async def test_bad_host(client: httpx.AsyncClient) -> None:
    """A host that is no name is refused where an address is built from it."""
    await sign_in(client)
    response = await client.post(f"{BASE_URL}/c2c/write", headers={"Host": "a b", "Origin": "https://a b"})
    assert response.status_code == 400


@pytest.mark.parametrize("host", ["[::1", "[evil]", "a b", "a@b", "a/b", "x" * 300 + "\xe9", ""])
async def test_odd_hosts(client: httpx.AsyncClient, host: str) -> None:
    """No host is a reason for a 500."""
    for path in ("/c2c/auth/login", "/c2c/auth/logout", "/c2c/auth/github/login"):
        request = client.build_request(
            "POST", path, headers={**HTML, "Origin": "https://x"}, data={"secret": SECRET}
        )
        request.headers.raw[0] = (b"Host", host.encode("latin-1"))
        assert (await client.send(request)).status_code in (303, 400, 403, 405)


async def test_mount_path_in_the_cookie() -> None:
    """A path that the caller chooses cannot add attributes to a cookie."""
    from fastapi import FastAPI

    inner = FastAPI()
    inner.include_router(auth.router)
    app = FastAPI()
    app.mount("/{tenant}", inner)
    async with make_client(app) as client:
        response = await client.get(
            "/x%3B%20Domain=example.com%E2%82%AC/auth/login", headers={"X-API-Key": SECRET}
        )
    assert response.status_code == 200
    assert "; Path=/x%3B%20Domain=example.com%E2%82%AC; " in response.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/c2c/auth/logout", "/c2c/auth/login", "/c2c/read"])
async def test_query_of_any_bytes(path: str) -> None:
    """Bytes that are no text are no reason for a 500."""
    statuses = []

    async def send(message: Message) -> None:
        statuses.append(message.get("status"))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "query_string": b"secret=\xff&\xfe=",
        "headers": [(b"host", b"app.example.com"), (b"accept", HTML["Accept"].encode())],
    }
    await make_app()(scope, receive, send)
    assert statuses[0] in (303, 403)


@pytest.mark.parametrize("action", ["login", "logout"])
async def test_redirection_stays_here_below_any_mount(action: str) -> None:
    """A mount may begin with a parameter, which takes what a browser would read as a host."""
    app = FastAPI()
    app.mount("/{tenant:path}/c2c", make_app().routes[-1].app)  # type: ignore[attr-defined]  # a mount
    headers = [("host", "a"), ("accept", "text/html")]
    scope = make_scope(f"//evil.example/c2c/auth/{action}", method="POST", headers=headers)
    start = (await call(app, scope))[0]
    assert start["status"] == 303
    assert header_lists(start)["location"][0].startswith("../")
    assert all("Path=/evil" in cookie for cookie in header_lists(start).get("set-cookie", ()))
