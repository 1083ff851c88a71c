"""Speaking HTTP and raw ASGI to an application in process."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Scope

Address = tuple[str, int]


def client(
    app: ASGIApp, *, host: str = "www.example.com", raise_errors: bool = False, root_path: str = ""
) -> httpx.AsyncClient:
    """An HTTP client of the application; an exception is an answer, as under a server."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=raise_errors, root_path=root_path)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


def make_scope(
    path: str = "/",
    *,
    kind: str = "http",
    method: str = "GET",
    headers: Iterable[tuple[str | bytes, str | bytes]] = (),
    **members: Any,
) -> Scope:
    """The scope of a connection, as a server makes it."""
    raw = [
        tuple(part.encode("latin-1") if isinstance(part, str) else part for part in header)
        for header in headers
    ]
    scope: Scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": b"",
        "root_path": "",
        "headers": raw,
        "client": ("127.0.0.1", 50000),
        "server": ("www.example.com", 80),
        "state": {},
    }
    if kind == "http":
        scope["method"] = method
    return {**scope, **members}


async def call(app: ASGIApp, scope: Scope, body: bytes = b"") -> list[Message]:
    """Every message that the application sends for one request."""
    sent: list[Message] = []
    received = False

    async def receive() -> Message:
        nonlocal received
        if received:
            return {"type": "http.disconnect"}
        received = True
        if scope["type"] == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def header_lists(message: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of each header of a start message, by lower-case name."""
    values: dict[str, list[str]] = {}
    for name, value in message["headers"]:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return values
