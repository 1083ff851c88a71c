"""The metrics port: one worker serves it, the others take over when that one ends."""

import contextlib
import logging
import os
import threading
from typing import Any

from c2casgiutils import config
from c2casgiutils.prometheus._registry import create_registry, multiprocess_directory
from c2casgiutils.prometheus._state import STATE

_LOGGER = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class Port:
    """Serves the metrics on a port, or waits in a thread until the port is free."""

    def __init__(self, address: str, port: int) -> None:
        self._address = address
        self._port = port
        self._directory = multiprocess_directory()
        self._registry = create_registry()
        self._lock: int | None = None
        self._server: tuple[Any, threading.Thread] | None = None
        self._warned = False
        self._stopped = threading.Event()
        self._waiting = threading.Thread(target=self._wait, name="c2casgiutils-metrics-port", daemon=True)

    def start(self) -> None:
        if not self._try():
            self._waiting.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._waiting.is_alive():
            self._waiting.join()
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()
        self._release()

    def _wait(self) -> None:
        while not self._stopped.wait(_RETRY_SECONDS):
            if self._try():
                return

    def _try(self) -> bool:
        if not self._is_ours():
            if not self._warned:
                self._warned = True
                _LOGGER.info("Another worker serves the metrics of all workers on port %s", self._port)
            return False
        from prometheus_client import start_http_server

        try:
            self._server = start_http_server(self._port, self._address, self._registry)
        except OSError as error:
            if not self._warned:
                self._warned = True
                _LOGGER.warning(*self._failure(error))
            return False
        shown = "all workers" if self._directory else f"process {os.getpid()} only"
        _LOGGER.info("Metrics on %s port %s: those of %s", self._address, self._port, shown)
        return True

    def _failure(self, error: OSError) -> tuple[str, str, int, str]:
        advice = (
            "it is taken over when it is free"
            if self._directory
            else "with several workers set PROMETHEUS_MULTIPROC_DIR, else the port shows one of them only"
        )
        return (
            "No metrics on %s port %s: %s",
            self._address,
            self._port,
            f"{error.strerror or error}; {advice}",
        )

    def _is_ours(self) -> bool:
        """Return whether no other worker holds the port: the lock ends with the process that took it."""
        if self._directory is None or self._lock is not None:
            return True
        import fcntl

        try:
            lock = os.open(self._directory / f"port-{self._port}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return True  # whether the port is free, tells the binding
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def start(port: int | None = None, address: str | None = None) -> None:
    """Serve the metrics on a port of their own; calling it again changes nothing.

    Any number of workers may call it: the first one binds the port, the others take over when it ends. With
    `PROMETHEUS_MULTIPROC_DIR` the port shows all workers together, without it only the process that serves it
    (a line in the log says which). A port taken by somebody else is one warning.

    Args:
        port: By default `C2C__PROMETHEUS__PORT`; 0 is off.
        address: By default `C2C__PROMETHEUS__ADDRESS`.
    """
    settings = config.settings.prometheus
    port = settings.port if port is None else port
    with STATE.lock:
        if port == 0 or STATE.port is not None:
            return
        STATE.port = Port(address or settings.address, port)
        STATE.port.start()


def stop() -> None:
    """End serving; harmless when nothing is served. It blocks up to a second: use a thread in a coroutine."""
    with STATE.lock:
        port, STATE.port = STATE.port, None
        if port is None:
            return
        port.stop()
        directory = multiprocess_directory()
        if directory is not None:
            from prometheus_client.multiprocess import mark_process_dead

            with contextlib.suppress(OSError):
                mark_process_dead(os.getpid(), str(directory))  # type: ignore[no-untyped-call]  # the client library
