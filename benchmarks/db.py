"""What `db.Session` costs over a hand-written dependency: `python benchmarks/db.py [--requests] [--rounds]`.

The route does `SELECT 1` on PostgreSQL. Both applications are called in one process, without a server around
them that would hide a difference; `hand` makes its sessions as the documentation of SQLAlchemy does. Compared
is the processor time of rounds that follow each other, in both orders, so that other load on the machine does
not count; printed is the median of the ratios. `profiled` is `ours` while the SQL profiler is on; between its
rounds it is off.
"""

import argparse
import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from c2casgiutils import config, db, switches
from tests.support.asgi import call, make_scope
from tests.support.postgres import PostgresServer

GOAL = 1.10


def hand(url: str) -> FastAPI:
    """An application with an engine and a dependency of its own."""
    maker = async_sessionmaker(create_async_engine(url), expire_on_commit=False)
    app = FastAPI()

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with maker.begin() as session:
            yield session

    @app.get("/")
    async def read(session: Annotated[AsyncSession, Depends(get_session, scope="function")]) -> int:
        return int((await session.execute(text("SELECT 1"))).scalar_one())

    return app


def ours(_url: str) -> FastAPI:
    """The same with `db.Session`."""
    app = FastAPI()

    @app.get("/")
    async def read(session: db.Session) -> int:
        return int((await session.execute(text("SELECT 1"))).scalar_one())

    return app


async def processor_seconds(app: Any, requests: int) -> float:
    """The processor time of so many requests, one after the other."""
    gc.collect()
    gc.disable()  # else it runs in the rounds of one more often than in those of the other
    started = time.process_time()
    for _ in range(requests):
        start, *_ = await call(app, make_scope("/"))
        if start["status"] != 200:
            raise RuntimeError(f"the answer is {start['status']}")
    seconds = time.process_time() - started
    gc.enable()
    return seconds


async def measure(url: str, requests: int, rounds: int) -> dict[str, list[float]]:
    """The seconds of each round, by application."""
    makers: dict[str, Callable[[str], FastAPI]] = {"hand": hand, "ours": ours, "profiled": ours}
    apps = {name: make(url) for name, make in makers.items()}
    results: dict[str, list[float]] = {name: [] for name in apps}
    for app in apps.values():
        await processor_seconds(app, requests)
    profiler = switches.register(db.profiler())
    for number in range(rounds):
        for name in list(apps)[:: -1 if number % 2 else 1]:
            if name == "profiled":
                await profiler.start(ttl=3600, explain=False, analyze=False, by="benchmark")
            results[name].append(await processor_seconds(apps[name], requests))
            await profiler.end(by="benchmark")
    await db.shutdown()
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description="What db.Session costs")
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=51)
    options = parser.parse_args()
    with PostgresServer() as server:
        config.settings = config.Settings(db={"url": server.url()})
        results = asyncio.run(measure(server.url(), options.requests, options.rounds))
    for name, values in results.items():
        print(f"{name:8} {statistics.median(values) / options.requests * 1e6:6.0f} µs of processor a request")
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    ratio, profiled = (
        statistics.median(ours / hand for ours, hand in zip(results[name], results[by], strict=True))
        for name, by in (("ours", "hand"), ("profiled", "ours"))
    )
    print(f"the profiler takes {profiled:.2f} x the time without it")
    verdict = "pass" if ratio <= GOAL else "fail"
    print(f"db.Session takes {ratio:.2f} x the time of a hand-written dependency; goal {GOAL:.2f}: {verdict}")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
