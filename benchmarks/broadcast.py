"""What a broadcast with answers costs, in one run: `python benchmarks/broadcast.py [--long]`.

Real processes on one redis-server of the loopback, beside the bare redis-py round trip on the same server
(publish, message, publish back, message). Each goal is printed with pass or fail; the exit code is 1 when one
failed. `--long` adds the memory after 100,000 broadcasts.
"""

import argparse
import asyncio
import contextlib
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from c2casgiutils import broadcast, config, instances, redis_utils
from c2casgiutils.broadcast.redis import RedisBroadcaster
from tests.support.processes import RedisServer

CHANNEL = "echo"
PREFIX = "benchmark_"
ROUNDS = 5
CALLS = 400
AT_ONCE = 1000
SIMULATED = 200
SIMULATED_PER_PROCESS = 50
LONG = 100_000

FAILURES: list[str] = []


def report(name: str, figure: float, goal: float, unit: str) -> None:
    """Print a figure beside its goal."""
    passed = figure <= goal
    if not passed:
        FAILURES.append(name)
    print(f"  {'pass' if passed else 'FAIL'}  {name}: {figure:.3g} {unit}, goal at most {goal:g} {unit}")


def configure(url: str) -> None:
    """Point the settings of this process to the server."""
    config.settings.redis.url = url
    config.settings.redis.broadcast_prefix = PREFIX


async def echo(**params: Any) -> dict[str, Any]:
    """The handler of all processes."""
    return params


async def member(url: str, number: int) -> None:
    """Run a process with this number of broadcasters until its input ends."""
    configure(url)
    broadcasters = [RedisBroadcaster(instances.Presence()) for _ in range(number)]
    for broadcaster in broadcasters:
        await broadcaster.subscribe(CHANNEL, echo)
        broadcaster.presence.start(broadcaster.link)
        await broadcaster.init()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for broadcaster in broadcasters:
        await broadcaster.presence.stop()
        await broadcaster.aclose()


@contextlib.contextmanager
def members(url: str, processes: int, each: int = 1) -> Iterator[None]:
    """So many processes beside this one."""
    command = [sys.executable, __file__, "--member", url, "--number", str(each)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(processes)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        for process in started:
            process.communicate(timeout=30)


async def ask(expected: int, seconds: float = 10) -> None:
    """One call with all its answers."""
    answers = await broadcast.broadcast(CHANNEL, {"text": "hello"}, expect_answers=True, timeout=seconds)
    complete = [answer for answer in answers or [] if isinstance(answer, broadcast.BroadcastResponse)]
    if len(complete) != expected:
        raise RuntimeError(f"{len(complete)} of {expected} answered: {answers}")


class Bare:
    """The round trip with nothing but redis-py."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis

        self._client: Redis = Redis.from_url(url)
        self._back = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._pubsubs: list[Any] = []

    async def start(self) -> None:
        """Subscribe both ends."""

        async def forward(_: Any) -> None:
            await self._client.publish("bare_back", b"hello")

        async def arrive(_: Any) -> None:
            self._back.set()

        for channel, handle in (("bare_there", forward), ("bare_back", arrive)):
            pubsub = self._client.pubsub(ignore_subscribe_messages=True)
            await pubsub.subscribe(channel)
            self._pubsubs.append(pubsub)
            self._tasks.append(asyncio.create_task(self._listen(pubsub, handle)))
        await asyncio.sleep(0.1)

    @staticmethod
    async def _listen(pubsub: Any, handle: Callable[[Any], Awaitable[None]]) -> None:
        async for message in pubsub.listen():
            await handle(message)

    async def ask(self) -> None:
        """There and back."""
        self._back.clear()
        await self._client.publish("bare_there", b"hello")
        await self._back.wait()

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for pubsub in self._pubsubs:
            await pubsub.aclose()
        await self._client.aclose()


async def durations(call: Callable[[], Awaitable[None]], number: int) -> list[float]:
    """Return the durations in seconds of a number of successive calls."""
    result = []
    for _ in range(number):
        start = time.perf_counter()
        await call()
        result.append(time.perf_counter() - start)
    return result


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(values, n=100)[-1]


async def measure(url: str, processes: int, bare: Bare, goal: float | None) -> None:
    """One call after the other, in rounds that alternate with the bare round trip."""
    with members(url, processes - 1):
        await ask(processes)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):
            theirs += await durations(bare.ask, CALLS)
            ours += await durations(lambda: ask(processes), CALLS)
        median, base = statistics.median(ours), statistics.median(theirs)
        print(
            f"{processes} processes: median {median * 1e6:.0f} us, p99 {p99(ours) * 1e6:.0f} us; "
            f"bare round trip: median {base * 1e6:.0f} us, p99 {p99(theirs) * 1e6:.0f} us"
        )
        if goal is not None:
            report(f"{processes} processes over the bare round trip", median / base, goal, "times")
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            await asyncio.gather(*(ask(processes) for _ in range(AT_ONCE)))
            times.append(time.perf_counter() - start)
        name = f"{AT_ONCE} calls at once to {processes} processes, no answer missing"
        spread = f"{min(times):.2f} to {max(times):.2f} s"
        print(f"  {name}: median {statistics.median(times):.2f} s, {spread}")
        if goal is not None:
            report(name, statistics.median(times), 1, "s")


async def simulate(url: str) -> None:
    """Many processes, as many broadcasters in few."""
    with members(url, SIMULATED // SIMULATED_PER_PROCESS, SIMULATED_PER_PROCESS):
        await ask(SIMULATED + 1)
        times = await durations(lambda: ask(SIMULATED + 1), 20)
        print(f"{SIMULATED} simulated processes and this one: median {statistics.median(times):.3f} s")
        report(f"complete answer of {SIMULATED} simulated processes, slowest of 20", max(times), 1, "s")
        entry = await size_of_an_entry()
        print(f"  one entry of the roster: {entry} bytes, written every 5 s by each process")


async def size_of_an_entry() -> int:
    """Bytes that a process writes at each beat."""
    master, _, _ = redis_utils.get()
    assert master is not None
    value: Any = await master.hget(f"{PREFIX}instances", instances.own().id)  # type: ignore[misc]  # redis-py
    return len(value)


async def memory() -> None:
    """The process after 1,000 and after 100,000 broadcasts."""

    async def run(number: int) -> float:
        for _ in range(number // 100):
            await asyncio.gather(*(ask(1) for _ in range(100)))
        gc.collect()
        return instances.own().figures["rss_bytes"] / 1024**2

    before = await run(1000)
    start = time.perf_counter()
    after = await run(LONG - 1000)
    print(f"{LONG} broadcasts in {time.perf_counter() - start:.0f} s: {before:.1f} MiB, then {after:.1f} MiB")
    report(f"growth between 1,000 and {LONG} broadcasts", after - before, 2, "MiB")


async def main(*, long: bool) -> None:
    """All of it."""
    with RedisServer() as server:
        configure(server.url)
        await broadcast.subscribe(CHANNEL, echo)
        await broadcast.startup()
        bare = Bare(server.url)
        await bare.start()
        for processes, goal in ((1, 1.6), (4, 5.0), (16, None)):
            await measure(server.url, processes, bare, goal)
        await simulate(server.url)
        if long:
            await memory()
        await bare.stop()
        await broadcast.shutdown()
        await redis_utils.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="the memory after 100,000 broadcasts, too")
    parser.add_argument("--member", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.member:
        asyncio.run(member(arguments.member, arguments.number))
        sys.exit(0)
    asyncio.run(main(long=arguments.long))
    sys.exit(f"failed: {', '.join(FAILURES)}" if FAILURES else 0)
