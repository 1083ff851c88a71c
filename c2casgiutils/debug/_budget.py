"""The time that a costly diagnosis may take in its thread."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from c2casgiutils._errors import C2cError

_T = TypeVar("_T")

SECONDS = 5.0
"""For one diagnosis."""
_WORK_SECONDS = 0.002
_PAUSE_SECONDS = 0.000_2


class TimeIsUpError(C2cError, TimeoutError):
    """A diagnosis took too long."""


class Budget:
    """The time of a diagnosis, and the pauses in which the other threads of the process run.

    A thread that only computes keeps the interpreter lock for 5 ms each time that it gets it, and the event
    loop would wait that long for each event. A pause hands the lock over earlier.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        now = time.monotonic()
        self._end = now + seconds
        self._next_pause = now + _WORK_SECONDS

    def spend(self) -> None:
        """Pause if it is time to; called between steps that take less than a millisecond.

        Raises:
            TimeIsUpError: The time is over.
        """
        now = time.monotonic()
        if now > self._end:
            raise TimeIsUpError("The diagnosis took too long")
        if now > self._next_pause:
            time.sleep(_PAUSE_SECONDS)
            self._next_pause = time.monotonic() + _WORK_SECONDS

    def chunks(self, items: Sequence[_T], size: int = 2_000) -> Iterator[Sequence[_T]]:
        """Return parts of a sequence, for functions of the interpreter that process many items at once.

        Raises:
            TimeIsUpError: The time is over.
        """
        for start in range(0, len(items), size):
            self.spend()
            yield items[start : start + size]
