"""500 requests a second, with and without the light diagnostic views called once a second each.

Two workers with Redis; slices with and without the views follow each other, so that other load on the machine
meets both. Goals, on an otherwise idle machine: no error, the median at most 1.5 times that without the
views. The memory of the workers before and after is printed.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import aiohttp

from benchmarks._in_process import Report
from tests.support.processes import RedisServer, Uvicorn

RATE = 500
CONNECTIONS = 32
SLICE_SECONDS = 3
KEY = {"X-API-Key": "a-secret-of-the-operators"}
VIEWS = ("debug/stacks", "debug/loop", "debug/exchanges?limit=500", "settings", "versions", "runtime")
SETTINGS = {
    "C2C__AUTH__SECRET": KEY["X-API-Key"],
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
    "PYTHONWARNINGS": "",
}


class Load:
    """Requests at a fixed rate; a late answer delays none of the next ones."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url
        self.milliseconds: list[float] = []
        self.errors = 0

    async def request(self, path: str, *, is_view: bool = False) -> None:
        began = time.perf_counter()
        try:
            async with self.session.get(f"{self.url}/{path}", headers=KEY if is_view else {}) as answer:
                await answer.read()
                self.errors += answer.status != 200
        except aiohttp.ClientError:
            self.errors += 1
        if not is_view:
            self.milliseconds.append((time.perf_counter() - began) * 1000)

    async def run(self, seconds: float, *, with_views: bool) -> list[float]:
        """Return the durations."""
        self.milliseconds = []
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(RATE * seconds)):
                await asyncio.sleep(max(0, began + number / RATE - time.perf_counter()))
                group.create_task(self.request(""))
                # one view after the other, each once a second
                if with_views and number * len(VIEWS) // RATE != (number - 1) * len(VIEWS) // RATE:
                    view = VIEWS[number * len(VIEWS) // RATE % len(VIEWS)]
                    group.create_task(self.request(f"c2c/{view}", is_view=True))
        return self.milliseconds


def memory(pid: int) -> float:
    """MiB of a server and its workers."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (pid, *children)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(server: Uvicorn, seconds: float) -> Report:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        load = Load(session, server.url)
        await load.run(SLICE_SECONDS, with_views=True)
        before = memory(server.pid)
        durations: dict[bool, list[float]] = {False: [], True: []}
        for number in range(int(seconds / SLICE_SECONDS)):
            with_views = number % 2 == 0
            durations[with_views] += await load.run(SLICE_SECONDS, with_views=with_views)
    after = memory(server.pid)
    medians = {with_views: statistics.median(found) for with_views, found in durations.items()}
    print(f"median without the views {medians[False]:.2f} ms, with them {medians[True]:.2f} ms")
    print(
        f"memory before {before:.1f} MiB, after {after:.1f} MiB; load of the machine {os.getloadavg()[0]:.1f}"
    )
    report = Report()
    report.goal("errors", load.errors, 0)
    report.goal("median with / without", medians[True] / medians[False], 1.5)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    with RedisServer() as redis:
        env = {**SETTINGS, "C2C__REDIS__URL": redis.url}
        options = "--no-access-log", "--workers", "2"
        with Uvicorn("tests.support.debug_app:app", *options, env=env) as server:
            sys.exit(asyncio.run(measure(server, arguments.seconds)).failed)


if __name__ == "__main__":
    main()
