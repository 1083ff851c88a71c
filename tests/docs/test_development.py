"""What docs/development.md promises of its examples."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from c2casgiutils import auth, broadcast, switches
from tests.docs.test_blocks import FENCE, ROOT
from tests.support.auth import SECRET, configure


@pytest.fixture
def switch() -> dict[str, Any]:
    """The names that the example of a switch defines."""
    page = (ROOT / "docs" / "development.md").read_text()
    (code,) = [block for block in FENCE.findall(page) if "switches.put" in block]
    assert len([line for line in code.splitlines() if line]) < 30
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  # our own page
    return names


@pytest.fixture
async def client(switch: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    configure(secret=SECRET)
    broadcast.cleanup()
    transport = httpx.ASGITransport(switch["app"])
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client
    await switches.shutdown()
    await broadcast.shutdown()
    broadcast.cleanup()
    await auth.shutdown()


@pytest.mark.parametrize("started", [False, True])
async def test_switch(
    switch: dict[str, Any], client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, started: bool
) -> None:
    """The example is protected, changes this process, reports and leaves one record."""
    caplog.set_level(logging.INFO, "c2casgiutils.audit")
    if started:
        await broadcast.startup()
        await switches.startup()
    assert (await client.put("/features/maps")).status_code == 403
    assert switch["features"] == set()
    answer = await client.put("/features/maps", headers={"X-API-Key": SECRET})
    assert (answer.status_code, answer.json()["complete"]) == (200, True)
    assert switch["features"] == {"maps"}
    assert [record.getMessage() for record in caplog.records] == [
        'feature (started) by secret, from "127.0.0.1", target "maps"',
        'feature (ok) by secret, from "127.0.0.1", target "maps"',
    ]
