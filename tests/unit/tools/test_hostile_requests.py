"""What no view can read is the client's error: a 4xx that repeats nothing, never a 500."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from c2casgiutils import config
from c2casgiutils._app import create_app
from c2casgiutils.tools._views import VIEWS
from tests.support.asgi import call, make_scope
from tests.unit.tools.conftest import SECRET

JSON = {"Content-Type": "application/json"}
FORM = "multipart/form-data; boundary=x; charset="
BODIES = {
    "not a number": ("drain", b'{"seconds": NaN}', JSON),
    "infinite": ("drain", b'{"seconds": Infinity}', JSON),
    "half a character": ("logging/level", rb'{"name": "\ud800", "level": "DEBUG"}', JSON),
    "half a character as a key": ("logging/level", rb'{"\ud800": 1}', JSON),
    "bytes": ("logging/level", b"\xff\xfe", {"Content-Type": "application/x-www-form-urlencoded"}),
}


@pytest.mark.parametrize(("path", "content", "headers"), BODIES.values(), ids=BODIES)
async def test_invalid_body(
    client: httpx.AsyncClient, path: str, content: bytes, headers: dict[str, str]
) -> None:
    answer = await client.post(path, content=content, headers=headers)
    assert answer.status_code == 422
    assert {"type", "loc", "msg"} == answer.json()["detail"][0].keys()


async def test_refusal_repeats_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("logging/level", json={"nam": "hidden-value"})
    assert answer.status_code == 422
    assert "hidden-value" not in answer.text


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "\0"])
@pytest.mark.parametrize("path", ["", "auth/login"])
async def test_charset_that_refuses(client: httpx.AsyncClient, path: str, charset: str) -> None:
    field = b'--x\r\nContent-Disposition: form-data; name="secret"\r\n\r\n\xff..' + b"a" * 70
    part = field + b"\r\n--x--\r\n"
    answer = await client.post(path, content=part, headers={"Content-Type": FORM + charset})
    assert answer.status_code < 500


@pytest.mark.parametrize("path", ["", "auth/login"])
async def test_form_of_half_characters(client: httpx.AsyncClient, path: str) -> None:
    part = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n\\ud800\r\n' % name
        for name in (b"secret", b"name", b"level")
    )
    headers = {"Content-Type": f"{FORM}raw_unicode_escape"}
    answer = await client.post(path, content=part + b"--x--\r\n", headers=headers)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("path", ["logging/level", "drain", "auth/login"])
async def test_stranger_with_a_large_body(anonymous: httpx.AsyncClient, path: str) -> None:
    answer = await anonymous.post(path, content=b'"' + b"x" * 2**17 + b'"', headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["/c2c/", "/c2c/headers/", "/c2c/headers", "/c2c/headers/a/"])
async def test_query_that_is_no_text(path: str) -> None:
    """Also where the router would redirect to the path with another slash, which anybody may ask for."""
    main = FastAPI()
    main.mount("/c2c", create_app())
    scope = make_scope(path, query_string=b"a=\xff", headers=[("host", "a"), ("x-api-key", SECRET)])
    start = (await call(main, scope))[0]
    assert start["status"] == 400


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
async def test_stranger_with_many_parameters(anonymous: httpx.AsyncClient, view: Any) -> None:
    """The event loop is blocked for their number, and not for its square."""
    app = FastAPI()
    app.mount("/c2c", create_app())
    query = "&".join(f"{number:x}=1" for number in range(40_000)).encode()
    async with asyncio.timeout(15):
        start = (await call(app, make_scope(f"/c2c/{view.id}", query_string=query)))[0]
    assert start["status"] in (200, 403)


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def _leaves() -> Message:
    return {"type": "http.disconnect"}


async def _post(path: str, then: Callable[[], Awaitable[Message]], **headers: str) -> Message:
    """Send the beginning of a body, then what a function returns."""
    app = FastAPI()
    app.mount("/c2c", create_app())
    sent: list[Message] = []
    begun: list[Message] = [{"type": "http.request", "body": b"logger=", "more_body": True}]

    async def receive() -> Message:
        return begun.pop() if begun else await then()

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(15):
        await app(make_scope(f"/c2c/{path}", method="POST", headers=[*headers.items()]), receive, send)
    return sent[0]


FORMS = ["levels", "process", "requests", "diagnostics", "database", "statements", "auth/login"]
BY_KEY = {"x-api-key": SECRET}


@pytest.mark.parametrize("headers", [{}, BY_KEY], ids=["stranger", "administrator"])
@pytest.mark.parametrize("path", [*FORMS, "logging/level", "drain"])
async def test_body_that_never_ends(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str, headers: dict[str, str]
) -> None:
    """Nobody keeps a request open, which the end of the process would wait for."""
    config.settings.debug.enabled = True
    monkeypatch.setattr("c2casgiutils.tools._middleware._MAX_BODY_SECONDS", 0.01)
    start = await _post(path, _never, **headers)
    assert start["status"] in (403, 408)
    assert start["status"] == 408 or path in FORMS  # strangers are told to sign in, without their entry


@pytest.mark.parametrize("headers", [{}, BY_KEY], ids=["stranger", "administrator"])
@pytest.mark.parametrize("path", [*FORMS, "logging/level", "drain"])
async def test_sender_who_leaves(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    """No exception gets to the server, which would write it into the log."""
    config.settings.debug.enabled = True
    start = await _post(path, _leaves, **headers)
    assert start["status"] in (400, 403)
