"""What this process does periodically: how often, and how the last run went."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator

from c2casgiutils._process import PerLoop


@dataclasses.dataclass(slots=True)
class Run:
    """One run.

    Attributes:
        ended: Its end, in seconds since 1970.
        seconds: Its duration.
        ok: Whether it did what it is for.
    """

    ended: float
    seconds: float = 0.0
    ok: bool = True


class PeriodicTask:
    """Something that runs again and again, listed from `start` to `stop`.

    Args:
        name: What it does.
        every_seconds: The usual time from one run to the next.
    """

    def __init__(self, name: str, every_seconds: float) -> None:
        self.name = name
        self.every_seconds = every_seconds
        self.last: Run | None = None
        self._listed: dict[PeriodicTask, None] = {}

    def start(self) -> None:
        """List it for the running event loop; a thread that works for the loop may run it."""
        self._listed = _LISTED.get()
        self._listed[self] = None

    def stop(self) -> None:
        """List it no longer."""
        self._listed.pop(self, None)

    @contextlib.contextmanager
    def run(self) -> Iterator[Run]:
        """Note the time of a run, and its failure if it raises; it may set `ok` itself."""
        run, began = Run(0.0), time.perf_counter()
        try:
            yield run
        except BaseException:
            run.ok = False
            raise
        finally:
            run.ended, run.seconds = time.time(), time.perf_counter() - began
            self.last = run

    def note(self) -> None:
        """Note a run that takes no time worth measuring."""
        self.last = Run(time.time())


_LISTED: PerLoop[dict[PeriodicTask, None]] = PerLoop(dict)


def periodic_tasks() -> list[PeriodicTask]:
    """Return those of the running event loop, in the order of their start."""
    return list(_LISTED.get())
