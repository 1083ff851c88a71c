"""JSON lines for a syslog server."""

import logging
import re
import socket
import time
from collections import deque
from collections.abc import Sequence
from logging.handlers import SysLogHandler
from typing import Any

from c2casgiutils.logs._background import BackgroundHandler
from c2casgiutils.logs._json import JsonFormatter, syslog_level
from c2casgiutils.logs._texts import text_of

_SIZE = 10_000
_TIMEOUT_SECONDS = 5
_MAX_BYTES = 8191
"""With a line feed what rsyslog takes by default; a UDP datagram could hold 65,507 bytes."""
_MAX_TAG_LENGTH = 32  # RFC 3164, section 4.1.3
_SEVERITIES = [(level, syslog_level(level)) for level in (50, 40, 30, 20)]
_DEBUG = 7
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_TAG = re.compile(r"[^A-Za-z0-9_-]")


class CeeSysLogHandler(BackgroundHandler):
    """Sends records to a syslog server, as JSON objects after the cookie `@cee:`.

    A message is `<PRI>Nov 25 18:48:49 host tag[pid]: @cee: {…}` (RFC 3164), with the uppermost part of the
    logger's name as the tag and the line of `JsonFormatter` as the object. Over TCP each ends with a line
    feed (RFC 6587, section 3.4.2). No message has more than 8,192 bytes.

    Messages are sent in a thread. While the server is unreachable up to 10,000 wait; more are dropped, and
    counted in `dropped`. Syslog acknowledges nothing, so what was on its way when a server ended is lost.

    Args:
        address: Host and port; the name is resolved in the thread, for each connection.
        facility: Name of a facility of syslog (`user`, `daemon`, `local0` …).
        socktype: `socket.SOCK_DGRAM` (UDP) or `socket.SOCK_STREAM` (TCP).
        static_fields: Further fields of each object.

    Raises:
        ValueError: The address is not a pair, or the facility or the socket type is unknown.
    """

    def __init__(
        self,
        address: Sequence[Any] = ("localhost", 514),
        facility: str = "user",
        socktype: int = socket.SOCK_DGRAM,
        **static_fields: Any,
    ) -> None:
        self._address = _checked_address(address)
        if facility not in SysLogHandler.facility_names:
            accepted = ", ".join(sorted(SysLogHandler.facility_names))
            raise ValueError(f"facility must be one of {accepted}, not {facility!r}")
        if socktype not in {socket.SOCK_DGRAM, socket.SOCK_STREAM}:
            raise ValueError(f"socktype must be SOCK_DGRAM or SOCK_STREAM of socket, not {socktype!r}")
        self._facility = SysLogHandler.facility_names[facility]
        self._is_tcp = socktype == socket.SOCK_STREAM
        self._host = _NO_TAG.sub("-", socket.gethostname().partition(".")[0])
        self._socket: socket.socket | None = None
        super().__init__("syslog at {}:{}".format(*self._address), size=_SIZE)
        self.setFormatter(JsonFormatter(static_fields=static_fields))

    def start_afresh(self) -> None:
        """Forget the connection too: two processes must not write to one."""
        super().start_afresh()
        self._disconnect()

    def prepare(self, record: logging.LogRecord) -> bytes:
        """Return the message."""
        severity = next((number for level, number in _SEVERITIES if record.levelno >= level), _DEBUG)
        now = time.localtime(record.created)
        date = f"{_MONTHS[now.tm_mon - 1]} {now.tm_mday:2} {time.strftime('%H:%M:%S', now)}"
        tag = _NO_TAG.sub("-", text_of(record.name).partition(".")[0])[:_MAX_TAG_LENGTH]
        header = f"<{self._facility * 8 + severity}>{date} {self._host} {tag}[{record.process}]: @cee: "
        message = f"{header}{self.format(record)}".encode(errors="backslashreplace")
        if len(message) > _MAX_BYTES:
            message = message[:_MAX_BYTES].decode(errors="ignore").encode()  # without half a character
        return message + b"\n" if self._is_tcp else message

    def write(self, items: deque[Any]) -> None:
        """Send the messages."""
        if self._socket is not None and _is_closed_by_peer(self._socket):
            self._disconnect()
        try:
            while items:
                if self._socket is None:
                    self._socket = self._connect()
                self._send(self._socket, items[0])
                items.popleft()
        except OSError:
            self._disconnect()
            raise

    def close(self) -> None:
        """Flush and disconnect."""
        super().close()
        self._disconnect()

    def _connect(self) -> socket.socket:
        if self._is_tcp:
            return socket.create_connection(self._address, _TIMEOUT_SECONDS)
        family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(_TIMEOUT_SECONDS)
        connection.connect(address)  # to learn that nobody listens
        return connection

    def _send(self, connection: socket.socket, message: bytes) -> None:
        if self._is_tcp:
            connection.sendall(message)
            return
        try:
            connection.send(message)
        except ConnectionRefusedError:
            self._note_dropped()  # the message before this one, for which nobody listened
            raise

    def _disconnect(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()


def _checked_address(address: Sequence[Any]) -> tuple[str, int]:
    match address:
        case [str(host), int(port)] if host and not isinstance(port, bool) and 0 < port < 2**16:
            return host, port
    raise ValueError(f"address must be a host and a port, as ('localhost', 514), not {address!r}")


def _is_closed_by_peer(connection: socket.socket) -> bool:
    """Return whether the server ended the connection: a first message would still be accepted, and lost."""
    if connection.type == socket.SOCK_DGRAM:
        return False
    connection.settimeout(0)
    try:
        return connection.recv(1024) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(_TIMEOUT_SECONDS)
