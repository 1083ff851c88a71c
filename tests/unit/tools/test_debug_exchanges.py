"""The view `/debug/exchanges`, without Redis; what it shows is in `unit/debug/test_exchanges.py`."""

from collections.abc import AsyncIterator

import httpx
import pytest

from c2casgiutils import instances
from c2casgiutils.debug._state import STATE


@pytest.fixture
async def service(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """The client of an application that answered `/nothing` three times."""
    STATE.exchanges.clear()
    for _ in range(3):
        await client.get(
            "http://testserver/nothing?password=hidden", headers={"X-Forwarded-For": "192.0.2.9"}
        )
    yield client
    STATE.exchanges.clear()


async def test_answer(service: httpx.AsyncClient) -> None:
    """Each request has exactly the documented fields; reading them adds none."""
    answer = await service.get("debug/exchanges")
    body = (await service.get("debug/exchanges")).json()
    assert len(body["exchanges"]) == 3
    latest = body["exchanges"][0]
    assert set(latest) == {"at", "instance", "method", "route", "status", "ms", "request_id"}
    assert (latest["instance"], latest["method"], latest["status"]) == (instances.own_id(), "GET", 404)
    assert latest["at"].endswith("Z")
    assert body["cluster"]["complete"]
    assert "hidden" not in answer.text
    assert "192.0.2.9" not in answer.text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=404", 3),
        ("status=4xx", 3),
        ("status=4XX", 3),
        ("status=", 3),
        ("status=500", 0),
        ("limit=2", 2),
        ("limit=500", 3),
        ("min_ms=0", 3),
        ("min_ms=1e300", 0),
        ("route=", 3),
        ("route=/x", 0),
        ("route=%00%ED%A0%80", 0),
        ("instance=self", 3),
    ],
)
async def test_selected(service: httpx.AsyncClient, query: str, count: int) -> None:
    """The parameters select."""
    answer = await service.get(f"debug/exchanges?{query}")
    assert (answer.status_code, len(answer.json().get("exchanges", []))) == (200, count)


@pytest.mark.parametrize(
    "query",
    [
        *("status=600", "status=99", "status=5x", "status=abc", "status=503%0A", "status=x03", "status=٥٠٣"),
        *("limit=0", "limit=501", "limit=-1", "limit=abc", "limit=1e2", "limit=nan"),
        *("min_ms=-1", "min_ms=nan", "min_ms=inf", "min_ms=-inf", "min_ms=abc"),
        f"route={'x' * 501}",
    ],
)
async def test_out_of_range(service: httpx.AsyncClient, query: str) -> None:
    """A parameter out of its range is a 422."""
    assert (await service.get(f"debug/exchanges?{query}")).status_code == 422


@pytest.mark.parametrize("id_", ["host:1:abcdef", "x" * 501])
async def test_unknown_instance(service: httpx.AsyncClient, id_: str) -> None:
    """An unknown process is a 404 that names those that exist."""
    answer = await service.get(f"debug/exchanges?instance={id_}")
    assert answer.status_code == 404
    assert instances.own_id() in answer.json()["detail"]


async def test_refused(anonymous: httpx.AsyncClient) -> None:
    """The requests are for administrators."""
    assert (await anonymous.get("debug/exchanges")).status_code == 403
