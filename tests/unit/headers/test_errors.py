"""Unhandled exceptions: the answer has the headers, all else is as without the middleware."""

import functools
import logging
from typing import Any

import pytest
import sentry_sdk
from fastapi import FastAPI
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils.headers import ArmorHeaderMiddleware, ForwardedHeadersMiddleware
from tests.support.asgi import client


class BoomError(Exception):
    """What the endpoints raise."""


async def boom(request: Request) -> Response:
    raise BoomError("secret detail")


def make_app(**arguments: Any) -> Starlette:
    app = Starlette(routes=[Route("/", boom)], **arguments)
    app.add_middleware(ArmorHeaderMiddleware)
    return app


def assert_headers(response: Any, *, policy: str = "default-src 'self'") -> None:
    assert response.headers.get_list("content-security-policy") == [policy]
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    assert response.headers.get_list("strict-transport-security") == ["max-age=31536000; includeSubDomains"]


async def test_e05_plain_answer() -> None:
    """The answer of Starlette, with the headers; the exception reaches the server."""
    async with client(make_app()) as http:
        response = await http.get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert_headers(response)
    async with client(make_app(), raise_errors=True) as http:
        with pytest.raises(BoomError):
            await http.get("/")


@pytest.mark.parametrize("key", [500, Exception])
@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("make", [Starlette, FastAPI])
async def test_e05_custom_handler(key: Any, is_async: bool, make: Any) -> None:
    """The application's handler answers, and is called once for each exception."""
    calls: list[Exception] = []

    def handle(request: Request, error: Exception) -> Response:
        calls.append(error)
        headers = {"x-frame-options": "SAMEORIGIN"}
        return JSONResponse({"detail": "custom", "path": request.url.path}, 500, headers)

    async def handle_async(request: Request, error: Exception) -> Response:
        return handle(request, error)

    app = make(exception_handlers={key: handle_async if is_async else handle})
    app.add_route("/", boom)
    app.add_middleware(ArmorHeaderMiddleware)
    async with client(app) as http:
        for count in (1, 2):
            response = await http.get("/")
            assert response.json() == {"detail": "custom", "path": "/"}
            assert_headers(response)
            assert response.headers.get_list("x-frame-options") == ["SAMEORIGIN"]
            assert len(calls) == count


@pytest.mark.parametrize("kind", ["function", "async function", "async object", "partial of async function"])
async def test_handler_of_exceptions_outside(kind: str) -> None:
    """An exception of a middleware outside ours still gets the application's handler."""

    class Failing:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/outside":
                raise BoomError
            await self.app(scope, receive, send)

    def handle(request: Request, error: Exception) -> Response:
        return Response("custom", 500)

    async def handle_async(request: Request, error: Exception) -> Response:
        return handle(request, error)

    class Handler:
        async def __call__(self, request: Request, error: Exception) -> Response:
            return handle(request, error)

    handlers: dict[str, Any] = {
        "function": handle,
        "async function": handle_async,
        "async object": Handler(),
        "partial of async function": functools.partial(handle_async),
    }
    app = make_app(exception_handlers={500: handlers[kind]})
    app.add_middleware(Failing)
    async with client(app) as http:
        for path in ("/outside", "/", "/outside"):
            assert (await http.get(path)).text == "custom"


async def test_handler_that_fails() -> None:
    """The plain answer with the headers; the exception of the handler reaches the server."""

    async def handle(request: Request, error: Exception) -> Response:
        raise RuntimeError("in the handler") from error

    app = make_app(exception_handlers={500: handle})
    async with client(app) as http:
        response = await http.get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert_headers(response)
    async with client(app, raise_errors=True) as http:
        with pytest.raises(RuntimeError, match="in the handler"):
            await http.get("/")


async def test_same_exception_object_again() -> None:
    """An application may raise the same exception object repeatedly."""
    error = BoomError()
    calls: list[Exception] = []

    async def again(request: Request) -> Response:
        raise error

    async def handle(request: Request, error: Exception) -> Response:
        calls.append(error)
        return Response("custom", 500)

    app = Starlette(routes=[Route("/", again)], exception_handlers={500: handle})
    app.add_middleware(ArmorHeaderMiddleware)
    async with client(app) as http:
        for count in (1, 2, 3):
            assert (await http.get("/")).text == "custom"
            assert len(calls) == count


async def test_debug_page() -> None:
    """The page with the traceback, and a policy under which its style and script work."""
    async with client(make_app(debug=True)) as http:
        page = await http.get("/", headers={"Accept": "text/html"})
        text = await http.get("/")
    assert page.status_code == text.status_code == 500
    assert "secret detail" in page.text
    assert "Traceback" in page.text
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert_headers(page, policy=policy)
    assert "BoomError: secret detail" in text.text
    assert_headers(text)


async def test_mounted_application() -> None:
    """Its own answer passes through the outer middleware."""
    app = Starlette(routes=[Mount("/sub", Starlette(routes=[Route("/", boom)]))])
    app.add_middleware(ArmorHeaderMiddleware)
    async with client(app) as http:
        response = await http.get("/sub/")
    assert response.status_code == 500
    assert_headers(response)


async def test_both_have_the_middleware() -> None:
    inner = make_app()
    app = Starlette(routes=[Mount("/sub", inner)])
    app.add_middleware(ArmorHeaderMiddleware)
    async with client(app) as http:
        response = await http.get("/sub/")
    assert response.status_code == 500
    assert_headers(response)


async def test_wrapped_around_the_application() -> None:
    """Used as a function around it, also without any Starlette inside."""

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        raise BoomError

    for app in (ArmorHeaderMiddleware(Starlette(routes=[Route("/", boom)])), ArmorHeaderMiddleware(plain)):
        async with client(app) as http:
            response = await http.get("/")
        assert (response.status_code, response.text) == (500, "Internal Server Error")
        assert_headers(response)


async def test_behind_forwarded_headers() -> None:
    """The order of the documentation: the outer one gives a copy of the scope to the inner one."""
    calls: list[str] = []

    async def handle(request: Request, error: Exception) -> Response:
        calls.append(str(request.url))
        return Response("custom", 500)

    app = make_app(exception_handlers={500: handle})
    app.add_middleware(ForwardedHeadersMiddleware)
    async with client(app) as http:
        response = await http.get(
            "/", headers={"X-Forwarded-Host": "www.ex.com", "X-Forwarded-Proto": "https"}
        )
    assert response.text == "custom"
    assert_headers(response)
    assert calls == ["https://www.ex.com/"]


async def test_exception_after_the_start_is_not_answered() -> None:
    """As without the middleware: the server sees it and aborts."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise BoomError

    async with client(ArmorHeaderMiddleware(app), raise_errors=True) as http:
        with pytest.raises(BoomError):
            await http.get("/")


async def test_exceptions_of_websockets_pass() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise BoomError

    with pytest.raises(BoomError):
        await ArmorHeaderMiddleware(app)({"type": "websocket", "path": "/", "headers": []}, None, None)  # type: ignore[arg-type]  # never called


class RecordingTransport(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)


@pytest.mark.parametrize("has_handler", [True, False])
async def test_sentry(has_handler: bool) -> None:
    """Exactly one event for each exception, with the endpoint as its place."""
    transport = RecordingTransport()
    with sentry_sdk.isolation_scope():
        sentry_sdk.init("http://key@127.0.0.1:1/1", transport=transport, default_integrations=True)
        try:
            app = FastAPI()
            app.add_route("/", boom)
            app.add_middleware(ArmorHeaderMiddleware)
            app.add_middleware(ForwardedHeadersMiddleware)
            if has_handler:

                async def handle(request: Request, error: Exception) -> Response:
                    return Response("custom", 500)

                app.add_exception_handler(Exception, handle)
            async with client(app) as http:
                response = await http.get("/", headers={"X-Forwarded-For": "1.2.3.4"})
            assert_headers(response)
        finally:
            sentry_sdk.get_client().close()
            sentry_sdk.init()
    events = [event for envelope in transport.envelopes if (event := envelope.get_event())]
    assert len(events) == 1
    (value,) = events[0]["exception"]["values"]
    assert value["type"] == "BoomError"
    assert value["stacktrace"]["frames"][-1]["function"] == "boom"


async def test_nothing_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    """The server logs the exception; a second line would only double it."""
    caplog.set_level(logging.DEBUG)
    async with client(make_app()) as http:
        await http.get("/")
    assert not [record for record in caplog.records if record.name.startswith("c2casgiutils")]
