"""Waiting for a server."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from c2casgiutils.acceptance import Connection, wait_url
from tests.support.net import free_port


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers with these statuses, the last one for ever."""

    def __init__(self, statuses: list[int], *arguments: object) -> None:
        self._statuses = statuses
        super().__init__(*arguments)  # type: ignore[arg-type]  # passed on

    def do_GET(self) -> None:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


@contextmanager
def answering(*statuses: int, port: int = 0) -> Iterator[tuple[str, list[int]]]:
    left = list(statuses)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, left)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/c2c/readyz", left
        finally:
            server.shutdown()
            thread.join()


def test_until_the_status_is_right() -> None:
    """A failure leads to another request, and a redirect is followed."""
    with answering(503, 404, 307, 204) as (url, left):
        wait_url(url)
        assert left == [204]


def test_until_the_server_listens() -> None:
    """A server that does not listen yet is waited for."""
    port = free_port()
    found = threading.Event()

    def wait() -> None:
        wait_url(f"http://127.0.0.1:{port}/", timeout=30)
        found.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not found.wait(0.2)
    with answering(200, port=port):
        thread.join(30)
    assert found.is_set()


def test_it_never_answers_so() -> None:
    """The message has the last answer or error, and no password."""
    with answering(503) as (url, _), pytest.raises(AssertionError, match="status 503 instead of 200"):
        wait_url(url, timeout=0.1)
    with pytest.raises(AssertionError, match="ConnectError"):
        wait_url(f"http://127.0.0.1:{free_port()}/", timeout=0.1)


def test_the_status_of_a_message_is_short() -> None:
    """A range of statuses is shown by its ends."""
    with answering(503) as (url, _), Connection(url) as connection:
        with pytest.raises(AssertionError) as raised:
            connection.get("", expected_status=range(200, 300))
        assert "status 503 instead of 200 to 299" in str(raised.value)


@pytest.mark.parametrize("url", ["", "localhost", "ftp://localhost/"])
def test_wrong_urls(url: str) -> None:
    with pytest.raises(ValueError, match="must be an http or https URL"):
        wait_url(url)
