"""A request of a view to the application of the process, without the network."""

import asyncio
import logging
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from fastapi import Request
from starlette.types import ASGIApp, Message, Scope

_LOGGER = logging.getLogger(__name__)

_MAX_PATH_LENGTH = 2_000
_SAFE = "/%:@!$&'()*+,;=~"
_SERVER_ERROR = 500
_CREDENTIALS = frozenset({b"host", b"authorization", b"cookie", b"x-api-key"})


class Outcome(NamedTuple):
    """The result of a request.

    Attributes:
        status: Status of the answer.
        is_routed: Whether a route of the application was found.
        headers: Headers of the answer.
    """

    status: int
    is_routed: bool
    headers: list[tuple[str, str]]


def check_path(path: str) -> str:
    """Return a path with its query, if it cannot name another server.

    Raises:
        ValueError: It has a scheme or a host, or is no path.
    """
    is_path = path.startswith("/") and not path.startswith("//")
    if not is_path or len(path) > _MAX_PATH_LENGTH or not path.isprintable() or set(path) & set(" \\#"):
        raise ValueError("must be a path of the application such as /items?limit=1, without scheme and host")
    return path


async def send(app: ASGIApp, request: Request, path: str) -> Outcome:
    """Send a GET request with the credentials of the caller, and no other header, to an application.

    Args:
        app: The application.
        request: The request of the caller.
        path: The path and the query, see `check_path`.
    """
    scope = _create_scope(request, path)
    exchange = _Exchange()
    try:
        await asyncio.create_task(_call(app, scope, exchange), name="c2casgiutils-subrequest")
    except Exception:  # as a server does; the middlewares have already answered 500
        _LOGGER.exception("The request of a diagnosis to %s failed", scope["path"])
    return Outcome(exchange.status, "endpoint" in scope, exchange.headers)


async def _call(app: ASGIApp, scope: Scope, exchange: "_Exchange") -> None:
    await app(scope, exchange.receive, exchange.send)


class _Exchange:
    """The messages of one request without a body; the body of the answer is dropped."""

    def __init__(self) -> None:
        self.status = _SERVER_ERROR
        self.headers: list[tuple[str, str]] = []
        self._is_sent = False
        self._is_complete = asyncio.Event()

    async def receive(self) -> Message:
        if not self._is_sent:
            self._is_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._is_complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pairs = message.get("headers", ())
            self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self._is_complete.set()


def _create_scope(request: Request, path: str) -> Scope:
    """Return the scope of a request from the same client to the same server."""
    outer = request.scope
    raw_path, _, query = path.partition("?")
    headers = [(name, value) for name, value in outer["headers"] if name in _CREDENTIALS]
    if (secret := request.query_params.get("secret")) is not None:
        headers.append((b"x-api-key", secret.encode()))
    inherited: dict[str, Any] = {
        name: outer[name] for name in ("asgi", "http_version", "scheme", "client", "server") if name in outer
    }
    return {
        **inherited,
        "type": "http",
        "method": "GET",
        "root_path": outer.get("app_root_path", ""),
        "path": unquote(raw_path),
        "raw_path": quote(raw_path, safe=_SAFE).encode(),
        "query_string": quote(query, safe=f"{_SAFE}?").encode(),
        "headers": headers,
        "state": dict(outer.get("state", {})),
    }
