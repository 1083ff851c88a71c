"""Taking a process out of service while it still responds: on request, and on SIGTERM.

A server stops accepting connections as soon as it receives SIGTERM, whereas a load balancer continues to send
requests until a readiness probe has failed. So the handler of the server is called with a delay.
"""

import asyncio
import datetime
import logging
import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from c2casgiutils import broadcast, config, instances
from c2casgiutils._errors import C2cError
from c2casgiutils.instances import DrainState

_LOOPS = {"asyncio", "uvloop"}
_LOGGER = logging.getLogger(__name__)


class DrainRefused(C2cError):  # noqa: N818  # a refusal, reported to the caller
    """No other process would be ready."""


class Drain:
    """Tracks whether this process is out of service."""

    def __init__(self) -> None:
        self.state: DrainState | None = None
        """Since when the process is out of service, and why; `None` while it is not."""
        self._begun: float | None = None

    def seconds(self) -> float:
        """Return for how long the process has been out of service."""
        return 0.0 if self._begun is None else time.monotonic() - self._begun

    def stop(self) -> None:
        """Report not ready until the end of the process."""
        now = datetime.datetime.fromtimestamp(int(broadcast.now()), tz=datetime.UTC)
        self.state = DrainState(since=now, reason="SIGTERM", is_final=True)
        instances.set_state("draining")

    def begin(self, state: DrainState) -> None:
        """Report not ready until `end` is called.

        Args:
            state: What is told about it; its end is for the log, too.
        """
        if self._is_final:
            return
        if self._begun is None:
            self._begun = time.monotonic()
        self.state = state
        instances.set_state("draining")
        until = "" if state.until is None else f" until {state.until:%Y-%m-%d %H:%M:%S} UTC"
        _LOGGER.warning("Draining%s", until)

    @property
    def _is_final(self) -> bool:
        return self.state is not None and self.state.is_final

    def end(self) -> None:
        """Report ready again."""
        if instances.state() == "draining" and not self._is_final:
            self.state = self._begun = None
            instances.set_state("ready")
            _LOGGER.warning("Draining ended")


class GracefulStop:
    """Delays the server's handler of SIGTERM, from start-up to shutdown.

    A second SIGTERM, or a SIGINT (which only the server handles), stops at once. Unknown servers are not
    affected. The workers of hypercorn get no signal in time, and are kept from ending too early.

    Args:
        drain: The drain of the event loop on which the server runs.
    """

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._server: _Handler | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wait: asyncio.Task[None] | None = None
        self._asked = False

    def install(self) -> None:
        """Replace the current handler, which must be that of a known server, on the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._asked = False
        self._loop = asyncio.get_running_loop()
        self._server = _find_handler(self._loop)
        if self._server is not None:
            self._server.replace(self._on_signal)

    async def aclose(self) -> None:
        """Restore the handler of the server, and cancel the delay."""
        server, self._server = self._server, None
        if server is not None:
            server.restore(self._on_signal)
        wait, self._wait = self._wait, None
        if wait is not None:
            wait.cancel()
            await asyncio.gather(wait, return_exceptions=True)

    def _on_signal(self, *_: object) -> None:
        server, loop = self._server, self._loop
        if server is None or loop is None:
            return
        if self._asked or loop.is_closed():
            server.stop()
            return
        self._asked = True
        loop.call_soon_threadsafe(self._begin, server.stop)

    def _begin(self, stop_server: Callable[[], object]) -> None:
        self._wait = asyncio.get_running_loop().create_task(self._stop(stop_server), name="c2c-graceful-stop")

    async def _stop(self, stop_server: Callable[[], object]) -> None:
        wait = 0.0 if config.settings.development else config.settings.drain_wait.total_seconds()
        seconds = wait - self._drain.seconds()  # a load balancer may have noticed already
        is_serving = instances.state() in ("ready", "draining")
        self._drain.stop()
        if is_serving and seconds > 0:
            _LOGGER.info("No longer ready, stopping in %g s", round(seconds, 1))
            await asyncio.sleep(seconds)
        stop_server()


class _UvicornHandler:
    """The handler of uvicorn, one for the process."""

    def __init__(self, handler: Callable[[int, FrameType | None], Any]) -> None:
        self._handler = handler

    def stop(self) -> None:
        self._handler(signal.SIGTERM, None)

    def replace(self, handler: Callable[..., None]) -> None:
        signal.signal(signal.SIGTERM, handler)

    def restore(self, handler: Callable[..., None]) -> None:
        if signal.getsignal(signal.SIGTERM) == handler:  # not replaced by another handler
            signal.signal(signal.SIGTERM, self._handler)


class _LoopHandler:
    """The handler of granian or hypercorn: one for the event loop, not readable, and shared with SIGINT."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def stop(self) -> None:
        signal.raise_signal(signal.SIGINT)

    def replace(self, handler: Callable[..., None]) -> None:
        self._loop.add_signal_handler(signal.SIGTERM, handler)

    def restore(self, _handler: Callable[..., None]) -> None:
        self._loop.add_signal_handler(signal.SIGTERM, self.stop)


class _WorkerOfHypercorn:
    """The default action of SIGTERM in a worker of hypercorn, which its parent tells in another way to stop.

    As soon as one worker has ended, the parent sends SIGTERM to the others, twice (seen in hypercorn 0.18).
    Those that still answer a request or shut down must not end at once. The handler stays until their end.
    """

    def stop(self) -> None:
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():  # nobody else stops this process
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    def replace(self, handler: Callable[..., None]) -> None:
        signal.signal(signal.SIGTERM, handler)

    def restore(self, _handler: Callable[..., None]) -> None:
        return


_Handler = _UvicornHandler | _LoopHandler | _WorkerOfHypercorn


def _find_handler(loop: asyncio.AbstractEventLoop) -> _Handler | None:
    """Return the server's handler of SIGTERM, if the server is known."""
    handler = signal.getsignal(signal.SIGTERM)
    is_child = multiprocessing.parent_process() is not None
    if is_child and "hypercorn" in sys.modules and handler == signal.SIG_DFL:
        return _WorkerOfHypercorn()
    module = (getattr(handler, "__module__", None) or "").partition(".")[0]
    if module == "uvicorn" and callable(handler):
        return _UvicornHandler(handler)
    has_server = "granian" in sys.modules or "hypercorn" in sys.modules
    if has_server and module in _LOOPS and handler == signal.getsignal(signal.SIGINT):
        return _LoopHandler(loop)
    return None
