"""What the middlewares cost, in one run: `python benchmarks/middleware.py [--no-wrk]`.

The first part calls applications in process and prints what each middleware adds to a request over the bare
application, as the median of many interleaved rounds. The second part runs a FastAPI route under uvicorn and
wrk, with and without both middlewares. Each goal is printed with pass or fail; the exit code is 1 when one
failed.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import uvloop
from fastapi import FastAPI
from secure.middleware import SecureASGIMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._in_process import SCOPE, Report, make_app, receive, send
from c2casgiutils.headers import ArmorHeaderMiddleware, ForwardedHeadersMiddleware
from tests.support.processes import Uvicorn, binary

ROUNDS = 301
REQUESTS = 250
COUNTER = itertools.count(2**24)
FOR = b"x-forwarded-for"
WRK_ROUNDS = 12
WRK_SECONDS = 1
HOST = (b"host", b"www.example.com")
REQUEST_HEADERS = [
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    (b"accept", b"text/html,application/json"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en"),
    (b"cookie", b"session=0123456789abcdef"),
]
PROXY_HEADERS = [
    (b"x-forwarded-for", b"192.0.2.7"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"www.example.com"),
    (b"x-forwarded-port", b"443"),
]
FORWARDED = [(b"forwarded", b"for=192.0.2.7;proto=https;host=www.example.com")]
ELEVEN = [
    (b"content-security-policy", b"default-src 'self'"),
    (b"x-frame-options", b"DENY"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"geolocation=(), microphone=()"),
    (b"x-dns-prefetch-control", b"off"),
    (b"origin-agent-cluster", b"?1"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Minimum:
    """A hand-written middleware that only appends the eleven headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].extend(ELEVEN)
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def measure(app: ASGIApp, headers: list[tuple[bytes, bytes]], *, other_clients: bool = False) -> float:
    """Microseconds for one request."""
    lists = [headers]
    if other_clients:
        clients = (str(IPv4Address(next(COUNTER))).encode() for _ in range(REQUESTS))
        lists = [[(name, client if name == FOR else value) for name, value in headers] for client in clients]
    start = time.thread_time()
    for number in range(REQUESTS):
        await app({**SCOPE, "state": {}, "headers": lists[number % len(lists)]}, receive, send)
    return (time.thread_time() - start) / REQUESTS * 1e6


async def added_costs(
    bare: ASGIApp, candidates: dict[str, tuple[ASGIApp, list[tuple[bytes, bytes]]]]
) -> dict[str, float]:
    """The median of what each candidate adds to the bare application with the same request."""
    added: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, (app, headers) in candidates.items():
            other = name.endswith("cold")
            cost = await measure(app, headers, other_clients=other)
            added[name].append(cost - await measure(bare, headers, other_clients=other))
    return {name: statistics.median(values) for name, values in added.items()}


async def in_process(report: Report) -> None:
    for kind, limit, position in (
        ("application/json", 2, "first"),
        ("text/html; charset=utf-8", 4, "first"),
        ("application/json", None, "last"),
    ):
        headers = [HOST, *REQUEST_HEADERS] if position == "first" else [*REQUEST_HEADERS, HOST]
        bare = make_app(kind.encode())
        costs = await added_costs(
            bare,
            {
                "a": (Minimum(bare), headers),
                "b": (ArmorHeaderMiddleware(bare), headers),
                "c": (SecureASGIMiddleware(bare), headers),
            },
        )
        print(f"{kind}, Host is the {position} header, microseconds added to a request:")
        print(f"  (a) minimum {costs['a']:.2f}  (b) armor {costs['b']:.2f}  (c) secure {costs['c']:.2f}")
        if limit is None:
            print(f"  (b) / (a): {costs['b'] / costs['a']:.2f}")
        else:
            report.goal("(b) / (a)", costs["b"] / costs["a"], limit)

    bare = make_app(b"application/json")
    same, all_headers = [HOST, *REQUEST_HEADERS, *PROXY_HEADERS[:2]], [HOST, *REQUEST_HEADERS, *PROXY_HEADERS]
    uvicorn_middleware: Callable[..., ASGIApp] = ProxyHeadersMiddleware  # type: ignore[assignment]  # own ASGI types
    forwarded = [HOST, *REQUEST_HEADERS, *FORWARDED]
    costs = await added_costs(
        bare,
        {
            "d": (uvicorn_middleware(bare), same),
            "e": (ForwardedHeadersMiddleware(bare), same),
            "d four": (uvicorn_middleware(bare), all_headers),
            "e four": (ForwardedHeadersMiddleware(bare), all_headers),
            "e cold": (ForwardedHeadersMiddleware(bare), all_headers),
            "d cold": (uvicorn_middleware(bare), all_headers),
            "e rfc": (ForwardedHeadersMiddleware(bare, headers_type="forwarded"), forwarded),
            "e untrusted": (ForwardedHeadersMiddleware(bare, "10.0.0.0/8"), all_headers),
        },
    )
    print("forwarded headers, microseconds added to a request:")
    print(f"  For and Proto: (d) uvicorn {costs['d']:.2f}  (e) ours {costs['e']:.2f}")
    print(f"  For, Proto, Host and Port: (d) uvicorn {costs['d four']:.2f}  (e) ours {costs['e four']:.2f}")
    print(f"  every client another: (d) uvicorn {costs['d cold']:.2f}  (e) ours {costs['e cold']:.2f}")
    print(f"  RFC 7239: ours {costs['e rfc']:.2f}; untrusted peer: ours {costs['e untrusted']:.2f}")
    report.goal("(e) / (d), For and Proto", costs["e"] / costs["d"], 2)
    report.goal("(e) / (d), all four", costs["e four"] / costs["d four"], 2)


def make_fastapi(*middlewares: Callable[..., ASGIApp]) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    for middleware in middlewares:
        app.add_middleware(middleware)
    return app


bare_app = make_fastapi()
minimum_app = make_fastapi(Minimum)
both_app = make_fastapi(ArmorHeaderMiddleware, ForwardedHeadersMiddleware)


def requests_per_second(url: str) -> float:
    command = [binary("wrk", "wrk"), "--threads", "1", "--connections", "16", "--duration", f"{WRK_SECONDS}s"]
    for name, value in PROXY_HEADERS:
        command += ["--header", f"{name.decode()}: {value.decode()}"]
    output = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None or "Non-2xx" in output:
        raise RuntimeError(output)
    return float(found[1])


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def under_wrk(report: Report) -> None:
    """All servers are up all the time and are measured in turn, so that noise meets all.

    The one with the minimum shows what writing eleven more headers costs the server itself.
    """
    names = ("bare", "minimum", "both")
    rates: dict[str, list[float]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(Uvicorn(f"benchmarks.middleware:{name}_app", "--no-access-log"))
            for name in names
        }
        before = {name: cpu_seconds(server.pid) for name, server in servers.items()}
        for _ in range(WRK_ROUNDS):
            for name, server in servers.items():
                rates[name].append(requests_per_second(server.url))
        cpu = {
            name: (cpu_seconds(server.pid) - before[name]) / (sum(rates[name]) * WRK_SECONDS) * 1e6
            for name, server in servers.items()
        }
    print("a FastAPI route under uvicorn and wrk:")
    ratios = {}
    for name in names:
        pairs = [one / bare for one, bare in zip(rates[name], rates["bare"], strict=True)]
        ratios[name] = statistics.median(pairs)
        rate = statistics.median(rates[name])
        print(f"  {name}: {rate:.0f} requests/s, {ratios[name]:.2f} of bare, {cpu[name]:.1f} us of CPU each")
    report.goal("both / bare, median of pairs", ratios["both"], 0.88, at_least=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-wrk", action="store_true", help="only the part in process")
    arguments = parser.parse_args()
    report = Report()
    asyncio.run(in_process(report), loop_factory=uvloop.new_event_loop) if sys.version_info >= (3, 12) else (
        asyncio.run(in_process(report))
    )
    if not arguments.no_wrk:
        under_wrk(report)
    sys.exit(report.failed)


if __name__ == "__main__":
    main()
