"""The lines that a process stores of followed requests."""

import logging

import pytest

from c2casgiutils.follow._lines import START, LocalLines
from c2casgiutils.follow._publisher import Publisher
from tests.unit.follow.test_interception import FOLLOW


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
    lines = LocalLines()
    publisher = Publisher(lines, ("the-value-of-a-setting",))
    publisher.add(FOLLOW, logging.makeLogRecord({"name": name, "levelno": logging.INFO, "msg": name}))
    await publisher.aclose()
    ((_, line),) = await lines.read(FOLLOW.id, START)
    assert (line["logger"], line["message"]) == (expected, expected)
