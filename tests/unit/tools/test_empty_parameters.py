"""A form without script submits its empty fields: they count as absent."""

import re
from typing import Any

import httpx
import pytest

from c2casgiutils import config
from c2casgiutils._app import create_app

_PATHS: dict[str, Any] = create_app().openapi()["paths"]
ROUTES = [
    f"{method.upper()} {path}"
    for path, methods in _PATHS.items()
    for method, operation in methods.items()
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ()))
]
REQUIRED = {"GET /logging/level": {"name": "root"}, "GET /debug/sleep": {"time": "0"}}
"""What a route cannot do without."""


@pytest.fixture(autouse=True)
def _enabled(client: httpx.AsyncClient) -> None:  # it sets the settings
    config.settings.debug.enabled = True


@pytest.mark.parametrize("route", ROUTES)
async def test_empty_is_absent(client: httpx.AsyncClient, route: str) -> None:
    """The same answer comes with all parameters empty as without them."""
    method, _, path = route.partition(" ")
    parameters = _PATHS[path][method.lower()]["parameters"]
    names = [each["name"] for each in parameters if each["in"] == "query" and each["name"] != "after"]
    required = REQUIRED.get(route, {})
    url = re.sub("{[^}]+}", "x", path).removeprefix("/")
    absent = await client.request(method, url, params=required)
    empty = await client.request(method, url, params={**dict.fromkeys(names, ""), **required})
    assert empty.status_code == absent.status_code


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("limit=&min_ms=&status=", 200, id="all empty"),
        pytest.param("limit=&limit=1", 200, id="empty and not"),
        pytest.param("limit=0", 422, id="out of range"),
        pytest.param("limit", 422, id="without a value"),
        pytest.param("limit=+", 422, id="a blank"),
        pytest.param("limit==", 422, id="not empty"),
    ],
)
async def test_only_empty_values(client: httpx.AsyncClient, query: str, status: int) -> None:
    """Only what a form submits for an empty field counts as absent."""
    assert (await client.get(f"debug/exchanges?{query}")).status_code == status


async def test_empty_place(client: httpx.AsyncClient) -> None:
    """An empty place of the last line says something: all lines, as JSON."""
    begun = await client.post("logging/follow", json={"level": "INFO"})
    assert begun.status_code == 200, begun.text
    answer = await client.get(f"logging/follow/{begun.json()['id']}?after=")
    assert answer.headers["content-type"] == "application/json"


async def test_shown_as_sent(client: httpx.AsyncClient) -> None:
    """The view of the request shows the query that was sent."""
    answer = await client.get("headers/?a=&b=1")
    assert answer.json()["client_info"]["url"]["query"] == "a=&b=1"
