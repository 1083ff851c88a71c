"""The longest line of JSON."""

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2casgiutils import logs
from c2casgiutils.request_tracking import CURRENT, RequestContext

LIMIT = 4096


def record(message: object = "text", name: str = "app", **extra: Any) -> logging.LogRecord:
    return logging.getLogger("app").makeRecord(name, 20, "f.py", 7, message, (), None, "work", extra)


def fields(entry: logging.LogRecord, limit: int = LIMIT) -> dict[str, Any]:
    """The fields of a line that is short enough with its line feed."""
    line = logs.JsonFormatter(max_bytes=limit).format(entry)
    assert len(line.encode()) + 1 <= limit
    result: dict[str, Any] = json.loads(line)
    return result


def call_through(depth: int) -> None:
    """Fail below many functions, each in a file of its own."""
    names: dict[str, Any] = {}
    for number in range(depth):
        exec(compile(f"def f{number}(): f{number + 1}()", f"module_{number}", "exec"), names)  # noqa: S102
    names[f"f{depth}"] = lambda: 1 / 0
    names["f0"]()


def test_a_traceback_keeps_its_ends() -> None:
    """The entry and the cause stay, and so do all other fields."""
    try:
        call_through(200)
    except ZeroDivisionError:
        entry = logging.LogRecord("app", 40, "f.py", 1, "failed", (), sys.exc_info())
    result = fields(entry)
    assert result["full_message"].startswith("Traceback (most recent call last)")
    assert result["full_message"].endswith("ZeroDivisionError: division by zero")
    assert "characters left out" in result["full_message"]
    assert (result["msg"], result["full_msg"]) == ("failed", "true")
    assert len(logs.JsonFormatter().format(entry)) > LIMIT - 100
    whole = fields(entry, 32_768)["full_message"]
    assert all(f"module_{n}" in whole for n in range(200))


@pytest.mark.parametrize("letter", ["a", "é", "\N{GRINNING FACE}", '"', "\0"], ids=ascii)
@pytest.mark.parametrize("length", [*range(3500, 4000, 100), 40_000])
def test_the_limit_counts_bytes(letter: str, length: int) -> None:
    """One character takes up to twelve bytes of a line."""
    token = CURRENT.set(RequestContext("r" * 128))
    try:
        result = fields(record(letter * length + "end"))
    finally:
        CURRENT.reset(token)
    assert result["msg"].startswith(letter)
    assert result["msg"].endswith("end")
    assert result["request_id"] == "r" * 128


def test_extras_that_do_not_fit_are_counted() -> None:
    result = fields(record(**{f"extra_number_{n}": "x" * 100 for n in range(500)}))
    assert result["left_out"] == 500
    assert "extra_number_1" not in result
    assert result["msg"] == "text"


def test_many_short_extras_stay() -> None:
    extra: dict[str, Any] = {f"e{n}": n for n in range(150)}
    result = fields(record("m" * 5000, **extra))
    assert result["e149"] == 149
    assert "left_out" not in result


@settings(deadline=None, derandomize=True)
@given(
    message=st.text(max_size=20_000),
    name=st.text(max_size=5000),
    extra=st.dictionaries(st.from_regex(r"x[a-z]+", fullmatch=True), st.text(max_size=3000)),
)
def test_no_line_is_longer(message: str, name: str, extra: dict[str, Any]) -> None:
    assert fields(record(message, name, **extra))["level"] == 6


@pytest.mark.parametrize("limit", [0, 4095, "many", None])
def test_wrong_limit(limit: Any) -> None:
    with pytest.raises(ValueError, match="max_bytes must be an integer of 4096 or more"):
        logs.JsonFormatter(max_bytes=limit)
