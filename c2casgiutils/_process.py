"""Values that belong to one event loop of this process.

A task, a connection or a lock of another event loop cannot be awaited on this one, and those of the parent
process are not ours after a fork.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class PerLoop(Generic[_T]):
    """A value for each event loop of this process, created on first use.

    It is dropped once its loop is closed. After a fork the child starts without values; those of the parent
    are kept alive, as their finalizers would affect sockets that both processes share.

    Outside of an event loop (at import, or in a thread) there is one additional value.

    Args:
        create: Called without arguments for each new value.
        on_drop: Called with a value whose loop was closed; must not use that loop.
    """

    def __init__(self, create: Callable[[], _T], on_drop: Callable[[_T], object] = lambda _: None) -> None:
        self._create = create
        self._on_drop = on_drop
        self._values: dict[asyncio.AbstractEventLoop | None, _T] = {}
        self._inherited: list[Any] = []
        self._pid = os.getpid()

    def get(self) -> _T:
        """Return the value of the running event loop, creating it if necessary."""
        values, loop = self._own(), running_loop()
        if loop not in values:
            self._drop_closed()
            values.setdefault(loop, self._create())  # one of two threads at the same time wins
        return values[loop]

    def peek(self) -> _T | None:
        """Return the value of the running event loop, `None` if there is none yet."""
        return self._own().get(running_loop())

    def nearest(self) -> _T:
        """Return the same as `get`; in a thread without an event loop, the value of any other loop.

        For data that threads may read, such as the name and the state of the process.
        """
        if running_loop() is None:
            self._drop_closed()
            for loop, value in list(self._own().items()):
                if loop is not None:
                    return value
        return self.get()

    def elsewhere(self) -> list[_T]:
        """Return the values of the other open event loops of this process."""
        self._drop_closed()
        own = running_loop()
        return [value for loop, value in list(self._own().items()) if loop is not None and loop is not own]

    def set(self, value: _T) -> _T:
        """Replace the value of the running event loop, and return the new one."""
        self._drop_closed()
        self._own()[running_loop()] = value
        return value

    def pop(self) -> _T | None:
        """Remove the value of the running event loop and return it, `None` if there is none."""
        return self._own().pop(running_loop(), None)

    def clear(self) -> dict[asyncio.AbstractEventLoop | None, _T]:
        """Remove the values of all event loops of this process and return them, by loop."""
        values = dict(self._own())
        self._own().clear()
        return values

    def _own(self) -> dict[asyncio.AbstractEventLoop | None, _T]:
        """Return the values, without those of the parent process."""
        if self._pid != os.getpid():
            self._inherited.append(self._values)
            self._values = {}
            self._pid = os.getpid()
        return self._values

    def _drop_closed(self) -> None:
        values = self._own()
        for loop in [loop for loop in list(values) if loop is not None and loop.is_closed()]:
            if (value := values.pop(loop, None)) is not None:
                self._on_drop(value)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, or `None`."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
