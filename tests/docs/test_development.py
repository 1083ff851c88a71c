"""What docs/development.md promises of its examples."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from c2casgiutils import auth, broadcast, config, switches
from tests.docs.test_blocks import FENCE, ROOT
from tests.support.auth import SECRET, configure
from tests.support.net import free_port

KEY = {"X-API-Key": SECRET}


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


async def enabled(client: httpx.AsyncClient) -> Any:
    return (await client.get("/features", headers=KEY)).json()


@pytest.mark.parametrize("started", [False, True])
async def test_switch(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, started: bool) -> None:
    """The example is protected, changes this process, reports and leaves one record."""
    caplog.set_level(logging.INFO, "c2casgiutils.audit")
    if started:
        await broadcast.startup()
        await switches.startup()
    assert (await client.put("/features/maps")).status_code == 403
    assert await enabled(client) == []
    answer = await client.put("/features/maps", headers=KEY)
    assert (answer.status_code, answer.json()["complete"]) == (200, True)
    assert await enabled(client) == ["maps"]
    assert [record.getMessage() for record in caplog.records] == [
        'feature (started) by secret, from "127.0.0.1", target "maps"',
        'feature (ok) by secret, from "127.0.0.1", target "maps"',
    ]


async def test_switch_that_is_refused(client: httpx.AsyncClient) -> None:
    """The view has no code for it, and the answer says what is accepted."""
    answer = await client.put("/features/charts", headers=KEY)
    assert (answer.status_code, answer.json()["detail"]) == (422, "the features are maps and search")


async def test_switch_without_redis(client: httpx.AsyncClient) -> None:
    """While Redis is unreachable the view, which has no code for it, answers 503 and reads what is known."""
    config.settings = config.Settings(
        auth={"secret": SECRET}, redis={"url": f"redis://127.0.0.1:{free_port()}"}
    )
    await broadcast.startup()
    await switches.startup()
    answer = await client.put("/features/maps", headers=KEY)
    assert (answer.status_code, answer.json()["detail"]) == (503, "Redis cannot be reached or written")
    assert answer.headers["Retry-After"] == "5"
    assert await enabled(client) == []
