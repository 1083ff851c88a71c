"""A syslog server of the tests, over UDP and TCP."""

import re
import socket
import threading
from typing import Self

MESSAGE = re.compile(
    r"<(?P<priority>\d+)>(?P<date>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>[\w-]+) "
    r"(?P<tag>[\w-]+)\[(?P<pid>\d+)\]: @cee: (?P<object>\{.*\})"
)


class SyslogServer:
    """Keeps what it receives, in a thread.

    Args:
        kind: `socket.SOCK_DGRAM` or `socket.SOCK_STREAM`.
        port: By default a free one.
    """

    def __init__(self, kind: int, port: int = 0) -> None:
        self._kind = kind
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.address: tuple[str, int] = self._socket.getsockname()
        self.reading = threading.Event()
        self.reading.set()
        self.messages: list[str] = []
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        if self._kind == socket.SOCK_STREAM:
            self._socket.listen()
        self._socket.settimeout(0.05)
        self._is_running = True
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_running = False
        self.reading.set()
        self._thread.join(10)
        for connection in (self._socket, *self.connections):
            connection.close()

    def _serve(self) -> None:
        pending: dict[socket.socket, bytes] = {}
        while self._is_running:
            self.reading.wait(20)
            try:
                if self._kind == socket.SOCK_DGRAM:
                    self.messages.append(self._socket.recv(65_536).decode())
                    continue
                connection = self._socket.accept()[0]
                connection.settimeout(0.05)
                self.connections.append(connection)
            except TimeoutError:
                pass
            for connection in self.connections:
                self._read(connection, pending)

    def _read(self, connection: socket.socket, pending: dict[socket.socket, bytes]) -> None:
        while self.reading.is_set() and self._is_running:
            try:
                data = connection.recv(65_536)
            except (TimeoutError, OSError):
                return
            if not data:
                return
            *lines, rest = (pending.get(connection, b"") + data).split(b"\n")
            pending[connection] = rest
            self.messages += [line.decode() for line in lines]
