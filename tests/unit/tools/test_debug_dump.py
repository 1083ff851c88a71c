"""The view `/debug/dump`, without Redis."""

import io
import json
import re
import zipfile
from typing import Any

import httpx
import pytest

from c2casgiutils import debug, instances
from tests.unit.tools.conftest import SECRET

FILES = ["instances", "health", "levels", "stacks", "loop", "exchanges", "settings", "versions"]
FILES += ["runtime", "audit", "events"]


async def files(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("debug/dump")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert all(SECRET.encode() not in archive.read(name) for name in archive.namelist())
        return {name.removesuffix(".json"): json.loads(archive.read(name)) for name in archive.namelist()}


async def test_archive(client: httpx.AsyncClient) -> None:
    """All files are there, each with what its view shows, and nothing is missing."""
    await client.get("http://testserver/nothing")
    await client.put("logging/loggers/my_app", json={"level": "DEBUG"})
    found = await files(client)
    assert set(found) == {"dump", *FILES}
    assert found["dump"]["missing"] == []
    assert [one["id"] for one in found["instances"]["instances"]] == [instances.own_id()]
    assert found["health"]["instances"][0]["answered"] is True
    assert [one["name"] for one in found["levels"]["overrides"]] == ["my_app"]
    assert found["stacks"]["groups"]
    assert [one["instance"] for one in found["loop"]["processes"]] == [instances.own_id()]
    assert found["exchanges"]["exchanges"][0]["status"] == 404
    assert {"name", "value", "differs"} <= set(found["settings"]["settings"][0])
    assert found["versions"]["groups"][0]["instances"] == [instances.own_id()]
    assert "logging.level" in [event["action"] for event in found["audit"]["events"]]


async def test_answer(client: httpx.AsyncClient) -> None:
    """It is a file to save, and it is recorded."""
    answer = await client.post("debug/dump")
    assert answer.headers["content-type"] == "application/zip"
    assert re.fullmatch(
        r'attachment; filename="dump-\d{8}T\d{6}Z\.zip"', answer.headers["content-disposition"]
    )
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    event = (await client.get("audit")).json()["events"][0]
    assert (event["action"], event["result"]) == ("debug.dump", "ok")


async def test_one_at_a_time(client: httpx.AsyncClient) -> None:
    """A second one at the same time is a 409, other diagnostics do not hinder it."""
    with debug.dumps().held():
        assert (await client.post("debug/dump")).status_code == 409
    with debug.heavy().held():
        assert (await client.post("debug/dump")).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}], ids=["anonymous", "wrong"])
async def test_refused(anonymous: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """It is for administrators, and GET makes none."""
    assert (await anonymous.post("debug/dump", headers=headers)).status_code == 403
    answer = await anonymous.get("debug/dump")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
