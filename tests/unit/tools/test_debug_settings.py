"""The views `/settings` and `/versions`, without Redis."""

import httpx
import pytest

from c2casgiutils import config, instances
from tests.unit.tools.conftest import SECRET


async def test_settings(client: httpx.AsyncClient) -> None:
    """Each setting has exactly the documented fields."""
    answer = await client.get("settings")
    body = answer.json()
    assert set(body) == {"settings", "cluster"}
    assert {key for one in body["settings"] for key in one} == {
        *("name", "value", "source", "is_default", "secret", "differs")
    }
    (secret,) = [one for one in body["settings"] if one["name"] == "C2C__AUTH__SECRET"]
    assert (secret["value"], secret["secret"], secret["differs"]) == ("***", True, False)
    assert SECRET not in answer.text
    assert body["cluster"]["complete"]


async def test_hostile_values(client: httpx.AsyncClient) -> None:
    """Values that JSON cannot hold are shown nevertheless."""
    config.settings.sentry = config.settings.sentry.model_copy(
        update={
            "sample_rate": float("nan"),
            "server_name": "\ud800",
            "event_scrubber": object(),
            "dist": b"\xff",
        }
    )
    answer = await client.get("settings")
    assert answer.status_code == 200
    found = {one["name"]: one["value"] for one in answer.json()["settings"]}
    assert found["C2C__SENTRY__SAMPLE_RATE"] == "nan"
    assert found["C2C__SENTRY__SERVER_NAME"] == "\\ud800"
    assert (found["C2C__SENTRY__EVENT_SCRUBBER"], found["C2C__SENTRY__DIST"]) == ("object", "bytes")


async def test_versions(client: httpx.AsyncClient) -> None:
    """The process that answers is a group."""
    body = (await client.get("versions")).json()
    assert set(body) == {"drift", "groups", "packages", "cluster"}
    assert body["drift"] is False
    (group,) = body["groups"]
    assert set(group) == {"git_hash", "version", "instances"}
    assert group["instances"] == [instances.own_id()]
    assert all(list(found.values()) == [[instances.own_id()]] for found in body["packages"].values())
    assert body["cluster"]["complete"]


@pytest.mark.parametrize("path", ["settings", "versions"])
async def test_refused(anonymous: httpx.AsyncClient, path: str) -> None:
    """Both are for administrators."""
    assert (await anonymous.get(path)).status_code == 403
