"""`RequestTrackingMiddleware`: the id of a request, from its headers to the end of its work."""

import asyncio
import re
import uuid
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from c2casgiutils.request_tracking import (
    RequestTrackingMiddleware,
    current_request_id,
    current_scope,
    request_of,
)
from tests.support.asgi import call, client, header_lists, make_scope
from tests.support.fresh import in_children, run_fresh

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
NEW = "a new UUID"


def is_new(request_id: str) -> bool:
    parsed = uuid.UUID(request_id)
    return str(parsed) == request_id and (parsed.version, parsed.variant) == (4, uuid.RFC_4122)


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the id of its request."""
    request_id = current_request_id()
    assert request_id is not None
    assert scope["state"]["request_id"] == request_id
    await PlainTextResponse(request_id)(scope, receive, send)


async def ids(
    app: ASGIApp, headers: Iterable[tuple[str | bytes, str | bytes]] = (), **members: Any
) -> tuple[str, list[str]]:
    """The id inside, and those of the answer."""
    start, *rest = await call(app, make_scope(headers=headers, **members))
    return b"".join(message["body"] for message in rest).decode(), header_lists(start)["x-request-id"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([], NEW, id="none"),
        pytest.param([("x-request-id", "helloWorld")], "helloWorld", id="X-Request-ID"),
        pytest.param([("x-request-id", "42 is the answer")], "42 is the answer", id="blanks"),
        pytest.param([("x-request-id", " \tpadded  ")], "padded", id="blanks around"),
        pytest.param([("x-request-id", "!~")], "!~", id="first and last printable"),
        pytest.param([("x-request-id", "x" * 128)], "x" * 128, id="longest"),
        pytest.param([("x-correlation-id", "c")], "c", id="X-Correlation-ID"),
        pytest.param([("request-id", "r")], "r", id="Request-ID"),
        pytest.param([("x-varnish", "32770 32769")], "32770 32769", id="X-Varnish"),
        pytest.param(
            [("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678")],
            "Root=1-67891233-abcdef012345678912345678",
            id="X-Amzn-Trace-Id",
        ),
        pytest.param([("traceparent", TRACEPARENT)], TRACE, id="traceparent"),
        pytest.param([("traceparent", f" {TRACEPARENT} ")], TRACE, id="traceparent with blanks around"),
        pytest.param([("x-request-id", "x"), ("traceparent", TRACEPARENT)], TRACE, id="traceparent first"),
        pytest.param(
            [("x-request-id", "x"), ("traceparent", TRACEPARENT.upper())], "x", id="invalid traceparent"
        ),
        pytest.param(
            [("traceparent", f"00-{'0' * 32}-{'1' * 16}-00"), ("traceparent", TRACEPARENT)],
            TRACE,
            id="second traceparent",
        ),
        pytest.param([("traceparent", "00-\xe9")], NEW, id="traceparent not ASCII"),
        pytest.param(
            [
                ("x-amzn-trace-id", "5"),
                ("x-varnish", "4"),
                ("request-id", "3"),
                ("x-correlation-id", "2"),
                ("x-request-id", "1"),
            ],
            "1",
            id="precedence",
        ),
        pytest.param([("x-request-id", ""), ("x-varnish", "v")], "v", id="empty counts as absent"),
        pytest.param([("x-request-id", "   ")], NEW, id="blank"),
        pytest.param([("x-request-id", "x" * 129)], NEW, id="too long"),
        pytest.param([("x-request-id", "x" * 10_240)], NEW, id="10 kB"),
        pytest.param([("x-request-id", "a" + " " * 10_240 + "b")], NEW, id="10 kB of blanks"),
        pytest.param([("x-request-id", b"a\r\nSet-Cookie: a=b")], NEW, id="line break"),
        pytest.param([("x-request-id", "a\n")], NEW, id="line break at the end"),
        pytest.param([("x-request-id", "\x1b[31mred")], NEW, id="escape sequence"),
        pytest.param([("x-request-id", "a\x00b")], NEW, id="zero byte"),
        pytest.param([("x-request-id", "a\tb")], NEW, id="tab"),
        pytest.param([("x-request-id", "a\x7fb")], NEW, id="delete"),
        pytest.param([("x-request-id", "\xe9t\xe9")], NEW, id="Latin-1"),
        pytest.param([("x-request-id", "\u0131".encode())], NEW, id="UTF-8"),
        pytest.param([("x-request-id", b"\xff\xfe")], NEW, id="no text"),
        pytest.param(
            [("x-request-id", "\x01"), ("x-request-id", "ok"), ("x-request-id", "later")],
            "ok",
            id="first valid one of several",
        ),
        pytest.param([("x-request-identity", "x")], NEW, id="another header"),
    ],
)
async def test_where_the_id_comes_from(headers: list[tuple[str | bytes, str | bytes]], expected: str) -> None:
    """The id of the answer is that of the code inside; whatever is wrong counts as absent."""
    inside, answered = await ids(RequestTrackingMiddleware(show), headers)
    assert answered == [inside]
    assert is_new(inside) if expected == NEW else inside == expected


@pytest.mark.parametrize(
    ("header", "headers", "expected"),
    [
        ("X-My-Id", [("x-my-id", "mine"), ("traceparent", TRACEPARENT)], "mine"),
        ("X-My-Id", [("x-my-id", "\x00"), ("x-request-id", "other")], "other"),
        ("X-Varnish", [("x-varnish", "v"), ("x-request-id", "other")], "v"),
        ("Traceparent", [("traceparent", TRACEPARENT), ("x-request-id", "other")], TRACE),
    ],
)
async def test_a_header_of_ones_own(header: str, headers: list[tuple[str, str]], expected: str) -> None:
    """It precedes all others; one of the known ones may be named too."""
    assert await ids(RequestTrackingMiddleware(show, header=header), headers) == (expected, [expected])


@pytest.mark.parametrize("header", ["", "X Id", "X-Id:", "X-Id\n", "é"])
def test_a_wrong_header(header: str) -> None:
    with pytest.raises(ValueError, match="header must be the name of a header such as X-Request-ID, not "):
        RequestTrackingMiddleware(show, header=header)


async def test_without_trust() -> None:
    """No incoming header is used, not even the configured one."""
    app = RequestTrackingMiddleware(show, header="X-My-Id", trust=False)
    headers = [("x-my-id", "a"), ("x-request-id", "b"), ("traceparent", TRACEPARENT)]
    inside, answered = await ids(app, headers)
    assert is_new(inside)
    assert answered == [inside]


async def test_each_request_has_its_own() -> None:
    app = RequestTrackingMiddleware(show)
    found = await asyncio.gather(*(ids(app) for _ in range(100)))
    assert len({inside for inside, _ in found}) == 100
    assert current_request_id() is None


async def fail(request: Request) -> Response:
    raise RuntimeError("boom")


async def answer(request: Request) -> Response:
    return PlainTextResponse(
        request.state.request_id,
        headers={"X-Request-ID": "of the endpoint", "x-request-id": "again", "X-Other": "kept"},
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [("/answer", 200), ("/fail", 500), ("/nothing", 404), ("/mounted/answer", 200), ("/mounted/fail", 500)],
)
async def test_each_answer_has_it_once(path: str, status: int) -> None:
    """Whoever answers: the application, a mounted one that tracks too, or Starlette for an exception."""
    routes = [Route("/answer", answer), Route("/fail", fail)]
    mounted = Starlette(routes=routes)
    mounted.add_middleware(RequestTrackingMiddleware)
    app = Starlette(routes=[*routes, Mount("/mounted", mounted)])
    app.add_middleware(RequestTrackingMiddleware)
    async with client(app) as http:
        response = await http.get(path, headers={"X-Request-ID": "mine"})
    assert response.status_code == status
    assert response.headers.get_list("x-request-id") == ["mine"]
    if status == 200:
        assert response.headers["x-other"] == "kept"
        assert response.text == "mine"


@pytest.mark.parametrize("make", [list, tuple, iter], ids=["list", "tuple", "iterator"])
async def test_the_headers_of_an_application(make: Any) -> None:
    """Any iterable of them, in any case, and not changed for the application that may send them again."""
    given = [(b"X-Request-Id", b"own"), (b"x-other", b"kept"), (b"x-request-id", b"own")]
    message = {"type": "http.response.start", "status": 200, "headers": make(given)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(message)

    (start,) = await call(RequestTrackingMiddleware(app), make_scope(headers=[("x-request-id", "mine")]))
    assert start["headers"] == [(b"x-other", b"kept"), (b"x-request-id", b"mine")]
    assert make is iter or list(message["headers"]) == given


async def test_the_handler_of_exceptions_answers() -> None:
    """The application's own handler sees the id, is called once, and the server gets the exception."""
    seen = []

    def handle(request: Request, error: Exception) -> Response:
        seen.append(request.state.request_id)
        return JSONResponse({"id": current_request_id()}, 503)

    app = Starlette(routes=[Route("/", fail)], exception_handlers={Exception: handle})
    app.add_middleware(RequestTrackingMiddleware)
    headers = {"X-Request-ID": "mine"}
    async with client(app) as http:
        response = await http.get("/", headers=headers)
    assert (response.status_code, response.json()) == (503, {"id": "mine"})
    assert response.headers.get_list("x-request-id") == ["mine"]
    assert seen == ["mine"]
    async with client(app, raise_errors=True) as http:
        with pytest.raises(RuntimeError) as raised:
            await http.get("/", headers=headers)
    context = request_of(raised.value)
    assert context is not None
    assert context.request_id == "mine"


async def test_an_exception_after_the_start() -> None:
    """The answer that has begun is not followed by another one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        raise RuntimeError("boom")

    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    with pytest.raises(RuntimeError) as raised:
        await RequestTrackingMiddleware(app)(make_scope(headers=[("x-request-id", "a")]), receive, send)
    assert [header_lists(message) for message in sent] == [{"x-request-id": ["a"]}]
    context = request_of(raised.value)
    assert context is not None
    assert context.request_id == "a"


async def test_the_work_of_a_request() -> None:
    """Threads, tasks, the background and a streamed body see the id."""
    seen: dict[str, str | None] = {}

    def note(name: str) -> None:
        seen[name] = current_request_id()

    async def work(request: Request) -> Response:
        await asyncio.to_thread(note, "to_thread")
        await run_in_threadpool(note, "thread pool")

        async def in_task() -> None:
            note("task")

        await asyncio.create_task(in_task())

        async def body() -> Any:
            note("body")
            yield b"x"

        return StreamingResponse(body(), background=BackgroundTask(note, "background"))

    def synchronous(request: Request) -> Response:
        note("def endpoint")
        return Response()

    app = Starlette(routes=[Route("/", work), Route("/sync", synchronous)])
    app.add_middleware(RequestTrackingMiddleware)
    async with client(app) as http:
        for path in ("/", "/sync"):
            await http.get(path, headers={"X-Request-ID": "mine"})
    names = {"to_thread", "thread pool", "task", "body", "background", "def endpoint"}
    assert seen == dict.fromkeys(names, "mine")


async def test_a_request_within_a_request() -> None:
    """An application called in process has an id of its own; afterwards that of the caller is back."""
    inner = RequestTrackingMiddleware(show)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        async with client(inner) as http:
            called = await http.get("/", headers={"X-Request-ID": "inner"})
        assert called.headers["x-request-id"] == "inner"
        await PlainTextResponse(f"{called.text} {current_request_id()}")(scope, receive, send)

    inside, answered = await ids(RequestTrackingMiddleware(outer), [("x-request-id", "outer")])
    assert (inside, answered) == ("inner outer", ["outer"])


async def test_the_scope_is_the_one_that_routing_completes() -> None:
    seen = []

    async def endpoint(request: Request) -> Response:
        scope = current_scope()
        assert scope is not None
        seen.append((scope["path_params"], scope["root_path"]))
        return Response()

    app = Starlette(routes=[Mount("/mount", routes=[Route("/items/{item}", endpoint)])])
    app.add_middleware(RequestTrackingMiddleware)
    async with client(app) as http:
        await http.get("/mount/items/7")
    assert seen == [({"item": "7"}, "/mount")]


async def accepted(websocket: WebSocket) -> None:
    await websocket.accept(subprotocol=websocket.state.request_id)
    await websocket.close(reason=current_request_id())


async def denied(websocket: WebSocket) -> None:
    await websocket.send_denial_response(Response(status_code=403))


@pytest.mark.parametrize("path", ["/accepted", "/denied"])
async def test_websockets(path: str) -> None:
    """The answer to the handshake has the id, whether it is accepted or denied."""
    app = RequestTrackingMiddleware(
        Starlette(routes=[WebSocketRoute("/accepted", accepted), WebSocketRoute("/denied", denied)])
    )
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    headers = [("x-request-id", "mine")]
    sent = await call(
        app, make_scope(path, kind="websocket", headers=headers, extensions=extensions, subprotocols=[])
    )
    assert header_lists(sent[0])["x-request-id"] == ["mine"]
    if path == "/accepted":
        assert (sent[0]["subprotocol"], sent[1]["reason"]) == ("mine", "mine")


async def test_a_failing_websocket() -> None:
    """Its exception is not answered, which only HTTP allows, and remembers the request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError) as raised:
        await call(RequestTrackingMiddleware(app), make_scope(kind="websocket"))
    assert request_of(raised.value) is not None


async def test_the_lifespan_passes() -> None:
    scopes = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        assert current_request_id() is None

    scope = {"type": "lifespan"}
    await RequestTrackingMiddleware(app)(scope, None, None)  # type: ignore[arg-type]  # not used
    assert scopes == [scope]


@pytest.mark.parametrize("given", [[], [(b"server-timing", b"cache;dur=1")]])
async def test_server_timing(given: list[tuple[bytes, bytes]]) -> None:
    """The wall-clock time until the answer starts, beside what the application tells; off by default."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": given})
        await send({"type": "http.response.body", "body": b""})

    (start, _) = await call(RequestTrackingMiddleware(app, server_timing=True), make_scope())
    *before, timing = header_lists(start)["server-timing"]
    assert before == [value.decode() for _, value in given]
    found = re.fullmatch(r"app;dur=(\d+\.\d)", timing)
    assert found is not None
    assert 20 <= float(found[1]) < 10_000
    (start, _) = await call(RequestTrackingMiddleware(app), make_scope())
    assert header_lists(start).get("server-timing", []) == before


def test_new_ids_differ_in_forked_processes() -> None:
    """Servers fork their workers once the application is loaded, and perhaps has served a request."""
    code = """
import os
from c2casgiutils.request_tracking._incoming import Reader
reader = Reader(None, trust=True)
show = lambda: os.write(1, f"{reader.read([])[0]} ".encode())  # in one piece
show()
"""
    done = run_fresh(f"{code}{in_children('show()')}show()\n")
    assert done.returncode == 0, done.stderr
    new = done.stdout.split()
    assert len(set(new)) == len(new) == 5
    assert all(is_new(request_id) for request_id in new)


async def test_many_new_ids_differ() -> None:
    app = RequestTrackingMiddleware(show)
    new = {(await ids(app))[0] for _ in range(200)}
    assert len(new) == 200
    assert all(is_new(request_id) for request_id in new)
