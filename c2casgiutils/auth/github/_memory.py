"""A bounded cache, and work that is shared by all callers waiting for it."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, NamedTuple, TypeVar

from c2casgiutils._tasks import Failure, caught, unwrapped

_T = TypeVar("_T")

_MAX_ENTRIES = 1000


class _Entry(NamedTuple):
    stored_at: float
    value: Any


class Memory(Generic[_T]):
    """A bounded cache that respects the age of its entries."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def get(self, key: Hashable, longest_seconds: float) -> _T | None:
        """Return the stored value unless it is too old."""
        entry = self._entries.get(key)
        if entry is None or time.monotonic() - entry.stored_at >= longest_seconds:
            return None
        value: _T = entry.value
        return value

    def put(self, key: Hashable, value: _T) -> _T:
        """Store a value, dropping the oldest one if the cache is full."""
        self._entries[key] = _Entry(time.monotonic(), value)
        self._entries.move_to_end(key)
        if len(self._entries) > _MAX_ENTRIES:
            self._entries.popitem(last=False)
        return value


class Flights:
    """Work by key: concurrent callers with the same key share one execution and its result.

    The work continues when a waiting caller is cancelled; `aclose` cancels and awaits it.
    """

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do the work, or wait for its result if it is already running."""
        tasks = self._tasks
        if key not in tasks:

            async def fly() -> _T | Failure:
                try:
                    return await caught(work())
                finally:
                    tasks.pop(key, None)

            tasks[key] = asyncio.create_task(fly())
        result: _T = unwrapped(await asyncio.shield(tasks[key]))
        return result

    async def aclose(self) -> None:
        """Cancel and await all running work."""
        tasks, self._tasks = self._tasks, {}
        ended = list(tasks.values())
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
