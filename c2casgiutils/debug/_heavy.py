"""Costly diagnostics: in a thread, one at a time, and only where they are switched on."""

from collections.abc import Callable
from typing import TypeVar

from c2casgiutils._threads import run_in_thread
from c2casgiutils.debug._enabled import check_enabled
from c2casgiutils.debug._state import heavy

_T = TypeVar("_T")


async def run_heavy(function: Callable[[], _T]) -> _T:
    """Return the result of a costly diagnosis, which runs in a thread.

    Args:
        function: The diagnosis, which bounds its time itself: a thread cannot be stopped.

    Raises:
        BusyError: Another one is running in this process.
        DisabledError: They are switched off in this process.
    """
    check_enabled()

    def work() -> _T:
        with heavy().held():  # in the thread, which goes on if the caller is cancelled
            return function()

    return await run_in_thread(work, name="c2casgiutils-diagnosis")
