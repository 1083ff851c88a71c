"""The lines that a process stores of followed requests."""

import logging
import sys
from typing import Any

import pytest

from c2casgiutils.follow._lines import START, LocalLines
from c2casgiutils.follow._publisher import Publisher
from tests.unit.follow.test_interception import FOLLOW


async def stored(**attributes: Any) -> dict[str, Any]:
    """Return the line of a record."""
    lines = LocalLines()
    publisher = Publisher(lines, ("the-value-of-a-setting",))
    publisher.add(FOLLOW, logging.makeLogRecord(attributes))
    await publisher.aclose()
    ((_, line),) = await lines.read(FOLLOW.id, START)
    return line


def recursive(depth: int) -> float:
    """Fail after two functions that call each other: the traceback shortens repetitions of one."""
    return other(depth - 1) if depth else 1 / 0


def other(depth: int) -> float:
    return recursive(depth)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop.orders", "shop.orders"),
        ("tenants.token=hunter2", "tenants.token=***"),
        ("tenants.the-value-of-a-setting", "tenants.***"),
        ("files.n\udce9", "files.n\\udce9"),
    ],
)
async def test_names_of_loggers(name: str, expected: str) -> None:
    """Secrets are masked in them as in the message, and lone surrogates escaped."""
    line = await stored(name=name, msg=name)
    assert (line["logger"], line["message"]) == (expected, expected)


async def test_a_long_traceback() -> None:
    """A text that is too long loses its middle: the exception is at the end of it."""
    try:
        recursive(99)
    except ZeroDivisionError:
        line = await stored(name="shop", msg="it failed", exc_info=sys.exc_info())
    assert line["message"].startswith("it failed\nTraceback")
    assert "characters left out" in line["message"]
    assert line["message"].endswith("ZeroDivisionError: division by zero")
    assert len(line["message"]) < 4_100
