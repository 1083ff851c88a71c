"""Outages are logged once, and a request waits for them for a limited time."""

import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI

from c2casgiutils._outages import Outage, limit_waiting, waiting
from c2casgiutils.broadcast import BroadcastUnavailable
from c2casgiutils.instances import UnseenInstanceError
from c2casgiutils.switches import SwitchesUnavailableError

LOGGER = logging.getLogger("test.outages")
TEXT = "Redis is unreachable (connecting to 10.0.0.1:6379)"


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


def test_waiting_without_limit() -> None:
    """Outside of a request each wait has its own timeout."""
    with waiting(3.0) as seconds:
        assert seconds == 3.0


async def test_waits_share_the_limit() -> None:
    """Each wait reduces the time left for the next one, down to a minimal timeout."""
    with limit_waiting(1.0):
        with waiting(0.5) as first:
            await asyncio.sleep(0.3)
        with waiting(3.0) as second:
            await asyncio.sleep(0.6)
        with waiting(3.0) as third:
            pass
    assert first == 0.5
    assert 0.2 <= second <= 0.5
    assert third == 0.2


async def test_requests_do_not_share_the_limit() -> None:
    """Concurrent requests have separate limits."""

    async def request() -> float:
        with limit_waiting(1.0):
            with waiting(0.2):
                await asyncio.sleep(0.1)
            with waiting(9.0) as left:
                return left

    first, second = await asyncio.gather(request(), request())
    assert min(first, second) > 0.2


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (SwitchesUnavailableError(TEXT), "Redis cannot be reached or written"),
        (SwitchesUnavailableError(TEXT, is_stored=True), "The change is kept in Redis, but"),
        (
            SwitchesUnavailableError(TEXT, is_uncertain=True),
            "Redis did not reply in time: the change may be kept",
        ),
        (BroadcastUnavailable(TEXT), "Redis cannot be reached: the processes were not asked"),
        (UnseenInstanceError("some processes may not be seen"), "some processes may not be seen"),
    ],
)
async def test_an_outage_is_the_answer_of_any_view(error: Exception, detail: str) -> None:
    """A view of an application that does not catch it answers 503, without the address of Redis."""
    app = FastAPI()

    @app.get("/")
    async def view() -> None:
        raise error

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["detail"].startswith(detail)
    assert "10.0.0.1" not in answer.text
    assert not str(error).startswith("503")
