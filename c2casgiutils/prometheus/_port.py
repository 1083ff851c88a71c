"""The metrics port: one worker serves it, another one takes over when that worker ends."""

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from c2casgiutils import config
from c2casgiutils.prometheus._directory import multiprocess_directory
from c2casgiutils.prometheus._registry import create_registry
from c2casgiutils.prometheus._state import STATE

_LOGGER = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class Port:
    """Serves the metrics on a port, or waits in a thread until the worker that has the port ends.

    A lock decides which worker of the service serves it. If another service uses the port, it is not waited
    for: when that service restarts, its scraper must not get the metrics of this one.
    """

    def __init__(self, address: str, port: int) -> None:
        self._address = address
        self._port = port
        self._directory = multiprocess_directory()
        self._registry = create_registry()
        self._lock: int | None = None
        self._server: tuple[Any, threading.Thread] | None = None
        self._stopped = threading.Event()
        self._waiting = threading.Thread(target=self._wait, name="c2casgiutils-metrics-port", daemon=True)

    def start(self) -> None:
        if self._is_ours():
            self._serve()
            return
        if self._directory:
            _LOGGER.info("Another worker has the metrics port %s, for all workers", self._port)
        else:
            _LOGGER.warning(
                "Process %s serves no metrics: another worker has the port %s; with PROMETHEUS_MULTIPROC_DIR "
                "the port shows all workers",
                os.getpid(),
                self._port,
            )
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
            if self._is_ours():
                self._serve()
                return

    def _serve(self) -> None:
        from prometheus_client import start_http_server

        try:
            self._server = start_http_server(self._port, self._address, self._registry)
        except OSError as error:
            _LOGGER.warning(
                "Cannot serve the metrics on %s port %s: %s; set %s",
                self._address,
                self._port,
                error.strerror or error,
                _remedy(error),
            )
            return
        shown = "all workers" if self._directory else f"process {os.getpid()} only"
        _LOGGER.info("Serving metrics on %s port %s: those of %s", self._address, self._port, shown)

    def _is_ours(self) -> bool:
        """Return whether no other worker holds the port; the lock ends with the process that took it."""
        try:
            import fcntl  # only on Unix
        except ImportError:
            return True
        try:
            lock = os.open(self._lock_file(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return True  # binding shows whether the port is free
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _lock_file(self) -> Path:
        """Return the lock file of the workers, in their shared directory or named after their parent."""
        if self._directory is not None:
            return self._directory / f"port-{self._port}.lock"
        started = "\0".join([STATE.service, str(Path.cwd()), *sys.argv, self._address, str(self._port)])
        name = hashlib.sha256(os.fsencode(started)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"c2casgiutils-metrics-{os.getuid()}-{name}.lock"

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def start(port: int | None = None, address: str | None = None) -> bool:
    """Serve the metrics on their own port; calling it again has no effect.

    Any number of workers may call it: the first one binds the port, another one takes over when it ends. With
    `PROMETHEUS_MULTIPROC_DIR` the port shows all workers together, otherwise only the process that serves it
    (which is logged). If another service uses the port, a warning is logged.

    Args:
        port: By default `C2C__PROMETHEUS__PORT`; 0 to disable.
        address: By default `C2C__PROMETHEUS__ADDRESS`.

    Returns:
        Whether this call started it.
    """
    settings = config.settings.prometheus
    port = settings.port if port is None else port
    with STATE.lock:
        if port == 0 or STATE.port is not None:
            return False
        STATE.port = Port(address or settings.address, port)
        STATE.port.start()
        return True


def _remedy(error: OSError) -> str:
    """Return what to change: the port if it is taken or needs rights, else the address."""
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return "C2C__PROMETHEUS__PORT to a free one"
    return "C2C__PROMETHEUS__ADDRESS to an address of this machine, such as 127.0.0.1 or 0.0.0.0"


def stop() -> None:
    """Stop serving. This blocks for up to a second, so call it in a thread."""
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


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """Serve the metrics during the block; if they are already served, this has no effect."""
    is_ours = await asyncio.to_thread(start)  # else of another event loop
    try:
        yield
    finally:
        if is_ours:
            await asyncio.to_thread(stop)
