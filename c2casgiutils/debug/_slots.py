"""Limits on diagnostics that run at the same time in a process."""

import contextlib
import threading
from collections.abc import Iterator

from starlette.exceptions import HTTPException

from c2casgiutils._errors import C2cError


class BusyError(C2cError, HTTPException):
    """Too many diagnostics of this kind are already running; a view that does not catch it answers 409."""

    def __init__(self, text: str) -> None:
        HTTPException.__init__(self, 409, text)

    def __str__(self) -> str:
        """Return the text without the status."""
        return self.detail


class Slot:
    """A limit on how many diagnostics of a kind run at the same time.

    Args:
        text: The message for those that are refused.
        limit: How many may run.
    """

    def __init__(self, text: str, limit: int = 1) -> None:
        self._text = text
        self._free = threading.BoundedSemaphore(limit)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Occupy a place during the block; it may end in another thread.

        Raises:
            BusyError: All places are taken.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError(self._text)
        try:
            yield
        finally:
            self._free.release()
