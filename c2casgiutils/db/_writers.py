"""The running transactions that may write."""

import asyncio
import contextlib
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Writers:
    """The sessions of this process, on all of its event loops, that have begun a transaction.

    A session that was forgotten without being closed counts until it is collected as garbage.
    """

    def __init__(self) -> None:
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, session: "Session") -> bool:
        return session in self._sessions

    def add(self, session: "Session") -> None:
        """Note a session whose transaction begins."""
        self._sessions.add(session)

    def remove(self, session: "Session") -> None:
        """Note a session whose transaction ended."""
        self._sessions.discard(session)
        if self._waiting and not self._sessions:
            self.wake()

    def wake(self) -> None:
        """Have everybody who waits look again; may be called on any event loop."""
        for loop, event in list(self._waiting):
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(event.set)

    async def wait_for(self, is_over: Callable[[], bool]) -> None:
        """Wait until a condition holds, which may change when the last transaction ends, or before `wake`."""
        event = asyncio.Event()
        entry = asyncio.get_running_loop(), event
        self._waiting.add(entry)
        try:
            while not is_over():
                await event.wait()
                event.clear()
        finally:
            self._waiting.discard(entry)
