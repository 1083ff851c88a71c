"""The view `/debug/loop`."""

import asyncio
import threading
import time

import httpx
import pytest

import c2casgiutils
from c2casgiutils import config, debug, instances
from tests.support.net import eventually


async def report(client: httpx.AsyncClient, instance: str = "self") -> dict[str, object]:
    answer = await client.get("debug/loop", params={"instance": instance})
    assert answer.status_code == 200, answer.text
    (process,) = answer.json()["processes"]
    assert isinstance(process, dict)
    return process


@pytest.mark.parametrize("instance", ["self", "all"])
async def test_lag_and_stalls(client: httpx.AsyncClient, instance: str) -> None:
    """The lag of the last minute has quantiles, and a blocked loop is a stall that names the line."""
    await asyncio.sleep(0.1)
    time.sleep(0.4)  # noqa: ASYNC251  # what the view shows

    async def is_there() -> bool:
        return "tests/unit/tools/test_debug_loop.py:" in str((await report(client))["stalls"])

    await eventually(is_there, what="the stall")
    process = await report(client, instance)
    assert process["instance"] == instances.own_id()
    lag = process["lag_ms"]
    assert isinstance(lag, dict)
    assert 0 <= lag["p50"] <= lag["p99"] <= lag["max"]
    assert lag["max"] > 200
    assert isinstance(process["stalls"], list)
    own = [one for one in process["stalls"] if "tests/unit/tools/test_debug_loop.py:" in (one["frame"] or "")]
    stall = max(own, key=lambda stall: stall["ms"])  # a busy machine may block the loop, too
    assert stall["at"].endswith("Z")
    assert 200 < stall["ms"] < 20_000
    assert stall["route"] is None


async def test_levels(anonymous: httpx.AsyncClient) -> None:
    """The view is for those who may look."""
    assert (await anonymous.get("debug/loop")).status_code == 403


async def test_unknown_instance(client: httpx.AsyncClient) -> None:
    """An unknown process is a 404."""
    answer = await client.get("debug/loop", params={"instance": "host:1:abc"})
    assert answer.status_code == 404


async def test_metric(client: httpx.AsyncClient) -> None:
    """Each measurement counts in the histogram of the lag."""

    async def count() -> float:
        lines = (await client.get("metrics")).text.splitlines()
        (line,) = [line for line in lines if line.startswith("c2casgiutils_event_loop_lag_seconds_count")]
        return float(line.rpartition(" ")[2])

    before = await count()

    async def has_grown() -> bool:
        return await count() >= before + 3

    await eventually(has_grown, what="three measurements")


@pytest.fixture
def _no_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.settings.debug, "watchdog", False)


@pytest.mark.usefixtures("_no_watchdog", "client")
async def test_without_the_watchdog() -> None:
    """With the watchdog switched off there is no thread and no stall, but the lag."""
    assert "c2casgiutils-watchdog" not in [thread.name for thread in threading.enumerate()]
    await asyncio.sleep(0.1)
    time.sleep(0.3)  # noqa: ASYNC251  # what is measured
    await asyncio.sleep(0.1)
    found = debug.loop()
    assert found.stalls == []
    assert found.lag_ms.max is not None
    assert found.lag_ms.max > 200


async def test_before_the_first_measurement() -> None:
    """Without a measurement there is no lag, instead of one that nobody measured."""
    instances.cleanup()
    assert debug.loop().lag_ms.model_dump() == {"p50": None, "p99": None, "max": None}


async def test_event_loops_of_one_process() -> None:
    """Each event loop has its own watchdog, which ends with it; a second start replaces none."""

    async def watch() -> tuple[str, int]:
        async with c2casgiutils.lifespan():
            await c2casgiutils.startup()
            names = [thread.name for thread in threading.enumerate()]
            return debug.loop().instance, names.count("c2casgiutils-watchdog")

    async with c2casgiutils.lifespan():
        other, number = await asyncio.to_thread(asyncio.run, watch())
        assert debug.loop().instance != other
    assert number == 2
    assert "c2casgiutils-watchdog" not in [thread.name for thread in threading.enumerate()]
