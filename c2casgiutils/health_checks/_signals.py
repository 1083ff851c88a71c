"""SIGTERM under uvicorn: not ready first, then a wait, then the stop.

uvicorn stops to accept connections as soon as it gets SIGTERM, while a load balancer goes on sending
requests until it has seen a failed readiness probe. So its handler is called later.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from c2casgiutils import config, instances
from c2casgiutils.health_checks._drain import DRAIN

_LOGGER = logging.getLogger(__name__)


class GracefulStop:
    """Stands before uvicorn's handler of SIGTERM from start-up to shutdown.

    A second SIGTERM, or a SIGINT (which is uvicorn's alone), stops at once. Other servers are left as they
    are.
    """

    def __init__(self) -> None:
        self._previous: Callable[[int, FrameType | None], Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wait: asyncio.Task[None] | None = None
        self._asked = False

    def install(self) -> None:
        """Stand before the handler that is there; it must be uvicorn's and this the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        previous = signal.getsignal(signal.SIGTERM)
        if not callable(previous) or not (getattr(previous, "__module__", "") or "").startswith("uvicorn"):
            return
        self._asked = False
        self._loop = asyncio.get_running_loop()
        self._previous = previous
        signal.signal(signal.SIGTERM, self._on_signal)

    async def aclose(self) -> None:
        """Put uvicorn's handler back, unless somebody stands before this one, and end the wait."""
        previous, self._previous = self._previous, None
        if previous is not None and signal.getsignal(signal.SIGTERM) == self._on_signal:
            signal.signal(signal.SIGTERM, previous)
        wait, self._wait = self._wait, None
        if wait is not None:
            wait.cancel()
            await asyncio.gather(wait, return_exceptions=True)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        previous, loop = self._previous, self._loop
        if previous is None or loop is None:
            return
        if self._asked or loop.is_closed():
            previous(number, frame)
            return
        self._asked = True
        loop.call_soon_threadsafe(self._begin, previous)

    def _begin(self, previous: Callable[[int, FrameType | None], Any]) -> None:
        self._wait = asyncio.get_running_loop().create_task(_stop(previous), name="c2c-graceful-stop")


async def _stop(previous: Callable[[int, FrameType | None], Any]) -> None:
    seconds = 0.0 if config.settings.development else config.settings.drain_wait.total_seconds()
    was_ready = instances.state() == "ready"
    DRAIN.stop()
    if was_ready and seconds > 0:
        _LOGGER.info("Not ready any more, stopping in %g s", seconds)
        await asyncio.sleep(seconds)
    previous(signal.SIGTERM, None)
