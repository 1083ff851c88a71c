"""Outages are logged once."""

import logging

import pytest

from c2casgiutils._outages import Outage

LOGGER = logging.getLogger("test.outages")


def test_a_row_of_failures_is_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    """The first failure and the first success after it are logged, each time anew."""
    outage = Outage(LOGGER, "down: %s", "up after %.1f s")
    outage.end()
    for _ in range(2):
        for reason in ("a", "b", "c"):
            outage.begin(reason)
        assert outage.is_on
        outage.end()
        outage.end()
        assert not outage.is_on
    assert [record.getMessage()[:5] for record in caplog.records] == ["down:", "up af"] * 2
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_fault_has_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """What is a fault and not an outage is an error, with the traceback."""
    outage = Outage(LOGGER, "down: %s", "up after %.1f s", level=logging.ERROR)
    try:
        int("bad")
    except ValueError as error:
        outage.begin(error)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)
