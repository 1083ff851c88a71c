"""What the benchmarks of applications called in process share: a request, its channels, and the report."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/api/items",
    "raw_path": b"/api/items",
    "query_string": b"",
    "root_path": "",
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}
"""Without headers and state."""


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    pass


def make_app(content_type: bytes) -> ASGIApp:
    """An application that costs next to nothing."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"2"), (b"content-type", content_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


class Report:
    """Prints figures and goals."""

    def __init__(self) -> None:
        self.failed = False

    def goal(self, name: str, value: float, limit: float, *, at_least: bool = False) -> None:
        passed = value >= limit if at_least else value <= limit
        self.failed |= not passed
        sign = ">=" if at_least else "<="
        print(f"  goal: {name}: {value:.2f} {sign} {limit:.2f}: {'pass' if passed else 'FAIL'}")
