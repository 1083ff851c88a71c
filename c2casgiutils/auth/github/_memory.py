"""What is remembered for a while, and work that is done once for all who wait for it."""

import asyncio
import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, NamedTuple, TypeVar

from c2casgiutils._tasks import caught, unwrapped

_T = TypeVar("_T")

_MOST = 1000
"""So many entries a memory keeps."""


class _Entry(NamedTuple):
    stored_at: float
    value: Any


class Memory(Generic[_T]):
    """A bounded memory that tells how old what it remembers is."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def get(self, key: Hashable, longest_seconds: float) -> _T | None:
        """What was stored at most so long ago."""
        entry = self._entries.get(key)
        if entry is None or time.monotonic() - entry.stored_at >= longest_seconds:
            return None
        value: _T = entry.value
        return value

    def put(self, key: Hashable, value: _T) -> _T:
        """Store a value in place of the oldest one."""
        self._entries[key] = _Entry(time.monotonic(), value)
        self._entries.move_to_end(key)
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)
        return value

    def forget(self) -> None:
        """Drop everything."""
        self._entries.clear()


class Flights:
    """Work by key: who asks while it runs waits for the same result.

    The work goes on when one who waits is cancelled; `aclose` ends and awaits it.
    """

    def __init__(self) -> None:
        self._tasks: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[Hashable, asyncio.Task[Any]]
        ] = weakref.WeakKeyDictionary()

    async def run(self, key: Hashable, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do the work, or wait for who does it."""
        tasks = self._tasks.setdefault(asyncio.get_running_loop(), {})
        if key not in tasks:

            async def fly() -> _T:
                try:
                    return await work()
                finally:
                    del tasks[key]

            tasks[key] = asyncio.create_task(caught(fly()))
        result: _T = unwrapped(await asyncio.shield(tasks[key]))
        return result

    async def aclose(self) -> None:
        """End the work of this event loop."""
        tasks = list(self._tasks.pop(asyncio.get_running_loop(), {}).values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
