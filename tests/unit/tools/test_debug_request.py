"""The views `/debug/time` and `/debug/headers`."""

import datetime
import time

import httpx
import pytest

from c2casgiutils._secrets import MASK
from tests.unit.tools.conftest import SECRET


async def test_time(anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is told the time, once in the time zone of the process, once in UTC, once in seconds."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        before = time.time()
        body = (await anonymous.get("debug/time")).json()
        after = time.time()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert set(body) == {"local_time", "gmt_time", "epoch", "timezone"}
    assert before <= body["epoch"] <= after
    local, gmt = (datetime.datetime.fromisoformat(body[name]) for name in ("local_time", "gmt_time"))
    assert local == gmt
    assert abs(gmt.timestamp() - body["epoch"]) < 0.001
    assert body["gmt_time"].endswith("Z")
    assert body["timezone"] in ("NZST", "NZDT")
    assert local.utcoffset() in (datetime.timedelta(hours=12), datetime.timedelta(hours=13))


async def test_headers(client: httpx.AsyncClient) -> None:
    """h/D17: the request is shown as by `/headers/`: names in lower case, without secrets."""
    answer = await client.get("debug/headers?secret=hidden-one&a=<b>", headers={"X-Toto": "42"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["headers"]["x-toto"] == "42"
    assert body["headers"]["x-api-key"] == MASK
    assert body["client_info"]["query_params"] == {"secret": MASK, "a": "<b>"}
    assert SECRET not in answer.text
    assert "hidden-one" not in answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("status", [200, 201, 302, 403, 418, 500, 503, 599])
async def test_status(client: httpx.AsyncClient, status: int) -> None:
    """The answer has the requested status, and the same body."""
    answer = await client.get("debug/headers", params={"status": status})
    assert answer.status_code == status
    assert answer.json()["client_info"]["query_params"] == {"status": str(status)}


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_status_without_a_body(client: httpx.AsyncClient, status: int) -> None:
    """A status that has no body is answered without one."""
    answer = await client.get("debug/headers", params={"status": status})
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("status", ["100", "199", "600", "-1", "abc", "nan", "1e2", "9" * 10_000])
async def test_invalid_status(client: httpx.AsyncClient, status: str) -> None:
    """A status that cannot be answered is a 422."""
    assert (await client.get("debug/headers", params={"status": status})).status_code == 422


async def test_refused(anonymous: httpx.AsyncClient) -> None:
    """The headers are for administrators."""
    assert (await anonymous.get("debug/headers")).status_code == 403
