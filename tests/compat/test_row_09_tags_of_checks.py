"""Row 9: checks with a property `tags`, and checks that use `self._tags`."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from c2casgiutils.health_checks import FACTORY, Check, Result

app = FastAPI()
app.mount("/c2c", c2casgiutils.app)


class WithProperty(Check):
    @property
    def tags(self) -> list[str]:  # type: ignore[override]  # what this row is about
        return [*self._tags, "all"]

    async def check(self) -> Result:
        return Result(payload={"tags": self.tags})


class WithPrivateTags(Check):
    async def check(self) -> Result:
        return Result(payload={"tags": self._tags})


class WithClassTags(Check):
    tags = ["fixed"]

    async def check(self) -> Result:
        return Result(payload={"tags": self.tags})


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    config.settings.health.details = "always"
    FACTORY.clear()
    FACTORY.add(WithProperty(tags=["database"]))
    FACTORY.add(WithPrivateTags(tags=["cache"]))
    FACTORY.add(WithClassTags())
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        yield client
    FACTORY.clear()


@pytest.mark.parametrize(
    ("selected", "name", "tags"),
    [
        ("all", "WithProperty", ["database", "all"]),
        ("database", "WithProperty", ["database", "all"]),
        ("cache", "WithPrivateTags", ["cache"]),
        ("fixed", "WithClassTags", ["fixed"]),
    ],
)
async def test_is_selected_and_works(
    client: httpx.AsyncClient, selected: str, name: str, tags: list[str]
) -> None:
    """The check is selected by its tags, wherever they are, and sees them itself."""
    reply = await client.get("/c2c/health/", params={"tags": selected})
    assert reply.status_code == 200
    (entity,) = reply.json()["entities"]
    assert (entity["name"], entity["tags"], entity["payload"]) == (name, tags, {"tags": tags})


def test_given_tags_replace_those_of_the_class() -> None:
    """Tags of one check win over those of all checks of the class."""
    assert WithClassTags(tags=["own"]).tags == ["own"]
