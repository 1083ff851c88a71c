"""The fields of a JSON line, the form of a console line."""

import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from c2casgiutils import logs
from c2casgiutils.request_tracking import CURRENT, RequestContext


def record(message: object, *arguments: object, **extra: Any) -> logging.LogRecord:
    logger = logging.getLogger("app.part")
    return logger.makeRecord(logger.name, 20, "/app/f.py", 7, message, arguments, None, "work", extra)


def fields(entry: logging.LogRecord, **options: Any) -> dict[str, Any]:
    line = logs.JsonFormatter(**options).format(entry)
    assert "\n" not in line
    assert line.startswith("{")
    result: dict[str, Any] = json.loads(line)
    return result


@pytest.fixture
def request_id() -> Iterator[str]:
    token = CURRENT.set(RequestContext("42 is the answer"))
    yield "42 is the answer"
    CURRENT.reset(token)


def test_the_fields() -> None:
    entry = record("%s and %d", "a", 5)
    assert fields(entry) == {
        "msg": "a and 5",
        "host": socket.gethostname(),
        "timestamp": entry.created,
        "level": 6,
        "level_name": "INFO",
        "logger_name": "app.part",
        "source_facility": "app.part",
        "file": "/app/f.py",
        "line": 7,
        "function": "work",
        "pid": os.getpid(),
        "thread_name": threading.current_thread().name,
        "process_name": "MainProcess",
    }


@pytest.mark.parametrize(("level", "number"), [(50, 2), (40, 3), (30, 4), (20, 6), (10, 7), (25, 25)])
def test_the_level_is_that_of_syslog(level: int, number: int) -> None:
    assert fields(logging.LogRecord("app", level, "f.py", 1, "text", (), None))["level"] == number


def test_the_request_id(request_id: str) -> None:
    assert fields(record("text"))["request_id"] == request_id


def test_an_exception() -> None:
    def fail() -> None:
        raise ValueError("https://h/?token=hunter2")

    try:
        fail()
    except ValueError:
        entry = logging.LogRecord("app", 40, "f.py", 1, "failed", (), sys.exc_info())
    result = fields(entry)
    assert result["msg"] == "failed"
    assert result["full_msg"] == "true"
    assert result["full_message"].startswith("Traceback")
    assert result["full_message"].endswith("ValueError: https://h/?token=***")


def test_an_exception_that_was_formatted_before() -> None:
    """A record of another process brings only the text."""
    entry = record("failed")
    entry.exc_text = "Traceback: https://h/?token=hunter2"
    assert fields(entry)["full_message"] == "Traceback: https://h/?token=***"


def test_the_stack() -> None:
    entry = record("text")
    entry.stack_info = "Stack (most recent call last):\n  here"
    assert fields(entry)["full_message"] == entry.stack_info


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


EXTRAS: dict[str, tuple[Any, Any]] = {
    "text": ("x", "x"),
    "number": (5, 5),
    "large": (-(10**400), -(10**400)),
    "huge": (10**5000, hex(10**5000)),
    "share": (0.5, 0.5),
    "flag": (True, True),
    "nothing": (None, "None"),
    "mapping": ({"a": [1]}, "{'a': [1]}"),
    "nan": (float("nan"), "nan"),
    "infinite": (float("inf"), "inf"),
    "broken": (Broken(), "<Broken without text>"),
    "surrogate": ("\ud800", "\ud800"),
    "url": ("https://h/?secret=hunter2", "https://h/?secret=***"),
    "lines": ("a\nb\r\u2028c", "a\nb\r\u2028c"),
}


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_is_a_key(name: str) -> None:
    value, expected = EXTRAS[name]
    assert fields(record("text", **{name: value}), max_bytes=20_000)[name] == expected


def test_leading_underscores_go_unless_the_name_is_taken() -> None:
    result = fields(record("text", _a=1, _b=2, b=3, __c=4, _=5))
    expected = {"a": 1, "_b": 2, "b": 3, "c": 4, "_": 5}
    assert {name: result[name] for name in expected} == expected


FIELD_NAMES = (
    *("msg", "host", "timestamp", "level", "level_name", "logger_name", "source_facility", "file", "line"),
    *("function", "pid", "thread_name", "process_name", "request_id", "trace_id", "span_id", "client_addr"),
    *("method", "path", "matched_route", "status_code", "full_message", "full_msg", "left_out"),
)


@pytest.mark.parametrize(
    ("name", "given"),
    [(name, given) for name in FIELD_NAMES for given in (name, f"_{name}") if given != "msg"],
)
def test_an_extra_does_not_replace_a_field(name: str, given: str, request_id: str) -> None:
    """Nor does it take the place of one that this line does not have."""
    result = fields(record("text", **{given: "forged"}))
    assert result["msg"] == "text"
    assert result["request_id"] == request_id
    assert result.get(name) != "forged"
    assert result[f"extra_{name}"] == "forged"


def test_a_static_field_does_not_replace_a_field(request_id: str) -> None:
    result = fields(record("text"), static_fields={"request_id": "forged", "trace_id": "forged", "level": 1})
    assert result["request_id"] == request_id
    assert result["level"] == 6
    expected = {"extra_request_id": "forged", "extra_trace_id": "forged", "extra_level": 1}
    assert {name: result[name] for name in expected} == expected


def test_extras_do_not_replace_each_other() -> None:
    result = fields(record("text", level="a", extra_level="b"))
    assert {result["extra_level"], result["extra_extra_level"]} == {"a", "b"}


def test_the_console_has_the_tracked_id(request_id: str) -> None:
    assert console(record("text", request_id="forged")) == f"INFO text [{request_id}]"


def test_a_secret_in_the_name_of_a_logger() -> None:
    entry = record("text")
    entry.name = "app.password=hunter2"
    result = fields(entry)
    assert (result["logger_name"], result["source_facility"]) == ("app.password=***",) * 2
    line = logs.ConsoleFormatter().format(entry)
    assert "app.password=*** text" in line
    assert entry.name == "app.password=hunter2"
    assert logs.RedactionFilter().filter(entry)
    assert entry.name == "app.password=***"


@pytest.mark.parametrize("name", ["id", "color_message", "taskName"])
def test_attributes_of_no_use_are_left_out(name: str) -> None:
    item = record("text")
    setattr(item, name, "x")
    assert name not in fields(item)


@pytest.mark.parametrize(
    "arguments", [("%d", "x"), ("%s", 1, 2), (Broken(),), ("%s", Broken())], ids=range(4)
)
def test_a_wrong_message_is_still_a_line(arguments: tuple[object, ...]) -> None:
    assert fields(record(*arguments))["msg"]


def test_long_texts_are_cut_in_the_middle() -> None:
    message = fields(record("a" * 100_000 + "z"), max_bytes=100_000)["msg"]
    assert len(message) < 33_000
    assert message.startswith("aaa")
    assert message.endswith("z")


def test_the_access_log_of_uvicorn() -> None:
    entry = record('%s - "%s %s HTTP/%s" %d', "1.2.3.4:5", "GET", "/a%20b?secret=hunter2", "1.1", 200)
    entry.name = "uvicorn.access"
    result = fields(entry)
    assert {name: result[name] for name in ("client_addr", "method", "path", "status_code")} == {
        "client_addr": "1.2.3.4",
        "method": "GET",
        "path": "/a%20b",
        "status_code": 200,
    }
    assert "hunter2" not in str(result)


def console(entry: logging.LogRecord) -> str:
    return logs.ConsoleFormatter("%(levelname)s %(message)s").format(entry)


def test_a_console_line(request_id: str) -> None:
    assert console(record("at %s", "/?secret=hunter2")) == "INFO at /?secret=*** [42 is the answer]"


def test_the_default_form_of_a_console_line() -> None:
    assert logs.ConsoleFormatter().format(record("text")).endswith(" INFO     app.part text")


def test_a_logged_text_cannot_pass_for_another_line() -> None:
    assert console(record("a\nERROR forged\x1b[31m\r\x9b")) == "INFO a\n    ERROR forged\\x1b[31m\\x0d\\x9b"


@pytest.mark.parametrize("type_", [logs.ConsoleFormatter, logs.JsonFormatter])
def test_any_text_can_be_written(type_: type[logging.Formatter]) -> None:
    """A lone surrogate, which no encoding can write, is escaped wherever it stands."""
    entry = record("%s", json.loads('"\\ud800"'), extra="\udfff")
    entry.exc_text = "Traceback \udc80"
    line = type_().format(entry)
    line.encode()
    assert "\\ud800" in line
    assert "\\udc80" in line


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(("%d items", "x"), "%d items x", id="wrong type"),
        pytest.param(("one", 1), "one 1", id="too many"),
        pytest.param(("%d", 10**5000), "%d 0x", id="huge number"),
        pytest.param(("%s", Broken()), "%s <Broken without text>", id="broken value"),
    ],
)
def test_a_wrong_message_is_still_a_console_line(arguments: tuple[object, ...], text: str) -> None:
    assert console(record(*arguments)).startswith(f"INFO {text}")


def test_an_exception_cannot_pass_for_another_line() -> None:
    entry = record("failed")
    entry.exc_text = "Traceback\nValueError: a\nERROR forged"
    assert console(entry).splitlines()[1:] == ["    Traceback", "    ValueError: a", "    ERROR forged"]
