"""What a set of checks does by itself on one event loop."""

import asyncio

from c2casgiutils.health_checks._drain import Drain, GracefulStop
from c2casgiutils.health_checks._runner import Background

_MAX_CONCURRENT = 10


class Service:
    """The runs of the checks, and whether this process is in service.

    Attributes:
        limit: Bounds the runs of all checks.
        background: The checks that run by themselves, `None` before the start.
        drain: Whether the process is taken out of service.
        graceful_stop: Drains on SIGTERM.
        has_started: The startup probe has passed, which then passes for good.
    """

    def __init__(self) -> None:
        self.limit = asyncio.Semaphore(_MAX_CONCURRENT)
        self.background: Background | None = None
        self.drain = Drain()
        self.graceful_stop = GracefulStop(self.drain)
        self.has_started = False
