"""The view `/debug/stacks`."""

import asyncio

import httpx
import pytest

from c2casgiutils import instances


@pytest.mark.parametrize("instance", ["self", "all"])
async def test_stacks(client: httpx.AsyncClient, instance: str) -> None:
    """The answer has the stacks of threads and tasks, and says who was asked."""
    task = asyncio.create_task(asyncio.sleep(100), name="of the test")
    await asyncio.sleep(0)
    answer = await client.get("debug/stacks", params={"instance": instance})
    task.cancel()
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"groups", "left_out", "cluster"}
    assert (body["cluster"]["asked"], body["cluster"]["answered"]) == (1, 1)
    (group,) = [g for g in body["groups"] if any(w.get("task") == "of the test" for w in g["where"])]
    assert set(group) == {"frames", "where", "count", "frames_left_out"}
    assert group["frames"][-1]["function"] == "sleep"
    assert group["frames"][-1]["file"] == "asyncio/tasks.py"
    assert {"instance": instances.own_id(), "task": "of the test"} in group["where"]
    files = {frame["file"] for group in body["groups"] for frame in group["frames"]}
    assert "c2casgiutils/debug/_stacks.py" in files
    assert not any(file.startswith("/") for file in files if "site-packages" in file)


async def test_levels(anonymous: httpx.AsyncClient) -> None:
    """h/D01: the view is for administrators."""
    assert (await anonymous.get("debug/stacks")).status_code == 403


async def test_unknown_instance(client: httpx.AsyncClient) -> None:
    """An unknown process is a 404."""
    answer = await client.get("debug/stacks", params={"instance": "host:1:abc"})
    assert answer.status_code == 404
