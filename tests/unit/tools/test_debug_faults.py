"""The views `/debug/sleep` and `/debug/error`."""

import asyncio
import time

import httpx
import pytest

from c2casgiutils import config, debug
from tests.support.net import eventually


@pytest.fixture(autouse=True)
def _enabled() -> None:
    config.settings.debug.enabled = True


@pytest.mark.parametrize("seconds", [0, 0.1, "1e-3"])
async def test_sleep(client: httpx.AsyncClient, seconds: float) -> None:
    """The answer has no content and comes after that time."""
    started = time.monotonic()
    answer = await client.get("debug/sleep", params={"time": seconds})
    assert (answer.status_code, answer.content) == (204, b"")
    assert time.monotonic() - started >= float(seconds)


OUT_OF_RANGE = ["-1", "-0.001", "30.001", "1e9", "nan", "inf", "-inf", "Infinity", "abc", "", "9" * 10_000]


@pytest.mark.parametrize("query", ["", *(f"time={value}" for value in OUT_OF_RANGE)])
async def test_sleep_out_of_range(client: httpx.AsyncClient, query: str) -> None:
    """h/D15: a time that is missing, not a number or not between 0 and 30 seconds is a 422."""
    assert (await client.get(f"debug/sleep?{query}")).status_code == 422


async def test_sixth_sleeper(client: httpx.AsyncClient) -> None:
    """h/D15: five requests may sleep in a process; a sixth is a 409, and may once one of them has woken."""
    sleeping = [asyncio.create_task(client.get("debug/sleep?time=0.5")) for _ in range(5)]

    async def is_full() -> bool:
        try:
            with debug.sleepers().held():
                return False
        except debug.BusyError:
            return True

    await eventually(is_full, what="five sleepers")
    answer = await client.get("debug/sleep?time=0")
    assert answer.status_code == 409
    assert "5 requests" in answer.json()["detail"]
    assert {(await task).status_code for task in sleeping} == {204}
    assert (await client.get("debug/sleep?time=0")).status_code == 204


@pytest.mark.parametrize("status", [400, 401, 404, 405, 418, 500, 503, 599])
async def test_error(client: httpx.AsyncClient, status: int) -> None:
    """The answer is that error with a fixed text."""
    answer = await client.get("debug/error", params={"status": status, "message": "<script>"})
    assert (answer.status_code, answer.json()["detail"]) == (status, "Test")
    assert "<script>" not in answer.text


@pytest.mark.parametrize("status", ["200", "399", "600", "999", "0", "-500", "abc", "nan", "5e2", "500.5"])
async def test_error_out_of_range(client: httpx.AsyncClient, status: str) -> None:
    """h/D16: a status that is no error is a 422."""
    assert (await client.get("debug/error", params={"status": status})).status_code == 422


async def test_unhandled(client: httpx.AsyncClient) -> None:
    """An exception that nothing handles is a 500 whose text an administrator gets."""
    answer = await client.get("debug/error?unhandled=1")
    assert (answer.status_code, answer.json()["detail"]) == (500, "Test")
    assert (await client.get("debug/error?unhandled=0")).json()["detail"] == "Test"
    assert (await client.get("debug/error?unhandled=maybe")).status_code == 422


@pytest.mark.parametrize("path", ["debug/sleep?time=0", "debug/error"])
async def test_disabled(client: httpx.AsyncClient, path: str) -> None:
    """Both are off by default."""
    config.settings.debug.enabled = False
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "C2C__DEBUG__ENABLED" in answer.json()["detail"]
    del client.headers["X-API-Key"]
    assert (await client.get(path)).json()["detail"] == "Not Found"
