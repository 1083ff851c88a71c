"""The constant load: changes of levels, questions to all processes, and reads of what each process shows.

Only the public surface over HTTP is used. Each change sets a value that no other one sets, so that a value
tells which change it comes from.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.soak.names import LEVELS, LOGGERS
from tests.soak.record import Change, Listing, Question, Read, Report
from tests.soak.service import Node, Service

_MOST_AT_ONCE = 40
"""Requests that wait, those for a stopped process among them."""
_ERROR = 500
_NOT_MADE = range(400, 500)
"""Statuses that say that a change was refused for good."""

Action = Callable[[Node], Awaitable[object]]


class Load:
    """Requests at random times to random processes.

    Args:
        service: Where to.
        rng: The source of random numbers of the run.
    """

    def __init__(self, service: Service, rng: random.Random) -> None:
        self._service = service
        self._record = service.record
        self._rng = rng
        self._numbers = itertools.count()
        self._changes: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(_MOST_AT_ONCE)
        self.changes_allowed = True

    async def run(self) -> None:
        """Send requests until cancelled."""
        pace = {self.change: 0.15, self.ask: 0.3, self.read: 0.1, self.list: 0.5}
        async with asyncio.TaskGroup() as group:
            for action, seconds in pace.items():
                group.create_task(self._repeat(group, action, seconds))

    async def quiet(self) -> None:
        """Send no more changes, and wait for those in progress."""
        self.changes_allowed = False
        if self._changes:
            await asyncio.wait(set(self._changes))

    async def _repeat(self, group: asyncio.TaskGroup, action: Action, seconds: float) -> None:
        while True:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * seconds)
            await self._free.acquire()
            if action != self.change:
                group.create_task(self._once(action))
            elif self.changes_allowed:
                task = group.create_task(self._once(action))
                self._changes.add(task)
                task.add_done_callback(self._changes.discard)
            else:
                self._free.release()

    async def _once(self, action: Action) -> None:
        try:
            with contextlib.suppress(httpx.HTTPError):  # the process was killed or stopped
                await action(self._rng.choice(self._service.nodes))
        finally:
            self._free.release()

    async def change(self, node: Node) -> None:
        """Set a level that was never set before."""
        value = f"SOAK{next(self._numbers) % LEVELS}"
        change = Change(node.pid, self._rng.choice(LOGGERS), value, time.monotonic())
        self._record.changes.append(change)
        answer = await node.client.post("/c2c/logging/level", json={"name": change.name, "level": value})
        self._note_error(answer, "a change", start=change.start)
        if answer.status_code in _NOT_MADE:
            self._record.changes.remove(change)
        if answer.status_code == 200:  # the status
            change.report = read_report(answer.json()["cluster"], node.pid)
            change.end = time.monotonic()

    async def ask(self, node: Node) -> Report | None:
        """Ask all processes for their pids."""
        start = time.monotonic()
        answer = await node.client.get("/ask")
        self._note_error(answer, "a question", start=start)
        report = None
        if answer.is_success:
            body = answer.json()
            report = read_report(body["cluster"], *body["pids"])
        self._record.questions.append(Question(node.pid, start, time.monotonic(), report))
        return report

    def _note_error(self, answer: httpx.Response, what: str, *, start: float) -> None:
        if answer.status_code == _ERROR:
            self._record.errors.append(f"{what} at {start:.2f} was answered with 500")

    async def read(self, node: Node) -> None:
        """Read the level of one logger in one process."""
        await self.level(node, self._rng.choice(LOGGERS))

    async def level(self, node: Node, name: str) -> str:
        """Return the level of a logger in a process."""
        start = time.monotonic()
        answer = await node.client.get("/c2c/logging/level", params={"name": name})
        value = str(answer.raise_for_status().json()["level"])
        self._record.reads.append(Read(node.pid, name, value, start, time.monotonic()))
        return value

    async def list(self, node: Node) -> dict[int, str]:
        """Return the roster as a process shows it: pids and their liveness."""
        start = time.monotonic()
        answer = await node.client.get("/c2c/instances")
        found = answer.raise_for_status().json()["instances"]
        liveness = {item["pid"]: item.get("liveness", "ok") for item in found}
        self._record.listings.append(Listing(node.pid, start, time.monotonic(), liveness))
        return liveness

    async def overrides(self, node: Node) -> dict[str, str]:
        """Return the levels that the store has, as a process shows them."""
        answer = await node.client.get("/c2c/logging/overrides")
        return {item["name"]: item["level"] for item in answer.raise_for_status().json()["overrides"]}


def read_report(cluster: dict[str, Any], *answered: int) -> Report:
    """Read the `cluster` of an answer.

    Args:
        cluster: As in the answer.
        answered: The pids that answered as far as they are known, unless `cluster` names them as missing.
    """
    silent = [process["pid"] for key in ("missing", "failed") for process in cluster[key]]
    behind = [process["pid"] for process in cluster.get("behind", [])]
    older = set(behind) - set(silent)  # these answered with an older version
    missing = frozenset({*silent, *behind} - {None})
    named = frozenset(answered) - missing
    return Report(
        complete=cluster["complete"],
        current=cluster.get("roster", "current") == "current",
        answered=named,
        others=max(0, cluster["answered"] - len(older) - len(named)),
        missing=missing,
        lost=frozenset(process["pid"] for process in cluster.get("lost", []) if process["pid"] is not None),
        unnamed=silent.count(None),
    )
