"""The state of a set of checks on one event loop."""

import asyncio

from c2casgiutils.health_checks._drain import Drain, GracefulStop
from c2casgiutils.health_checks._runner import Background

_MAX_CONCURRENT = 10


class Service:
    """The running checks, and whether this process is in service.

    Attributes:
        limit: Limits concurrent runs of all checks.
        background: The background checks, `None` before the start.
        drain: Whether the process is out of service.
        graceful_stop: Delays SIGTERM.
        has_started: Whether the startup probe has passed; from then on it always passes.
    """

    def __init__(self) -> None:
        self.limit: asyncio.Semaphore = asyncio.Semaphore(_MAX_CONCURRENT)
        self.background: Background | None = None
        self.drain: Drain = Drain()
        self.graceful_stop: GracefulStop = GracefulStop(self.drain)
        self.has_started = False
