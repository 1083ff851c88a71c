"""An ingest server on the loopback: takes envelopes apart as Sentry does.

Format: https://develop.sentry.dev/sdk/data-model/envelopes/
"""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.net import wait_for


def parse_envelope(body: bytes) -> tuple[dict[str, Any], list[tuple[dict[str, Any], bytes]]]:
    """The header of an envelope and the header and payload of each item."""
    header, _, rest = body.partition(b"\n")
    items = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        item = json.loads(line)
        length = item.get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        else:
            payload, rest = rest[:length], rest[length:].removeprefix(b"\n")
            assert len(payload) == length, "an item is shorter than it says"
        items.append((item, payload))
    return json.loads(header), items


class FakeSentry:
    """Keeps what it gets; `dsn` leads to it."""

    def __init__(self) -> None:
        self.items: list[tuple[str, dict[str, Any]]] = []
        self.raw = b""
        self.problems: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def dsn(self) -> str:
        return f"http://0123456789abcdef0123456789abcdef@127.0.0.1:{self._server.server_port}/42"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [payload for kind, payload in self.items if kind == "event"]

    @property
    def transactions(self) -> list[dict[str, Any]]:
        return [payload for kind, payload in self.items if kind == "transaction"]

    def wait_for_events(self, number: int = 1) -> list[dict[str, Any]]:
        wait_for(lambda: len(self.events) >= number, what=f"{number} events")
        return self.events

    def _take(self, path: str, key: str, body: bytes) -> None:
        if path != "/api/42/envelope/":
            self.problems.append(f"unknown path {path}")
        if "sentry_key=0123456789abcdef0123456789abcdef" not in key:
            self.problems.append("the key is missing")
        self.raw += body
        _, items = parse_envelope(body)
        for header, payload in items:
            if header.get("type") != "attachment":
                self.items.append((header["type"], json.loads(payload)))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # which delays the body of an answer by 40 ms

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                try:
                    fake._take(self.path, self.headers.get("X-Sentry-Auth", ""), body)
                except (AssertionError, ValueError) as error:
                    fake.problems.append(str(error))
                answer = b'{"id": "00000000000000000000000000000000"}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
                pass

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
