"""What docs/development.md promises of its examples."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from c2casgiutils import auth, broadcast, config, instances, switches
from tests.support.auth import SECRET, configure
from tests.support.net import free_port
from tests.support.pages import blocks

KEY = {"X-API-Key": SECRET}


def code_with(call: str) -> str:
    """Return the block of the page with a call."""
    page = [block.code for block in blocks("python") if block.page == "development.md"]
    (code,) = [code for code in page if call in code]
    return code


def run(code: str) -> Any:
    """Return the application of a block."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(code, names)  # noqa: S102  # our own page
    return names["app"]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the example of a switch."""
    configure(secret=SECRET)
    broadcast.cleanup()
    transport = httpx.ASGITransport(run(code_with("switches.put")))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client
    await switches.shutdown()
    await broadcast.shutdown()
    broadcast.cleanup()
    await auth.shutdown()


def test_length_of_a_switch() -> None:
    """A new switch of the cluster, with its views, takes fewer than 30 lines."""
    assert len([line for line in code_with("switches.put").splitlines() if line]) < 30


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


@pytest.mark.parametrize(
    ("redis", "report"),
    [
        ({}, {"asked": 1, "answered": 1, "complete": True, "roster": "current"}),
        ({"url": f"redis://127.0.0.1:{free_port()}"}, {"answered": 1, "complete": False, "roster": "stale"}),
    ],
    ids=["without Redis", "Redis is unreachable"],
)
async def test_question(redis: dict[str, str], report: dict[str, Any]) -> None:
    """The example is protected, and says whether all processes answered."""
    config.settings = config.Settings(auth={"secret": SECRET}, redis=redis)
    app = run(code_with("broadcast.ask"))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client,
    ):
        assert (await client.get("/spool")).status_code == 403
        answer = (await client.get("/spool", headers=KEY)).json()
        assert answer["processes"] == [{"id": instances.own_id(), "waiting": 3}]
        assert answer["cluster"].items() >= report.items()
    broadcast.cleanup()
