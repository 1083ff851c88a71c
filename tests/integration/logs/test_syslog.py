"""Syslog over real sockets: up, down, gone for a while, slow."""

import json
import logging
import socket
import time
from typing import Any

import pytest

from c2casgiutils import logs
from tests.support.fresh import run_fresh
from tests.support.net import SOON_SECONDS, free_port, wait_for
from tests.support.syslog import MESSAGE, SyslogServer

KINDS = [
    pytest.param(socket.SOCK_DGRAM, id="udp"),
    pytest.param(socket.SOCK_STREAM, id="tcp"),
]


def attach(logger: logging.Logger, *arguments: Any, **options: Any) -> logs.CeeSysLogHandler:
    handler = logs.CeeSysLogHandler(*arguments, **options)
    logger.addHandler(handler)
    return handler


def received(server: SyslogServer) -> list[str]:
    """The texts that have arrived."""
    found = [MESSAGE.fullmatch(message) for message in server.messages]
    return [json.loads(match["object"])["msg"] for match in found if match]


@pytest.mark.parametrize("kind", KINDS)
def test_a_message(logger: logging.Logger, kind: int) -> None:
    """The priority is that of facility and level; extras and static fields are in the object."""
    with SyslogServer(kind) as server:
        attach(logger, server.address, "local1", kind, service="maps", token="abc")
        logger.error("asked\nfor /?secret=hunter2", extra={"more": 5})
        wait_for(lambda: bool(server.messages), what="a message")
    match = MESSAGE.fullmatch(server.messages[0])
    assert match is not None
    assert (match["priority"], match["tag"]) == (str(17 * 8 + 3), "my_app")
    assert match["host"] == socket.gethostname().partition(".")[0]
    fields = json.loads(match["object"])
    assert fields["msg"] == "asked\nfor /?secret=***"
    assert (fields["more"], fields["service"], fields["token"]) == (5, "maps", "***")
    assert fields["logger_name"] == "my_app.views"


@pytest.mark.parametrize(
    ("level", "severity"), [(60, 2), (50, 2), (40, 3), (30, 4), (25, 6), (20, 6), (10, 7), (1, 7)]
)
def test_severity(logger: logging.Logger, level: int, severity: int) -> None:
    """Custom levels have the severity of the next lower standard level."""
    handler = attach(logger)
    message = handler.prepare(logging.LogRecord("a b.c", level, "f.py", 1, "text", (), None)).decode()
    match = MESSAGE.fullmatch(message)
    assert match is not None
    assert (match["priority"], match["tag"]) == (str(8 + severity), "a-b")


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_message_is_cut(logger: logging.Logger, kind: int) -> None:
    with SyslogServer(kind) as server:
        attach(logger, server.address, socktype=kind)
        logger.info("x" * 100_000)
        logger.info("after")
        wait_for(lambda: len(server.messages) == 2, what="two messages")
    assert received(server)[1] == "after"
    assert received(server)[0].startswith("xxx")
    assert len(server.messages[0]) <= 8192


def test_a_long_message_of_another_formatter_is_cut(logger: logging.Logger) -> None:
    """Over UDP the system would reject it, over TCP its end would be read as another message."""
    with SyslogServer(socket.SOCK_STREAM) as server:
        handler = attach(logger, server.address, socktype=socket.SOCK_STREAM)
        handler.setFormatter(logging.Formatter())
        for text in ("é" * 40_000, "xé" + "é" * 40_000, "after"):  # a limit in the middle of a character
            logger.info(text)
        wait_for(lambda: len(server.messages) == 3, what="three messages")
    assert all(len(message.encode()) <= 8191 for message in server.messages)


def test_a_burst_over_tcp_arrives_in_order(logger: logging.Logger) -> None:
    with SyslogServer(socket.SOCK_STREAM) as server:
        handler = attach(logger, list(server.address), socktype=socket.SOCK_STREAM)
        for number in range(3000):
            logger.info("%d", number)
        wait_for(lambda: len(server.messages) == 3000, what="all messages")
    assert received(server) == [str(number) for number in range(3000)]
    assert len(server.connections) == 1
    assert handler.dropped == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_down(
    logger: logging.Logger, kind: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits, what does not fit is counted, the outage is one line, and the rest arrives later."""
    monkeypatch.setattr("c2casgiutils.logs._syslog._SIZE", 100)
    address = "127.0.0.1", free_port()
    handler = attach(logger, address, socktype=kind)
    logger.info("first")
    wait_for(lambda: "cannot be written" in caplog.text or kind == socket.SOCK_DGRAM, what="the outage")
    start = time.monotonic()
    for number in range(300):
        logger.info("%d", number)
    assert time.monotonic() - start < SOON_SECONDS
    assert handler.dropped >= 150
    with SyslogServer(kind, address[1]) as server:
        wait_for(lambda: "99" in received(server) or "98" in received(server), what="the queue")
        wait_for(lambda: "is written again" in caplog.text, what="the end of the outage")
        logger.info("after")
        wait_for(lambda: "after" in received(server), what="a message after the outage")
    assert caplog.text.count("cannot be written") == 1
    assert len(server.messages) + handler.dropped == 302


def test_a_connection_that_the_server_ends(logger: logging.Logger) -> None:
    """The next message goes over a new one."""
    with SyslogServer(socket.SOCK_STREAM) as server:
        handler = attach(logger, server.address, socktype=socket.SOCK_STREAM)
        for number in range(3):
            logger.info("%d", number)
            wait_for(lambda: str(number) in received(server), what="the message")  # noqa: B023  # called at once
            server.connections[-1].shutdown(socket.SHUT_RDWR)
    assert received(server) == ["0", "1", "2"]
    assert (len(server.connections), handler.dropped) == (3, 0)


def test_a_server_that_does_not_read(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it; after it reads again, every message has arrived, some perhaps twice."""
    monkeypatch.setattr("c2casgiutils.logs._syslog._TIMEOUT_SECONDS", 0.3)
    with SyslogServer(socket.SOCK_STREAM) as server:
        attach(logger, server.address, socktype=socket.SOCK_STREAM)
        logger.info("first")
        wait_for(lambda: bool(server.messages), what="the first message")
        server.reading.clear()
        start = time.monotonic()
        for number in range(5000):
            logger.info("%d %s", number, "x" * 3000)
        assert time.monotonic() - start < 20
        time.sleep(0.7)  # longer than the time-out
        server.reading.set()
        wait_for(lambda: bool(received(server)) and received(server)[-1].startswith("4999 "), what="all")
        numbers = {int(text.partition(" ")[0]) for text in received(server)[1:]}
    assert numbers == set(range(5000))


def test_a_name_that_cannot_be_resolved(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    handler = attach(logger, ("syslog.invalid", 514))
    logger.info("text")
    wait_for(lambda: "syslog at syslog.invalid:514 cannot be written: gaierror" in caplog.text, what="a line")
    handler.flush()
    assert handler.dropped == 0


def test_the_end_of_the_process(tmp_path: object) -> None:
    """What was logged last arrives; a configuration file names the handler."""
    configuration = {
        "version": 1,
        "handlers": {
            "syslog": {
                "class": "c2casgiutils.logs.CeeSysLogHandler",
                "address": ["127.0.0.1", 0],
                "facility": "daemon",
                "socktype": "ext://socket.SOCK_STREAM",
                "service": "maps",
            }
        },
        "root": {"level": "INFO", "handlers": ["syslog"]},
    }
    with SyslogServer(socket.SOCK_STREAM) as server:
        configuration["handlers"]["syslog"]["address"] = list(server.address)  # type: ignore[index]  # nested
        code = f"import logging.config\nlogging.config.dictConfig({configuration!r})\n"
        done = run_fresh(code + "for n in range(500): logging.info('%d', n)")
        assert (done.returncode, done.stderr) == (0, "")
        wait_for(lambda: len(server.messages) == 500, what="all messages")


def test_the_end_of_the_process_while_the_server_is_down() -> None:
    """It is not delayed by more than an attempt."""
    code = (
        "import logging, time\nfrom c2casgiutils import logs\n"
        f"handler = logs.CeeSysLogHandler(('127.0.0.1', {free_port()}), 'user', 1)\n"
        "logging.root.addHandler(handler)\n"
        "logging.warning('text')\n"
        "start = time.monotonic()\n"
        "logging.shutdown()\n"
        "assert time.monotonic() - start < 20\n"
        "while handler._thread is not None: time.sleep(0.01)\n"
        "assert handler.dropped == 1"
    )
    done = run_fresh(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"address": "/dev/log"}, "address must be a host and a port"),
        ({"address": ("localhost", "514")}, "address must be a host and a port"),
        ({"address": ("localhost", 0)}, "address must be a host and a port"),
        ({"address": ("localhost", 70_000)}, "address must be a host and a port"),
        ({"address": ("", 514)}, "address must be a host and a port"),
        ({"facility": "mine"}, "facility must be one of .*local0.*, not 'mine'"),
        ({"socktype": socket.SOCK_RAW}, "socktype must be SOCK_DGRAM or SOCK_STREAM"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        logs.CeeSysLogHandler(**arguments)
