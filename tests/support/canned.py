"""A server that gives the same answer to each request."""

import http.server
import json
import select
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Answer:
    """What the server says.

    Args:
        status: The status.
        content: Sent as it is if it is a text, else as JSON.
        headers: Further headers.
        drip: The body is sent again and again until the client leaves.
    """

    def __init__(
        self, status: int, content: Any, headers: Mapping[str, str] | None = None, *, drip: bool = False
    ) -> None:
        self.status, self.drip = status, drip
        self.body = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.headers = headers or {}


@contextmanager
def canned_server(answer: Answer, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Start it on a free port of the loopback; the value is its URL.

    Args:
        answer: What it says.
        certificate: Its certificate and key, if it speaks TLS.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            while answer.drip:
                gone, _, _ = select.select([self.connection], [], [], 0.1)
                if gone:
                    break
                self.wfile.write(answer.body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # the names that the base class calls

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(http.server.HTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that refuses the certificate closes the connection."""
