"""One run: a service under load, faults from a seed, and a comparison of all processes after each round."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator

import httpx

from tests.soak.checker import NOT_SET, settle_seconds
from tests.soak.faults import PROCESS_FAULTS, REDIS_FAULTS
from tests.soak.load import Load
from tests.soak.names import LOGGERS
from tests.soak.record import Checkpoint, Record
from tests.soak.service import BEAT_SECONDS, Cluster, Node, Sentinel, Service, Single

_TOPOLOGIES: list[type[Single | Sentinel | Cluster]] = [Single, Single, Single, Sentinel, Cluster]
"""By the remainder of the seed."""


class Run:
    """What a seed does to a service.

    Args:
        seed: Tells the form of Redis, the number of processes, the faults and the load.
        seconds: How long things are broken; the checks in between count.
    """

    def __init__(self, seed: int, seconds: float) -> None:
        self._rng = random.Random(seed)  # noqa: S311  # a seed is the point
        self._seconds = seconds
        self._redis = _TOPOLOGIES[seed % len(_TOPOLOGIES)]()
        self.topology = self._redis.name
        self.record = Record(BEAT_SECONDS)
        self.logs: dict[int, str] = {}

    async def execute(self) -> Record:
        """Run, and return what was seen."""
        async with Service(self._redis, self.record) as service:
            for _ in range(self._rng.randint(3, 5)):
                await service.start_node()
            load = Load(service, self._derived())
            async with _running(load):
                end = time.monotonic() + self._seconds
                while time.monotonic() < end:
                    await asyncio.gather(*self._round(service))
                    await _checkpoint(service, load)
                # whether the store has it, too, tells a process that knows nothing else
                await service.start_node()
                await _checkpoint(service, load)
            self.logs = service.logs()
        return self.record

    def _round(self, service: Service) -> list[asyncio.Future[None]]:
        """Begin a fault of a process, one of Redis or its network, or both."""
        kinds = self._rng.choice([("process",), ("redis",), ("redis",), ("process", "redis")])
        library = {"process": PROCESS_FAULTS, "redis": REDIS_FAULTS[self.topology]}
        faults = [self._rng.choice(library[kind]) for kind in kinds]
        self.record.faults += [fault.__name__ for fault in faults]
        return [asyncio.ensure_future(fault(service, self._derived())) for fault in faults]

    def _derived(self) -> random.Random:
        """Return a source of random numbers whose use at any time does not change the others."""
        return random.Random(self._rng.random())  # noqa: S311  # a seed is the point


@contextlib.asynccontextmanager
async def _running(load: Load) -> AsyncIterator[None]:
    task = asyncio.create_task(load.run())
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _checkpoint(service: Service, load: Load) -> None:
    """Wait until all processes and the store are equal, at most as long as was promised."""
    await load.quiet()
    start = time.monotonic()
    service.tell("everything is mended")
    deadline = start + settle_seconds(BEAT_SECONDS)
    while True:
        try:
            difference, levels = await _compare(service.nodes, load)
        except httpx.HTTPError as error:
            difference, levels = f"a process does not answer: {error!r}", {}
        if not difference or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.2)
    service.record.checkpoints.append(Checkpoint(start, time.monotonic(), difference, levels))
    service.tell(difference or "all are equal")
    load.changes_allowed = True


async def _compare(nodes: list[Node], load: Load) -> tuple[str, dict[str, str]]:
    """Return what is not equal, empty if nothing, and the levels of all."""
    pids = {node.pid for node in nodes}
    levels: dict[str, str] = {}
    for number, node in enumerate(nodes):
        own = {name: await load.level(node, name) for name in LOGGERS}
        levels = levels if number else own
        if own != levels:
            return f"{node.pid} has {own}, {nodes[0].pid} has {levels}", {}
    for node in nodes:
        stored = dict.fromkeys(LOGGERS, NOT_SET) | await load.overrides(node)
        if stored != levels:
            return f"the store has {stored} by {node.pid}, the processes have {levels}", {}
        listed = {pid for pid, liveness in (await load.list(node)).items() if liveness != "lost"}
        if listed != pids:
            return f"{node.pid} lists {sorted(listed)}, there are {sorted(pids)}", {}
        report = await load.ask(node)
        if report is None or not (report.complete and report.current) or report.answered != pids:
            return f"{node.pid} is told {report} by {sorted(pids)}", {}
    return "", levels
