"""What following requests in the logs costs, in one run: `python benchmarks/logging.py`.

Applications are called in process; printed is what each middleware adds to a request over the bare
application, as the median of many interleaved rounds; then the time that a line of JSON takes, and that of a
request while nobody is followed. Each goal is printed with pass or fail; the exit code is 1 when one failed.
"""

import asyncio
import statistics
import sys
import time
import uuid
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks import _follow, _log_lines
from benchmarks._in_process import SCOPE, Report, make_app, receive, send
from c2casgiutils.request_tracking import RequestTrackingMiddleware

ROUNDS = 301
REQUESTS = 250
MIDDLEWARE_GOAL = 4
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
HEADERS = [
    (b"host", b"www.example.com"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    (b"accept", b"text/html,application/json"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en"),
    (b"cookie", b"session=0123456789abcdef"),
]
WITH_ID = [*HEADERS, (b"x-request-id", b"2f9c0a1e-7b57-4d43-9b4c-6f7f3f1f0c11")]


class Minimum:
    """A hand-written middleware that only sets a context variable and appends the header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value.decode()
                break
        else:
            request_id = str(uuid.uuid4())
        token = REQUEST_ID.set(request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            REQUEST_ID.reset(token)


BARE = make_app(b"application/json")


async def microseconds(app: ASGIApp, headers: list[tuple[bytes, bytes]]) -> float:
    """The time of one request."""
    start = time.thread_time()
    for _ in range(REQUESTS):
        await app({**SCOPE, "headers": headers, "state": {}}, receive, send)
    return (time.thread_time() - start) / REQUESTS * 1e6


async def added_costs(candidates: dict[str, ASGIApp], headers: list[tuple[bytes, bytes]]) -> dict[str, float]:
    """The median of what each candidate adds to the bare application."""
    added: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, app in candidates.items():
            cost = await microseconds(app, headers)
            added[name].append(cost - await microseconds(BARE, headers))
    return {name: statistics.median(values) for name, values in added.items()}


async def middleware(report: Report) -> None:
    candidates = {"minimum": Minimum(BARE), "tracking": RequestTrackingMiddleware(BARE)}
    for kind, headers in (("with an id", WITH_ID), ("without an id", HEADERS)):
        costs = await added_costs(candidates, headers)
        figures = "  ".join(f"{name} {cost:.2f}" for name, cost in costs.items())
        print(f"request {kind}, microseconds added: {figures}")
        report.goal("tracking / minimum", costs["tracking"] / costs["minimum"], MIDDLEWARE_GOAL)


def main() -> None:
    """Measure and compare."""
    report = Report()
    asyncio.run(middleware(report))
    _log_lines.measure(report)
    _follow.measure(report)
    sys.exit(report.failed)
