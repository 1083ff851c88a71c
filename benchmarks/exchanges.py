"""What recording the last requests adds to a request.

The application has one route and what `c2casgiutils.install()` adds by default. It is called in process, with
and without the recording; the difference is compared with the processor time of a whole request under uvicorn
and wrk. Goal: at most 2 %.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastapi import FastAPI
from starlette.types import ASGIApp

import c2casgiutils
from benchmarks import stack
from benchmarks._in_process import SCOPE, Report, receive, send
from c2casgiutils.debug import ExchangesMiddleware

ROUNDS = 200
REQUESTS = 100
WRK_ROUNDS = 5


def make_app() -> FastAPI:
    app = FastAPI()
    c2casgiutils.install(app, logging=False)

    @app.get("/api/{name}")
    async def read(name: str) -> dict[str, str]:
        return {"name": name}

    return app


async def measure(app: ASGIApp) -> float:
    """Microseconds for one request."""
    start = time.thread_time()
    for _ in range(REQUESTS):
        await app({**SCOPE, "state": {}, "headers": [(b"host", b"localhost")]}, receive, send)
    return (time.thread_time() - start) / REQUESTS * 1e6


async def added() -> float:
    """Microseconds that the recording adds, the median of the rounds."""
    app = make_app()
    recorded = ExchangesMiddleware(app)
    differences = []
    for number in range(ROUNDS):
        # both orders, so that a drift of the machine favours neither
        first, second = (app, recorded) if number % 2 else (recorded, app)
        costs = {id(first): await measure(first), id(second): await measure(second)}
        differences.append(costs[id(recorded)] - costs[id(app)])
    return statistics.median(differences)


def whole() -> float:
    """Microseconds of processor for a request under uvicorn."""
    with tempfile.TemporaryDirectory() as folder, stack.serve("install", Path(folder), "") as server:
        stack.measure(server)
        return 1e6 / statistics.median(stack.measure(server)[1] for _ in range(WRK_ROUNDS))


def main() -> None:
    recording, request = asyncio.run(added()), whole()
    print(f"a request: {request:.0f} us of processor, recording it: {recording:.1f} us")
    report = Report()
    report.goal("share of the recording, %", recording / request * 100, 2)
    sys.exit(report.failed)


if __name__ == "__main__":
    main()
