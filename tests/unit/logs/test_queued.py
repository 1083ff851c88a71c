"""Handlers that write in a thread."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import c2casgiutils
from c2casgiutils import logs
from c2casgiutils.request_tracking import CURRENT, RequestContext
from tests.support.fresh import in_children, run_fresh
from tests.support.net import SOON_SECONDS, wait_for

NAME = "app.of.the.queue"


class Sink(logging.Handler):
    """Keeps lines, and waits before each until it may write."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.open = threading.Event()
        self.open.set()
        self.lines: list[str] = []
        self.threads: set[str] = set()
        self.is_closed = False

    def emit(self, record: logging.LogRecord) -> None:
        self.open.wait(20)
        self.threads.add(threading.current_thread().name)
        self.lines.append(self.format(record))

    def close(self) -> None:
        self.is_closed = True
        super().close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.open.set()


def attach(handler: logging.Handler) -> logging.Logger:
    """A logger that only this handler writes."""
    logger = logging.Logger(NAME)  # noqa: LOG001  # no other test sees it
    logger.addHandler(handler)
    return logger


def test_lines_arrive_in_order_in_another_thread(sink: Sink) -> None:
    handler = logs.queued(sink)
    logger = attach(handler)
    for number in range(5000):
        logger.info("%d", number)
    handler.flush()
    assert sink.lines == [str(number) for number in range(5000)]
    assert threading.current_thread().name not in sink.threads
    assert handler.dropped == 0


def test_a_slow_sink_does_not_delay_who_logs(sink: Sink) -> None:
    """What does not fit is counted, what fits is written."""
    handler = logs.queued(sink, size=100)
    logger = attach(handler)
    sink.open.clear()
    logger.info("taken")
    wait_for(lambda: not handler._waiting, what="the first record in the thread")
    start = time.monotonic()
    for number in range(150):
        logger.info("%d", number)
    assert time.monotonic() - start < SOON_SECONDS
    assert handler.dropped == 51
    sink.open.set()
    handler.flush()
    assert sink.lines == ["taken", *map(str, range(99))]


def test_flush_ends_although_the_sink_is_stuck(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2casgiutils.logs._background._STUCK_SECONDS", 0.2)
    sink.open.clear()
    handler = logs.queued(sink)
    attach(handler).info("text")
    start = time.monotonic()
    handler.flush()
    assert time.monotonic() - start < 30


def test_what_changes_later_is_written_as_it_was(sink: Sink) -> None:
    """Arguments, the current exception and the request belong to the time of the record."""
    sink.setFormatter(logging.Formatter("%(message)s"))
    handler = logs.queued(sink)
    handler.setFormatter(logs.ConsoleFormatter("%(message)s"))
    sink.open.clear()
    items = [1]
    token = CURRENT.set(RequestContext("the id"))
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        attach(handler).exception("items %s", items)
    CURRENT.reset(token)
    items.append(2)
    sink.open.set()
    handler.flush()
    first, *_, last = sink.lines[0].splitlines()
    assert first == "items [1] [the id]"
    assert last.strip() == "ZeroDivisionError: division by zero"


def test_the_record_of_other_handlers_is_left_alone(sink: Sink) -> None:
    seen = []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(vars(record).copy())

    handler = logs.queued(sink)
    logger = attach(handler)
    logger.addHandler(Other())
    items = [1]
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logger.exception("items %s", items)
    assert seen[0]["args"] == (items,)
    assert seen[0]["exc_info"] is not None
    assert not any("request" in name for name in seen[0])
    handler.flush()


@pytest.mark.parametrize(("message", "argument"), [("%d", "x"), ("%s %s", "x")])
def test_a_wrong_message_is_still_a_line(sink: Sink, message: str, argument: str) -> None:
    handler = logs.queued(sink)
    handler.setFormatter(logs.JsonFormatter())
    attach(handler).info(message, argument)
    handler.flush()
    assert message in sink.lines[0]


def test_level_filters_and_formatter(sink: Sink) -> None:
    """The level and the formatter are those of the handler; filters of both are called."""
    sink = Sink(logging.WARNING)
    sink.setFormatter(logging.Formatter("own %(message)s"))
    sink.addFilter(lambda record: record.getMessage() != "not this")
    handler = logs.queued(sink)
    handler.addFilter(logs.RedactionFilter())
    logger = attach(handler)
    for text in ("not this", "password=abc"):
        logger.warning(text)
    logger.info("too low")
    handler.flush()
    assert sink.lines == ["own password=***"]


def test_an_access_line_keeps_its_fields(sink: Sink) -> None:
    handler = logs.queued(sink)
    handler.setFormatter(logs.JsonFormatter())
    logger = attach(handler)
    logger.name = "uvicorn.access"
    logger.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", "/a?b", "1.1", 200)
    handler.flush()
    assert '"status_code": 200' in sink.lines[0]


def test_a_handler_that_raises_does_not_end_the_thread(
    sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Sink):
        def emit(self, record: logging.LogRecord) -> None:
            if record.msg == "bad":
                raise RuntimeError("cannot")
            super().emit(record)

    broken = Broken()
    handler = logs.queued(broken)
    logger = attach(handler)
    for text in ("bad", "good"):
        logger.info(text)
    handler.flush()
    assert (broken.lines, handler.dropped) == (["good"], 1)
    assert "RuntimeError: cannot" in capsys.readouterr().err


def test_records_that_the_writing_creates_do_not_go_round(sink: Sink) -> None:
    class Chatty(Sink):
        def emit(self, record: logging.LogRecord) -> None:
            super().emit(record)
            logger.error("written %s", record.getMessage())

    chatty = Chatty()
    handler = logs.queued(chatty)
    logger = attach(handler)
    logger.info("text")
    handler.flush()
    time.sleep(0.1)
    assert chatty.lines == ["text"]


def test_two_queues_do_not_feed_each_other() -> None:
    """A sink that logs below WARNING for each record, in two handlers of one logger."""

    class Chatty(Sink):
        def emit(self, record: logging.LogRecord) -> None:
            super().emit(record)
            logger.info("written %s", record.getMessage())

    sinks = Chatty(), Chatty()
    handlers = [logs.queued(sink) for sink in sinks]
    logger = attach(handlers[0])
    logger.addHandler(handlers[1])
    logger.info("text")
    for handler in handlers:
        handler.flush()
    time.sleep(0.1)
    assert [sink.lines for sink in sinks] == [["text"], ["text"]]


def test_closing_closes_the_handler(sink: Sink) -> None:
    handler = logs.queued(sink)
    attach(handler).info("text")
    handler.close()
    assert (sink.lines, sink.is_closed) == (["text"], True)


def test_closing_ends_the_thread_until_the_next_record(sink: Sink) -> None:
    handler = logs.queued(sink)
    logger = attach(handler)
    for text in ("first", "second"):
        logger.info(text)
        thread = handler._thread
        assert thread is not None
        handler.close()
        thread.join(20)
        assert not thread.is_alive()
    assert sink.lines == ["first", "second"]


@pytest.mark.parametrize("size", [0, -1, True, 1.5, "many", None])
def test_wrong_size(sink: Sink, size: Any) -> None:
    with pytest.raises(ValueError, match="size must be a positive integer"):
        logs.queued(sink, size=size)


@pytest.mark.parametrize(("handler", "text"), [("console", "not str"), ({}, "sorts after it")])
def test_wrong_handler(handler: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        logs.queued(handler)


CONFIGURATION = """
import atexit, logging.config, sys, time
import c2casgiutils
from c2casgiutils import logs

class Slow(logging.StreamHandler):
    def emit(self, record):
        time.sleep(0.001)
        super().emit(record)

logging.config.dictConfig({
    "version": 1,
    "formatters": {"default": {"format": "%(name)s %(message)s"}},
    "handlers": {
        "console": {"()": Slow, "stream": "ext://sys.stdout", "formatter": "default"},
        "queue": {"()": "c2casgiutils.logs.queued", "handler": "cfg://handlers.console"},
    },
    "root": {"level": "INFO", "handlers": ["queue"]},
})
"""


def test_a_configuration_file_and_the_end_of_the_process() -> None:
    """Everything is written, what a function at exit logs too."""
    code = CONFIGURATION + (
        "atexit.register(logging.info, 'at exit')\nfor number in range(1000): logging.info('%d', number)"
    )
    done = run_fresh(code)
    assert done.stdout.splitlines() == [*(f"root {number}" for number in range(1000)), "root at exit"]
    assert done.stderr == ""


def test_a_forked_process_writes_its_own_records_only() -> None:
    """The parent's queue stays with the parent, whatever its thread was doing."""
    code = CONFIGURATION + ("import os\nfor number in range(200): logging.info('parent')\n")
    code += in_children("for number in range(50): logging.info('child')\n        logging.shutdown()")
    done = run_fresh(code)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert (lines.count("root parent"), lines.count("root child")) == (200, 150)


async def test_the_shutdown_of_the_application_writes_the_queue(sink: Sink) -> None:
    """The event loop goes on meanwhile; a server may end its process without exit functions."""
    sink.open.clear()
    handler = logs.queued(sink)
    logger = logging.getLogger(NAME)
    logger.addHandler(handler)
    try:
        logger.error("text")
        asyncio.get_running_loop().call_later(0.1, sink.open.set)
        async with c2casgiutils.lifespan():
            pass
        assert sink.lines == ["text"]
    finally:
        logger.removeHandler(handler)
