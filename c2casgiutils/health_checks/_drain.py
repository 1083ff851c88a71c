"""Taking a process out of service while it goes on answering: on request, and on SIGTERM under uvicorn.

uvicorn stops to accept connections as soon as it gets SIGTERM, while a load balancer goes on sending
requests until it has seen a failed readiness probe. So its handler is called later.
"""

import asyncio
import datetime
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from c2casgiutils import config, instances
from c2casgiutils._errors import C2cError

_LOGGER = logging.getLogger(__name__)


class DrainRefused(C2cError):  # noqa: N818  # a refusal, told to the caller
    """Nobody would be ready any more."""


class Drain:
    """Whether this process was taken out of service."""

    def __init__(self) -> None:
        self._for_good = False

    def stop(self) -> None:
        """Report not ready until the end of the process."""
        self._for_good = True
        instances.set_state("draining")

    def begin(self, end: datetime.datetime | None) -> None:
        """Report not ready until `end` is called.

        Args:
            end: When that will be, for the log; `None` when nobody knows.
        """
        if self._for_good:
            return
        instances.set_state("draining")
        until = "" if end is None else f" until {end:%Y-%m-%d %H:%M:%S} UTC"
        _LOGGER.warning("Draining%s", until)

    def end(self) -> None:
        """Report ready again."""
        if instances.state() == "draining" and not self._for_good:
            instances.set_state("ready")
            _LOGGER.warning("Draining ended")


class GracefulStop:
    """Stands before uvicorn's handler of SIGTERM from start-up to shutdown.

    A second SIGTERM, or a SIGINT (which is uvicorn's alone), stops at once. Other servers are left as they
    are.

    Args:
        drain: The drain of the event loop on which the server runs.
    """

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
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
        self._wait = asyncio.get_running_loop().create_task(self._stop(previous), name="c2c-graceful-stop")

    async def _stop(self, previous: Callable[[int, FrameType | None], Any]) -> None:
        seconds = 0.0 if config.settings.development else config.settings.drain_wait.total_seconds()
        was_ready = instances.state() == "ready"
        self._drain.stop()
        if was_ready and seconds > 0:
            _LOGGER.info("Not ready any more, stopping in %g s", seconds)
            await asyncio.sleep(seconds)
        previous(signal.SIGTERM, None)
