"""Row 16: the names of `auth` that were public."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Security

from c2casgiutils import auth, config
from tests.support.auth import SECRET, configure, make_client

app = FastAPI()


@app.get("/key")
async def key(
    header: Annotated[str | None, Security(auth.api_key_header)],
    query: Annotated[str | None, Depends(auth.api_key_query)],
) -> list[str | None]:
    return [header, query]


async def test_api_keys() -> None:
    """Both dependencies give the secret that came with the request, none without one."""
    configure(secret=SECRET)
    async with make_client(app) as client:
        assert (await client.get("/key")).json() == [None, None]
        given = await client.get("/key", headers={"X-API-Key": "a"}, params={"secret": "b"})
        assert given.json() == ["a", "b"]


def test_api_keys_are_documented() -> None:
    """The OpenAPI document of the application names both ways."""
    schemes = app.openapi()["components"]["securitySchemes"].values()
    assert {(scheme["in"], scheme["name"]) for scheme in schemes} == {
        ("header", "X-API-Key"),
        ("query", "secret"),
    }


def test_access_type() -> None:
    """The permissions are those of `config`, which the warning names."""
    with pytest.warns(DeprecationWarning, match=r"config\.GitHubAccessType") as caught:
        access_type = auth.GitHubAccessType
    assert access_type is config.GitHubAccessType
    assert caught[0].filename == __file__


def test_imported_access_type() -> None:
    """The name is imported as from any module."""
    with pytest.warns(DeprecationWarning, match="GitHubAccessType"):
        from c2casgiutils.auth import GitHubAccessType
    assert [each.value for each in GitHubAccessType] == ["pull", "push", "admin"]
