"""The API, and what operates it."""

import httpx
{%- if cookiecutter.database != "none" %}
import pytest
{%- endif %}
from conftest import SECRET


async def test_greeting(client: httpx.AsyncClient) -> None:
    """The name is greeted."""
    response = await client.get("/", params={"name": "Ada"})
    assert response.json() == {"message": "Hello Ada"}
{%- if cookiecutter.database != "none" %}


@pytest.mark.usefixtures("undone")
async def test_items(client: httpx.AsyncClient) -> None:
    """An item is created once and found."""
    assert (await client.get("/items")).json() == []
    created = await client.post("/items", json={"name": "one"})
    assert created.status_code == 201
    assert (await client.post("/items", json={"name": "one"})).status_code == 409
    assert (await client.get(f"/items/{created.json()['id']}")).json() == created.json()
    assert (await client.get("/items")).json() == [created.json()]
    assert (await client.get("/items/0")).status_code == 404
{%- endif %}


async def test_health(client: httpx.AsyncClient) -> None:
    """All checks pass."""
    response = await client.get("/c2c/health_checks")
    assert response.status_code == 200, response.text


async def test_operations_need_the_secret(client: httpx.AsyncClient) -> None:
    """Nobody else sees the metrics."""
    assert (await client.get("/c2c/metrics")).status_code == 403
    assert (await client.get("/c2c/metrics", headers={"X-API-Key": SECRET})).status_code == 200


async def test_security_headers(client: httpx.AsyncClient) -> None:
    """They are on every answer."""
    assert (await client.get("/")).headers["x-content-type-options"] == "nosniff"


async def test_request_id(client: httpx.AsyncClient) -> None:
    """An answer has the id of its request."""
    response = await client.get("/", headers={"X-Request-ID": "mine"})
    assert response.headers["x-request-id"] == "mine"
