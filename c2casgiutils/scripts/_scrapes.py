"""A server that counts how often its metrics were read."""

import asyncio
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_PATHS = frozenset({"/", "/metrics"})
_CLIENT_SECONDS = 10


class ScrapeServer:
    """Serves a registry until it was read.

    Args:
        address: The address to listen on.
        port: The port.
        registry: What to serve.
        scrapes: How often.

    Raises:
        OSError: The port is not available.
    """

    def __init__(self, address: str, port: int, registry: CollectorRegistry, scrapes: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self._left = scrapes
        self._lock = threading.Lock()
        self._server = _server_class(address)((address, port), _handler_class(registry, self._count))

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="c2c-scrapes", daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    async def wait(self) -> None:
        """Wait until the metrics were read as often as asked for."""
        await self._done.wait()

    def _count(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._loop.call_soon_threadsafe(self._done.set)


def _server_class(address: str) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:  # of the base class
            """Write no traceback for a client that went away; it has not read the metrics."""

    return Server


def _handler_class(
    registry: CollectorRegistry, on_scraped: Callable[[], None]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_SECONDS

        def do_GET(self) -> None:
            if self.path.partition("?")[0] not in _PATHS:
                self.send_error(404)
                return
            encoder, content_type = choose_encoder(self.headers.get("Accept", ""))
            body = encoder(registry)
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            on_scraped()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # of the base class
            """Write nothing."""

    return Handler
