"""Security headers on the responses of applications: the rows E of the table of vectors, by their ids."""

import asyncio
import contextvars
import copy
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils.headers import (
    API_HEADERS_CONFIG,
    CSP_NONCE,
    DEFAULT_HEADERS_CONFIG,
    STRICT_HEADERS_CONFIG,
    ArmorHeaderMiddleware,
)
from tests.support.asgi import call, client, header_lists, make_scope

DEFAULT = {
    "content-security-policy": "default-src 'self'",
    "x-frame-options": "DENY",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(), microphone=()",
    "x-dns-prefetch-control": "off",
    "origin-agent-cluster": "?1",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HTML = [("content-type", "text/html; charset=utf-8")]
JSON = [("content-type", "application/json")]


def answer(status: int = 200, headers: Any = (), body: bytes = b"") -> ASGIApp:
    """An application with one answer."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        await send({"type": f"{kind}.start", "status": status, "headers": raw})
        await send({"type": f"{kind}.body", "body": body})

    return app


async def headers_of(
    config: Any = None, *, status: int = 200, sent: Any = JSON, use_default: bool = True, **scope: Any
) -> dict[str, list[str]]:
    """The headers of an answer behind the middleware; the Host is www.example.com unless said."""
    host = scope.pop("host", "www.example.com")
    app = ArmorHeaderMiddleware(answer(status, sent), config, use_default)
    results = []
    for _ in range(3):  # what is remembered of the first one must not change the others
        messages = await call(app, make_scope(headers=[("host", host)], **scope))
        results.append(header_lists(messages[0]))
    assert results[0] == results[1] == results[2]
    return results[0]


def rule(**members: Any) -> dict[str, Any]:
    """A configuration with one matcher that sets X-Rule."""
    return {"rule": {"headers": {"X-Rule": "yes"}, **members}}


async def applies(config: Any, **arguments: Any) -> bool:
    return "x-rule" in await headers_of(config, **arguments)


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        pytest.param(200, HTML, id="E01 HTML"),
        pytest.param(200, JSON, id="E03 JSON"),
        *(pytest.param(status, JSON, id=f"E04 {status}") for status in (404, 405, 413, 422)),
        pytest.param(500, [("content-type", "text/plain")], id="E05 handled error"),
        pytest.param(303, [("location", "/x")], id="E06 redirect"),
        pytest.param(
            200, [("content-type", "image/png"), ("cache-control", "immutable")], id="E07 static file"
        ),
        pytest.param(304, [("etag", '"x"')], id="E08 304"),
        pytest.param(206, [("content-range", "bytes 0-1/2"), ("etag", '"x"')], id="E08 206"),
        pytest.param(204, [], id="204"),
        pytest.param(200, [("content-type", "text/event-stream")], id="E12 event stream"),
        pytest.param(200, [("content-disposition", "attachment")], id="E13 download"),
        pytest.param(200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], id="several cookies"),
    ],
)
async def test_default_set(status: int, sent: list[tuple[str, str]]) -> None:
    """Every response gets the whole default set once, and keeps what it has."""
    expected = {name: [value] for name, value in DEFAULT.items()}
    for name, value in sent:
        expected.setdefault(name, []).append(value)
    assert await headers_of(status=status, sent=sent) == expected


async def test_e09_head() -> None:
    """HEAD has the headers of GET, rules for GET included."""
    config = rule(methods=["GET"])
    assert await headers_of(config, method="HEAD") == await headers_of(config, method="GET")


@pytest.mark.parametrize(
    ("host", "has_hsts"),
    [
        *(
            (host, False)
            for host in ("localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8")
        ),
        ("LOCALHOST", False),
        *(
            (host, True)
            for host in ("localhost.example.com", "127.0.0.1.example.com", "notlocalhost", "127.0.0.10")
        ),
        ("www.example.com", True),
        ("localhost\n.example.com", True),
    ],
)
async def test_e02_hsts(host: str, has_hsts: bool) -> None:
    expected = {name for name in DEFAULT if has_hsts or name != "strict-transport-security"}
    assert set(await headers_of(host=host, sent=[])) == expected


async def test_e02_without_host_header() -> None:
    """The server's own name decides."""
    app = ArmorHeaderMiddleware(answer())
    for server, has_hsts in (
        (("127.0.0.1", 8000), False),
        (("::1", 80), False),
        (("10.0.0.1", 80), True),
        (None, True),
    ):
        (start, _) = await call(app, make_scope(server=server))
        assert ("strict-transport-security" in header_lists(start)) is has_hsts


PRECEDENCE = [
    pytest.param(None, [("x-frame-options", "SAMEORIGIN")], ["SAMEORIGIN"], id="E14 endpoint over default"),
    pytest.param(
        None, [("X-Frame-Options", "SAMEORIGIN")], ["SAMEORIGIN"], id="upper case from the endpoint"
    ),
    pytest.param({"X-Frame-Options": "A"}, [("x-frame-options", "B")], ["A"], id="user over endpoint"),
    pytest.param({"x-frame-options": "A"}, [("X-FRAME-OPTIONS", "B")], ["A"], id="any case"),
    pytest.param({"X-Frame-Options": "A"}, [], ["A"], id="user over default"),
    pytest.param({"X-Frame-Options": None}, [], None, id="None removes the default"),
    pytest.param(
        {"X-Frame-Options": None},
        [("x-frame-options", "A"), ("X-Frame-Options", "B")],
        None,
        id="E15 duplicates",
    ),
    pytest.param(
        {"X-Frame-Options": "C"},
        [("x-frame-options", "A"), ("x-frame-options", "B")],
        ["C"],
        id="duplicates replaced",
    ),
]


@pytest.mark.parametrize(("headers", "sent", "expected"), PRECEDENCE)
async def test_precedence(headers: Any, sent: Any, expected: list[str] | None) -> None:
    """A rule of the user, then the endpoint, then the default set."""
    config = None if headers is None else {"mine": {"headers": headers}}
    assert (await headers_of(config, sent=sent)).get("x-frame-options") == expected


async def test_p12_order_of_the_user_does_not_weaken() -> None:
    """Also a user's rule with a lower order than the default set's wins over it and over the endpoint."""
    config = {"mine": {"order": -9, "headers": {"X-Frame-Options": "A"}}}
    assert (await headers_of(config, sent=[("x-frame-options", "B")]))["x-frame-options"] == ["A"]


async def test_default_removal_spares_the_endpoint() -> None:
    """On localhost the default HSTS is left out; one that the endpoint sets stays."""
    sent = [("strict-transport-security", "max-age=1")]
    assert (await headers_of(host="localhost", sent=sent))["strict-transport-security"] == ["max-age=1"]


@pytest.mark.parametrize(
    ("orders", "expected"),
    [((0, 0), "second"), ((1, 0), "first"), ((0, 1), "second"), ((-1, -2), "first"), ((None, 0), "second")],
)
async def test_order(orders: tuple[int | None, int | None], expected: str) -> None:
    """Later ones override earlier ones; the same order keeps the order of the configuration."""
    config = {}
    for name, order in zip(("first", "second"), orders, strict=True):
        config[name] = {"headers": {"X-Rule": name}, **({} if order is None else {"order": order})}
    assert (await headers_of(config))["x-rule"] == [expected]


async def test_removed_then_set() -> None:
    config: Any = {
        "a": {"headers": {"X-Rule": None}},
        "b": {"headers": {"X-Rule": "b"}, "order": 1},
        "c": {"headers": {"X-Other": "c"}},
        "d": {"headers": {"X-Other": None}, "order": 1},
    }
    headers = await headers_of(config, sent=[("x-rule", "endpoint"), ("x-other", "endpoint")])
    assert headers["x-rule"] == ["b"]
    assert "x-other" not in headers


async def test_same_name_as_a_default_matcher() -> None:
    """It does not replace the default one: both apply."""
    config: Any = {
        "default": {"headers": {"X-Frame-Options": "A"}},
        "http": {"headers": {"Strict-Transport-Security": None}},
    }
    headers = await headers_of(config, sent=[])
    expected = {**DEFAULT, "x-frame-options": "A"}
    del expected["strict-transport-security"]
    assert headers == {name: [value] for name, value in expected.items()}


@pytest.mark.parametrize("config", [None, {}])
async def test_nothing_configured(config: Any) -> None:
    assert await headers_of(config, sent=[]) == {name: [value] for name, value in DEFAULT.items()}


async def test_without_default() -> None:
    assert await headers_of(rule(), sent=[], use_default=False) == {"x-rule": ["yes"]}
    assert await headers_of(sent=[], use_default=False) == {}


STATUSES: list[tuple[Any, int, bool]] = [
    *((200, 200, True), (200, 201, False), ((400, 499), 400, True), ((400, 499), 499, True)),
    *(((400, 499), 500, False), ([400, 404], 404, True), ((500, 500), 500, True), (None, 500, True)),
]


@pytest.mark.parametrize(("condition", "status", "expected"), STATUSES)
async def test_status(condition: Any, status: int, expected: bool) -> None:
    assert await applies(rule(status_code=condition), status=status) is expected


@pytest.mark.parametrize(
    ("methods", "method", "expected"),
    [
        (["POST", "put"], "PUT", True),
        (["POST"], "GET", False),
        (("GET",), "HEAD", True),
        ({"HEAD"}, "GET", False),
        ([], "GET", False),
        (None, "DELETE", True),
        (["POST"], "BREW", False),
    ],
)
async def test_methods(methods: Any, method: str, expected: bool) -> None:
    assert await applies(rule(methods=methods), method=method) is expected


@pytest.mark.parametrize(
    ("pattern", "content_type", "expected"),
    [
        (r"text/html", "text/html; charset=utf-8", True),
        (r"^text/html$", "text/html; charset=utf-8", False),
        (r"application/json", "text/html", False),
        (r"html", "text/html", False),
        (r"text/html", None, False),
        (r"^$", None, True),
    ],
)
async def test_content_type(pattern: str, content_type: str | None, expected: bool) -> None:
    for sent_name in ("content-type", "Content-Type"):
        sent = [(sent_name, content_type)] if content_type else []
        assert await applies(rule(content_type_match=pattern), sent=sent) is expected


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        (r"www\.example\.com:8080$", "www.example.com:8080", True),
        (r"^www\.example\.com$", "www.example.com:8080", False),
        (r"example", "www.example.com", False),
        (r".*\.example\.com", "www.example.com", True),
        (r"\[::1\]:\d+", "[::1]:80", True),
    ],
)
async def test_netloc(pattern: str, host: str, expected: bool) -> None:
    assert await applies(rule(netloc_match=pattern), host=host) is expected


PATHS = [
    pytest.param(r"^/api/.*", "/api/x", "", True, id="with the slash"),
    pytest.param(r"/api", "/api/x", "", True, id="with the slash, no anchor"),
    pytest.param(r"\/api", "/api", "", True, id="escaped slash"),
    pytest.param(r"[/]api", "/api", "", True, id="class with a slash"),
    pytest.param(r"(?i)^/API", "/api", "", True, id="flags first"),
    pytest.param(r"\A(?:/api|/v2)/", "/v2/x", "", True, id="group first"),
    pytest.param(r"(?P<p>/api)", "/api", "", True, id="named group first"),
    pytest.param(r"^api/.*", "/api/x", "", True, id="without the slash"),
    pytest.param(r"^your-path/?", "/your-path", "", True, id="as documented"),
    pytest.param(r"^(.*/)?docs/?$", "/docs", "", True, id="any depth, none"),
    pytest.param(r"^(.*/)?docs/?$", "/a/b/docs/", "", True, id="any depth"),
    pytest.param(r"^(.*/)?docs/?$", "/mydocs", "", False, id="any depth, other"),
    pytest.param(r"^$", "/", "", True, id="the root without the slash"),
    pytest.param(r"^/$", "/", "", True, id="the root with the slash"),
    pytest.param(r"^/x", "/app/x", "/app", True, id="root path"),
    pytest.param(r"^x", "/app/x", "/app", True, id="root path, without the slash"),
    pytest.param(r"^/app/", "/app/x", "/app", False, id="the root path is not seen"),
    pytest.param(r"^/x", "/app/x", "/app/", True, id="root path with a slash at the end"),
    pytest.param(r"^/$", "/app", "/app", True, id="the root path itself"),
    pytest.param(r"^/application", "/application", "/app", True, id="no segment of its own"),
    pytest.param(r"^/x", "/x", "/app", True, id="path without the root path"),
    pytest.param(r"^/api", "/other/api", "", False, id="from the start"),
]


@pytest.mark.parametrize(("pattern", "path", "root_path", "expected"), PATHS)
async def test_path(pattern: str, path: str, root_path: str, expected: bool) -> None:
    """A pattern whose first literal is a slash sees the path with it, any other without."""
    assert await applies(rule(path_match=pattern), path=path, root_path=root_path) is expected


async def test_all_conditions_must_hold() -> None:
    config = rule(
        path_match="^/x", methods=["GET"], status_code=200, content_type_match="text/", netloc_match="www"
    )
    fitting = {"path": "/x", "method": "GET", "status": 200, "sent": HTML, "host": "www.example.com"}
    assert await applies(config, **fitting)
    for name, value in (("path", "/y"), ("method", "PUT"), ("status", 201), ("sent", JSON), ("host", "a.b")):
        assert not await applies(config, **{**fitting, name: value})


async def test_path_under_mounts() -> None:
    """The path is the one inside the application of the middleware, however deep the route is mounted."""

    async def page(request: Request) -> Response:
        return HTMLResponse("")

    inner = Starlette(routes=[Route("/page", page)])
    middle = Starlette(routes=[Mount("/b", inner)])
    middle.add_middleware(
        ArmorHeaderMiddleware, headers_config={"m": {"path_match": "^/b/page$", "headers": {"X-Middle": "1"}}}
    )
    app = Starlette(routes=[Mount("/a", middle)])
    app.add_middleware(
        ArmorHeaderMiddleware,
        headers_config={"o": {"path_match": "^/a/b/page$", "headers": {"X-Outer": "1"}}},
    )
    for root_path in ("", "/root"):
        async with client(app, root_path=root_path) as http:
            headers = (await http.get(f"{root_path}/a/b/page")).headers
        assert (headers.get("x-middle"), headers.get("x-outer")) == ("1", "1")
        assert len(headers.get_list("x-frame-options")) == 1


@pytest.mark.parametrize("is_outside", [True, False])
async def test_e10_preflight(is_outside: bool) -> None:
    """The answers of the CORS middleware stay as they are, on either side."""
    app = Starlette()
    for add_armor in (not is_outside, is_outside):
        if add_armor:
            app.add_middleware(ArmorHeaderMiddleware)
        else:
            app.add_middleware(CORSMiddleware, allow_origins=["https://x.ch"], allow_methods=["PUT"])
    async with client(app) as http:
        headers = {"Origin": "https://x.ch", "Access-Control-Request-Method": "PUT"}
        response = await http.options("/", headers=headers)
    assert response.headers["access-control-allow-origin"] == "https://x.ch"
    assert response.headers.get_list("vary")[0].startswith("Origin")
    assert len(response.headers.get_list("vary")) == 1


async def test_e11_websocket_denial() -> None:
    """A denied handshake has the headers; an accepted one passes as it is."""
    app = ArmorHeaderMiddleware(answer(403, JSON))
    (start, _) = await call(app, make_scope(kind="websocket", headers=[("host", "www.example.com")]))
    assert header_lists(start) == {name: [value] for name, value in {**DEFAULT, **dict(JSON)}.items()}

    accept = {"type": "websocket.accept", "headers": []}

    async def accepting(scope: Scope, receive: Receive, send: Send) -> None:
        await send(accept)

    (message,) = await call(ArmorHeaderMiddleware(accepting), make_scope(kind="websocket"))
    assert message is accept


@pytest.mark.parametrize("kind", ["lifespan", "unknown"])
async def test_other_scopes(kind: str) -> None:
    """The scope and the messages in both directions pass as they are."""
    asked, answered = {"type": f"{kind}.startup"}, {"type": f"{kind}.startup.complete"}
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((scope, await receive()))
        await send(answered)

    async def receive() -> Message:
        return asked

    async def send(message: Message) -> None:
        seen.append(message)

    scope: Scope = {"type": kind}
    await ArmorHeaderMiddleware(app)(scope, receive, send)
    assert all(one is other for one, other in zip(seen, (scope, asked, answered), strict=True))


async def test_p14_messages_of_the_application_are_not_changed() -> None:
    """An application may send the same message again and again."""
    start = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")], "trailers": True}
    before = copy.deepcopy(start)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start)

    middleware = ArmorHeaderMiddleware(app)
    for host in ("localhost", "www.example.com"):
        (message,) = await call(middleware, make_scope(headers=[("host", host)]))
        assert ("strict-transport-security" in header_lists(message)) is (host != "localhost")
        assert message["trailers"] is True
    assert start == before


async def test_start_without_headers() -> None:
    """The specification allows it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})

    for _ in range(2):
        (message,) = await call(ArmorHeaderMiddleware(app), make_scope(headers=[("host", "a.b")]))
        assert header_lists(message) == {name: [value] for name, value in DEFAULT.items()}


async def test_e12_streaming() -> None:
    """The start and the first chunk leave before the second one exists."""
    sent: list[Message] = []
    go_on = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        await go_on.wait()
        yield b"second"

    async def send(message: Message) -> None:
        sent.append(message)
        if message.get("body") == b"first":
            assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]
            go_on.set()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise NotImplementedError

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(chunks())(scope, receive, send)

    async with asyncio.timeout(30):
        await ArmorHeaderMiddleware(app)(make_scope(headers=[("host", "a.b")]), receive, send)
    assert [message.get("body") for message in sent[1:]] == [b"first", b"second", b""]


async def test_e12_error_in_a_stream() -> None:
    """It goes on to the server, which aborts the connection; nothing more is sent."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the stream")

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(RuntimeError, match="in the stream"):
        await ArmorHeaderMiddleware(app)(make_scope(), None, send)  # type: ignore[arg-type]  # never called
    assert len(sent) == 1


async def test_p14_context_and_background() -> None:
    """A context variable that the endpoint sets is seen outside; a background task runs; no task is added."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    done: list[object] = []

    async def endpoint(request: Request) -> Response:
        variable.set("set")
        done.append(asyncio.current_task())
        return Response(background=BackgroundTask(done.append, "background"))

    app = ArmorHeaderMiddleware(Starlette(routes=[Route("/", endpoint)]))
    before = len(asyncio.all_tasks())
    await call(app, make_scope())
    assert variable.get() == "set"
    assert done == [asyncio.current_task(), "background"]
    assert len(asyncio.all_tasks()) == before


async def test_p14_cancellation() -> None:
    """It reaches the application and comes back as it is; nothing is answered."""
    started = asyncio.Event()
    seen: list[str] = []
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def send(message: Message) -> None:
        sent.append(message)

    task = asyncio.create_task(ArmorHeaderMiddleware(app)(make_scope(), None, send))  # type: ignore[arg-type]
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (seen, sent) == (["cancelled"], [])


async def test_e17_page_with_a_policy_of_its_own() -> None:
    """What the c2c page says about itself is never loosened, at any mount path."""
    own = [*HTML, ("content-security-policy", "default-src 'none'")]
    for path in ("/c2c/", "/docs", "/a/c2c/"):
        assert (await headers_of(path=path, sent=own))["content-security-policy"] == ["default-src 'none'"]


async def test_api_preset() -> None:
    """JSON may load nothing; what an endpoint says still wins."""
    expected = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    headers = await headers_of(API_HEADERS_CONFIG)
    assert headers["content-security-policy"] == [expected]
    assert set(headers) == {*DEFAULT, "content-type"}
    own = [("content-security-policy", "default-src 'self'")]
    for config in (API_HEADERS_CONFIG, copy.deepcopy(API_HEADERS_CONFIG)):
        assert (await headers_of(config, sent=own))["content-security-policy"] == ["default-src 'self'"]
    assert "strict-transport-security" not in await headers_of(API_HEADERS_CONFIG, host="localhost")


async def test_strict_preset() -> None:
    headers = await headers_of(STRICT_HEADERS_CONFIG, use_default=False)
    assert headers["strict-transport-security"] == ["max-age=63072000; includeSubDomains"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"][0]
    assert headers["x-permitted-cross-domain-policies"] == ["none"]


def nonce_config(**members: Any) -> Any:
    return {
        "nonce": {
            "headers": {
                "Content-Security-Policy": {"script-src": ["'self'", CSP_NONCE], "style-src": [CSP_NONCE]},
                "Content-Security-Policy-Report-Only": f"default-src {CSP_NONCE}",
                "X-Text": "it's a 'nonce'",
            },
            **members,
        }
    }


async def _show_nonce(request: Request) -> Response:
    await asyncio.sleep(0)
    return JSONResponse(getattr(request.state, "nonce", None))


async def test_e_n1_nonce() -> None:
    """One for a request, in both policies and in the state; only policies are filled in."""
    app = Starlette(routes=[Route("/", _show_nonce)])
    app.add_middleware(ArmorHeaderMiddleware, headers_config=nonce_config())
    async with client(app) as http:
        first, second = await http.get("/"), await http.get("/")
    nonce = first.json()
    assert len(nonce) >= 22  # 128 bits in base 64
    assert (
        first.headers["content-security-policy"]
        == f"script-src 'self' 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
    )
    assert first.headers["content-security-policy-report-only"] == f"default-src 'nonce-{nonce}'"
    assert first.headers["x-text"] == "it's a 'nonce'"
    assert second.json() != nonce


@pytest.mark.parametrize(
    ("conditions", "has_nonce"),
    [
        ({"path_match": "^/$"}, True),
        ({"path_match": "^/other"}, False),
        ({"methods": ["POST"]}, False),
        ({"netloc_match": "other"}, False),
        ({"status_code": 404}, True),
        ({"content_type_match": "text/html"}, True),
    ],
)
async def test_e_n1_only_when_it_could_be_needed(conditions: Any, has_nonce: bool) -> None:
    """The request decides, since the endpoint must know it before it answers."""
    app = Starlette(routes=[Route("/", _show_nonce)])
    app.add_middleware(ArmorHeaderMiddleware, headers_config=nonce_config(**conditions))
    async with client(app) as http:
        assert ((await http.get("/")).json() is not None) is has_nonce


async def test_e_n1_no_rule_no_nonce() -> None:
    app = Starlette(routes=[Route("/", _show_nonce)])
    app.add_middleware(ArmorHeaderMiddleware)
    async with client(app) as http:
        assert (await http.get("/")).json() is None


async def test_e_n1_nested_middlewares_agree() -> None:
    inner = Starlette(routes=[Route("/", _show_nonce)])
    inner.add_middleware(ArmorHeaderMiddleware, headers_config=nonce_config())
    app = ArmorHeaderMiddleware(inner, nonce_config())
    async with client(app) as http:
        response = await http.get("/")
    assert f"'nonce-{response.json()}'" in response.headers["content-security-policy"]


async def test_e_n2_parallel_requests() -> None:
    """1000 at once have 1000 nonces, each the same in the header and in the state."""
    app = Starlette(routes=[Route("/", _show_nonce)])
    app.add_middleware(ArmorHeaderMiddleware, headers_config=nonce_config())
    async with client(app) as http:
        responses = await asyncio.gather(*(http.get("/") for _ in range(1000)))
    for response in responses:
        assert f"'nonce-{response.json()}'" in response.headers["content-security-policy"]
    assert len({response.json() for response in responses}) == 1000


@pytest.mark.parametrize(
    ("cache_control", "warns"), [("public", True), ("s-maxage=3", True), ("private", False)]
)
async def test_e_n3_nonce_in_shared_caches(
    cache_control: str, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning when caches would give the same nonce to everybody."""
    app = ArmorHeaderMiddleware(answer(headers=[("cache-control", cache_control)]), nonce_config())
    for _ in range(2):
        await call(app, make_scope(headers=[("host", "a.b")]))
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * warns


async def test_e_n3_nonce_in_caches_that_a_rule_shares(caplog: pytest.LogCaptureFixture) -> None:
    config = nonce_config() | {"cache": {"headers": {"Cache-Control": ["public", "max-age=60"]}}}
    app = ArmorHeaderMiddleware(answer(headers=HTML), config)
    for _ in range(2):
        await call(app, make_scope(headers=[("host", "a.b")]))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_e_n1_websocket_denial() -> None:
    app = ArmorHeaderMiddleware(answer(403), nonce_config())
    scope = make_scope(kind="websocket", headers=[("host", "a.b")])
    (start, _) = await call(app, scope)
    assert scope["state"]["nonce"] in header_lists(start)["content-security-policy"][0]


WRONG = [
    pytest.param({"headers": {"X-A": "a\r\nb"}}, ValueError, "X-A", id="E-C1 CR LF"),
    pytest.param({"headers": {"X-A": "a\0"}}, ValueError, "X-A", id="E-C1 NUL"),
    pytest.param({"headers": {"X-A": ["a", "€"]}}, ValueError, "X-A", id="outside latin-1"),
    pytest.param({"headers": {"X A": "a"}}, ValueError, "X A", id="name"),
    pytest.param({"headers": {"X-A": 3}}, TypeError, "X-A", id="E-C1 value type"),
    pytest.param({"headers": {3: "a"}}, TypeError, "name", id="name type"),
    pytest.param({"headers": None}, TypeError, "headers", id="headers type"),
    pytest.param({}, TypeError, "headers", id="no headers"),
    pytest.param({"headers": {}, "documentation": "swagger"}, ValueError, "docs, redoc", id="documentation"),
    pytest.param([], TypeError, "dict", id="matcher type"),
    *(
        pytest.param({"headers": {}, key: "(a"}, ValueError, key, id=f"E-C1 regex of {key}")
        for key in ("path_match", "netloc_match", "content_type_match")
    ),
    pytest.param(
        {"headers": {}, "path_match": f"a{{{10**30}}}"}, ValueError, "path_match", id="huge repetition"
    ),
    pytest.param({"headers": {}, "path_match": 3}, TypeError, "path_match", id="E-C1 pattern type"),
    *(
        pytest.param(
            {"headers": {}, "status_code": value}, ValueError, "status_code", id=f"E-C1 status {value}"
        )
        for value in ((499, 400), 99, 600, (0, 200), -1)
    ),
    *(
        pytest.param({"headers": {}, "status_code": value}, TypeError, "status_code", id=f"status {value!r}")
        for value in ("200", (200,), (200, 201, 202), ("200", 201), True, 200.5, (True, 200))
    ),
    pytest.param({"headers": {}, "methods": ["GETT"]}, ValueError, "GETT", id="E-C1 method"),
    pytest.param({"headers": {}, "methods": "GET"}, TypeError, "methods", id="methods type"),
    pytest.param({"headers": {}, "methods": 3}, TypeError, "methods", id="methods number"),
    pytest.param({"headers": {}, "order": "1"}, TypeError, "order", id="order type"),
]


@pytest.mark.parametrize(("matcher", "error", "text"), WRONG)
def test_e_c1_wrong_configuration(matcher: Any, error: type[Exception], text: str) -> None:
    """An error at construction that names the matcher and what is wrong in it."""
    with pytest.raises(error, match=text) as raised:
        ArmorHeaderMiddleware(answer(), {"mine": matcher})
    assert "'mine'" in str(raised.value)


def test_wrong_type_of_the_configuration() -> None:
    with pytest.raises(TypeError, match="headers_config"):
        ArmorHeaderMiddleware(answer(), [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("matcher", "words"),
    [
        ({"headers": {}, "path_mach": "x"}, ("path_mach", "path_match")),
        ({"headers": {}, "method": ["GET"]}, ("'method'", "methods")),
        ({"headers": {"Expect-CT": "max-age=0"}}, ("expect-ct",)),
        ({"headers": {"Feature-Policy": "x"}}, ("feature-policy",)),
        ({"headers": {"X-XSS-Protection": "1; mode=block"}}, ("x-xss-protection",)),
        (
            {"headers": {"Content-Security-Policy": {"block-all-mixed-content": ""}}},
            ("block-all-mixed-content",),
        ),
        ({"headers": {"Content-Security-Policy": "default-src *; plugin-types a/b"}}, ("plugin-types",)),
    ],
)
def test_e_c1_warnings(matcher: Any, words: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    """Unknown keys come with the nearest known one; headers that browsers removed are told."""
    ArmorHeaderMiddleware(answer(), {"mine": matcher})
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert all(word in record.getMessage() for word in ("'mine'", *words))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-XSS-Protection": "0"},
        {"Expect-CT": None},
        {"Content-Security-Policy": "default-src 'self'; report-uri /referrer"},
    ],
)
def test_no_warning(headers: Any, caplog: pytest.LogCaptureFixture) -> None:
    ArmorHeaderMiddleware(answer(), {"mine": {"headers": headers}, **DEFAULT_HEADERS_CONFIG})
    assert not caplog.records


@pytest.mark.parametrize(
    "config", [None, API_HEADERS_CONFIG, STRICT_HEADERS_CONFIG], ids=["default", "API", "strict"]
)
async def test_p11_values_are_legal(config: Any) -> None:
    """No blank around a value, no control character, no separator at the end."""
    for sent in (JSON, HTML):
        for name, (value,) in (await headers_of(config, sent=sent)).items():
            assert name == name.lower()
            assert value == value.strip(" ;\t")
            assert value.isprintable()


async def test_memory_is_bounded() -> None:
    """Clients choose hosts and, by ranges, content types: what is remembered of them has a limit."""
    counter = iter(range(20_000))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        content_type = f"multipart/byteranges; boundary={next(counter)}".encode()
        headers = [(b"content-type", content_type)]
        await send({"type": "http.response.start", "status": 206, "headers": headers})

    middleware = ArmorHeaderMiddleware(app)
    for number in range(5000):
        for host in (f"h{number}.example.com", "www.example.com"):
            await call(middleware, make_scope(headers=[("host", host)]))
    assert len(middleware._rules.decisions) <= 256
    assert all(len(by_type) <= 32 for by_type in middleware._rules.decisions.values())
    assert len(middleware._rules._masks) <= 1024


@pytest.mark.parametrize("sent_name", ["x-frame-options", "x-other"])
async def test_headers_of_any_iterable(sent_name: str) -> None:
    """The specification asks for an iterable of pairs, not for a list of tuples."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pairs = ([name.encode(), b"A"] for name in ("content-type", sent_name))
        await send({"type": "http.response.start", "status": 200, "headers": pairs})

    for _ in range(2):
        (message,) = await call(ArmorHeaderMiddleware(app), make_scope(headers=[("host", "a.b")]))
        headers = header_lists(message)
        assert (headers["content-type"], headers[sent_name]) == (["A"], ["A"])
        assert set(headers) == {*DEFAULT, "content-type", sent_name}


async def test_fastapi_with_everything() -> None:
    """Handled errors of FastAPI, redirects and HEAD have each header once."""
    app = FastAPI()

    @app.get("/item/{number}")
    async def item(number: int) -> int:
        return number

    @app.get("/away")
    async def away() -> RedirectResponse:
        return RedirectResponse("/item/1")

    app.add_middleware(ArmorHeaderMiddleware)
    async with client(app) as http:
        for path, status in (
            ("/item/1", 200),
            ("/item/x", 422),
            ("/none", 404),
            ("/away", 307),
            ("/docs", 200),
        ):
            response = await http.get(path)
            assert response.status_code == status
            for name in DEFAULT:
                expected = 0 if (path, name) == ("/docs", "cross-origin-embedder-policy") else 1
                assert len(response.headers.get_list(name)) == expected, (path, name)
