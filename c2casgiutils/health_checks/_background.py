"""Checks that run by themselves."""

import asyncio
import datetime
import random

from c2casgiutils.health_checks._entry import Entry


class Background:
    """Runs each of its checks every so often, in one task for each, until it is closed."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], Entry] = {}

    def add(self, entry: Entry) -> None:
        """Start with a check, if it wants to run by itself."""
        every = entry.options.every
        if every is None:
            return
        entry.in_background = True
        task = asyncio.create_task(_repeat(entry, every), name=f"c2c-health-every-{entry.name}")
        self._tasks[task] = entry

    async def aclose(self) -> None:
        """End all tasks and wait for them."""
        tasks, self._tasks = self._tasks, {}
        for task, entry in tasks.items():
            entry.in_background = False
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(entry: Entry, every: datetime.timedelta) -> None:
    seconds = every.total_seconds()
    await entry.refresh()
    # processes that start together must not ask together for ever
    await asyncio.sleep(seconds * random.uniform(0.1, 1))  # noqa: S311  # no secret
    while True:
        await entry.refresh()
        await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311  # no secret
