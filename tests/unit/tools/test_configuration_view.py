"""The view of versions, settings, the request, the grade of the headers and the routes."""

import httpx
import pytest

from tests.unit.tools.conftest import SECRET
from tests.unit.tools.test_requests_view import text_of


async def test_configuration(client: httpx.AsyncClient) -> None:
    """All parts are there for an administrator, and no secret."""
    page = await client.get("configuration", headers={"Cookie": "a=hidden-cookie"})
    text = text_of(page)
    for shown in (
        "equal everywhere",
        "user-agent python-httpx",
        "C2C__AUTH__SECRET",
        "/c2c",
        "/health_checks",
    ):
        assert shown in text
    assert SECRET not in page.text
    assert "hidden-cookie" not in page.text


async def test_only_changed_settings(client: httpx.AsyncClient) -> None:
    """The query leaves out the defaults."""
    page = await client.get("configuration?changed=1")
    assert "C2C__AUTH__SECRET" in page.text
    assert "C2C__TOOLS__PUBLIC_TITLE" not in page.text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/openapi.json", "the answer 200 of /openapi.json"),
        ("/nothing", "the answer 404 of /nothing"),
        ("https://example.com/", "grade must be a path of the application"),
        ("//example.com", "grade must be a path of the application"),
        ("/\x00", "grade must be a path of the application"),
    ],
)
async def test_grade(client: httpx.AsyncClient, path: str, text: str) -> None:
    """The security headers of a path of the application are graded, of no other server."""
    page = await client.get("configuration", params={"grade": path})
    assert page.status_code == 200
    assert text in text_of(page)


async def test_ignored_proxy(client: httpx.AsyncClient) -> None:
    """A proxy whose headers are ignored is named, with the settings."""
    page = await client.get("configuration", headers={"X-Forwarded-For": "203.0.113.9"})
    assert "C2C__PROXY_HEADERS__TRUSTED_HOSTS" in page.text


async def test_who_is_no_admin(callers: dict[str, httpx.AsyncClient]) -> None:
    """Readers see versions and their request, no settings."""
    page = await callers["push"].get("/configuration?grade=/")
    assert "equal everywhere" in page.text
    assert "C2C__AUTH" not in page.text
    assert "score" not in page.text
