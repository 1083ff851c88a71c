"""What the roster costs with many processes: `python benchmarks/scaling.py [--processes 10 1000]`.

The entries are copies of a real one, which a `Presence` announced with a subscription, 40 health checks and
all its samples. No processes stand behind them, so that a call reports them as unreachable at once; what
answers cost tells `benchmarks/broadcast.py`. Printed is the fastest of some runs, because the machine may do
other work; of `roster()` and of the first question the processor time of the caller, without that of Redis.
The exit code is 1 if a beat is larger than promised.
"""

import argparse
import asyncio
import dataclasses
import datetime
import functools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from c2casgiutils import broadcast, config, health_checks, instances, redis_utils
from c2casgiutils.broadcast._current import current
from c2casgiutils.instances import _slot
from c2casgiutils.instances._entry import MAX_SAMPLES
from tests.support.processes import RedisServer

CHANNEL = "echo"
PREFIX = "benchmark_"
CHECKS = 40
AGE_SECONDS = 100 * 86_400
BEATS = 1000
MOST_BYTES = 1024
"""Of a beat with that many checks, without its signature."""


class Fine(health_checks.Check):
    """A check that passes."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.name = f"check_number_{number}"

    async def check(self) -> health_checks.Result:
        return health_checks.Result()


async def pid() -> int:
    """The handler of all processes."""
    return 1


class Bench:
    """One redis-server, this process, one more presence, and copies of the entry of that one."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._number = 2
        self._newcomer = _slot._STATE.create()

    async def start(self) -> None:
        """Announce the presence that will be copied, with all its samples."""
        broadcaster = current()
        assert isinstance(broadcaster, broadcast.RedisBroadcaster)
        self._newcomer.channels.add(CHANNEL)
        self._newcomer.set_state("ready")
        self._newcomer.start(broadcaster.link)
        self._newcomer.abort()
        for _ in range(MAX_SAMPLES):
            self._newcomer._report.sample()
        self._newcomer._beats = -1  # the next beat writes the samples, too
        await self._newcomer.announce()

    def grow(self, number: int) -> None:
        """Copy the entry until the roster has this number of processes."""
        id_, roster = self._newcomer.id, self._newcomer.roster
        with self._server.client() as client:
            beat, static = client.hmget(roster.key, id_, f"{id_}/static")
            samples, end = client.hget(roster.samples_key, id_), client.zscore(roster.beats_key, id_)
            pipeline = client.pipeline(transaction=False)
            for pid in range(self._number, number):
                copy = f"{self._newcomer.hostname}:{pid}:{pid:08x}"
                pipeline.hset(roster.key, mapping={copy: beat, f"{copy}/static": static})
                pipeline.hset(roster.samples_key, copy, samples)
                pipeline.zadd(roster.beats_key, {copy: end})
            pipeline.execute()
        self._number = max(self._number, number)

    def used_seconds(self) -> float:
        """The time that the processor gave to Redis."""
        with self._server.client() as client:
            cpu = client.info("cpu")
        return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    def sizes(self) -> dict[str, int]:
        """The bytes of all keys of the roster."""
        with self._server.client() as client:
            keys = client.keys(f"{PREFIX}instances*")
            return {key: int(client.memory_usage(key, samples=0) or 0) for key in keys}

    def size_of_an_entry(self) -> tuple[int, int]:
        """The bytes of a beat without a secret, and of what rarely changes."""
        id_ = self._newcomer.id
        with self._server.client() as client:
            return client.hstrlen(f"{PREFIX}instances", id_), client.hstrlen(
                f"{PREFIX}instances", f"{id_}/static"
            )

    async def measure(self, number: int) -> None:
        """Print the line for this number of processes."""
        self.grow(number)
        first = []
        for _ in range(5):
            await self._newcomer.announce()
            first += await durations(ask, 1, clock=time.process_time)
        following = await durations(ask, 20)
        reports = await durations(ask_with_report, 5)
        rosters = await durations(instances.roster, 5, clock=time.process_time)
        full = await durations(functools.partial(instances.roster, samples=True), 2, clock=time.process_time)
        before, start = self.used_seconds(), time.perf_counter()
        for _ in range(BEATS):
            await self._newcomer._write()
        beat = (time.perf_counter() - start) / BEATS
        redis_beat = (self.used_seconds() - before) / BEATS
        body = len(
            json.dumps([item.model_dump(mode="json") for item in await instances.roster(samples=True)])
        )
        print(
            f"{number} processes: {sum(self.sizes().values()) / 1e6:.2f} MB in Redis "
            f"({', '.join(f'{key} {size / 1e6:.2f}' for key, size in sorted(self.sizes().items()))}); "
            f"first question after a change {1e3 * min(first):.1f} ms, "
            f"next ones {1e3 * min(following):.2f} ms, "
            f"with a report {1e3 * min(reports):.2f} ms; "
            f"roster() {1e3 * min(rosters):.0f} ms, "
            f"with the samples {1e3 * min(full):.0f} ms and {body / 1e6:.2f} MB as JSON; "
            f"a beat {1e6 * beat:.0f} us, of it {1e6 * redis_beat:.0f} us of Redis",
            flush=True,
        )


async def ask() -> None:
    """Ask all processes; only this one is connected."""
    answers = await broadcast.broadcast(CHANNEL, expect_answers=True, timeout=60)
    assert sum(isinstance(answer, broadcast.BroadcastResponse) for answer in answers or []) == 1


async def ask_with_report() -> None:
    """Ask all processes, and sum up the answers as the views do."""
    reply = await broadcast.ask(CHANNEL, pid, timeout=60)
    assert reply.report.answered == 1


async def durations(
    call: Callable[[], Awaitable[object]], number: int, *, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the durations in seconds of a number of successive calls, by a clock."""
    found = []
    for _ in range(number):
        start = clock()
        await call()
        found.append(clock() - start)
    return found


async def main(numbers: list[int]) -> int:
    """All of it."""
    config.settings.instances.heartbeat = datetime.timedelta(hours=1)  # nobody expires meanwhile
    config.settings.redis.broadcast_prefix = PREFIX
    with RedisServer() as server:
        config.settings.redis.url = server.url
        for number in range(CHECKS):
            health_checks.FACTORY.add(Fine(number))
        await broadcast.subscribe(CHANNEL, pid)
        await broadcast.startup()
        await health_checks.startup()
        await health_checks.FACTORY.check()
        for entry in health_checks.FACTORY.entries:  # the numbers in a beat grow with the age of the state
            assert entry.last is not None
            entry.last = dataclasses.replace(entry.last, since=entry.last.since - AGE_SECONDS, seconds=1.5)
        bench = Bench(server)
        await bench.start()
        for number in numbers:
            await bench.measure(number)
        beat, static = bench.size_of_an_entry()
        passed = beat <= MOST_BYTES
        print(
            f"{'pass' if passed else 'FAIL'}: a beat with {CHECKS} checks in states of 100 days has "
            f"{beat} bytes (goal: at most {MOST_BYTES}); what rarely changes {static} bytes"
        )
        await health_checks.shutdown()
        await broadcast.shutdown()
        await redis_utils.aclose()
    return 0 if passed else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, nargs="+", default=[10, 100, 1000, 10_000])
    sys.exit(asyncio.run(main(parser.parse_args().processes)))
