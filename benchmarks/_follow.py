"""What following requests in the log costs a request that is not followed."""

import asyncio
import io
import logging
import statistics
import time

from fastapi import FastAPI

import c2casgiutils
from benchmarks._in_process import SCOPE, Report, receive, send
from c2casgiutils import config, follow

ROUNDS = 101
WARM_UP = 10
REQUESTS = 40
GOAL = 1.02
LOGGER = logging.getLogger("benchmark.follow")
IDLE, ENDED, ACTIVE = "without the feature", "after a follow", "while somebody else is followed"

app = FastAPI()


@app.get("/api/items")
async def items() -> dict[str, int]:
    """An endpoint with ten lines that nobody wants, and one that is written."""
    for number in range(10):
        LOGGER.debug("line %s", number)
    LOGGER.warning("done")
    return {}


async def microseconds() -> float:
    """The time of one request, once everything is in the caches again."""
    for _ in range(WARM_UP):
        await app({**SCOPE, "headers": [(b"host", b"localhost")], "state": {}}, receive, send)
    start = time.thread_time()
    for _ in range(REQUESTS):
        await app({**SCOPE, "headers": [(b"host", b"localhost")], "state": {}}, receive, send)
    return (time.thread_time() - start) / REQUESTS * 1e6


async def start() -> str:
    """Follow whoever carries a token, which is nobody here."""
    id_ = follow.create_id()
    await follow.start(id_, ttl=60, level=logging.DEBUG, logger="", by="benchmark", seconds=2)
    return id_


async def one_round() -> dict[str, float]:
    """The times with the feature taken out, with a follow that has ended, and with one that is active."""
    await follow.end(await start(), by="benchmark", seconds=2)
    await follow.shutdown()
    costs = {IDLE: await microseconds()}
    follow.startup()
    await follow.end(await start(), by="benchmark", seconds=2)
    costs[ENDED] = await microseconds()
    id_ = await start()
    costs[ACTIVE] = await microseconds()
    await follow.end(id_, by="benchmark", seconds=2)
    return costs


async def rounds() -> list[dict[str, float]]:
    """All rounds."""
    async with app.router.lifespan_context(app):
        await microseconds()
        return [await one_round() for _ in range(ROUNDS)]


def measure(report: Report) -> None:
    """Measure and compare."""
    config.settings.prometheus.port = 0
    c2casgiutils.install(app, logging=False)
    logging.basicConfig(level=logging.WARNING, stream=io.StringIO(), force=True)
    logging.getLogger("c2casgiutils").setLevel(logging.ERROR)
    found = asyncio.run(rounds())
    for name in (IDLE, ENDED, ACTIVE):
        print(f"request {name}, microseconds: {statistics.median(costs[name] for costs in found):.0f}")
    ratio = statistics.median(costs[ENDED] / costs[IDLE] for costs in found)
    report.goal("request, nobody followed / feature taken out", ratio, GOAL)
