"""The API, and what operates it."""
{% if cookiecutter.database != "none" %}
import pytest
{%- endif %}
from c2casgiutils.acceptance import AsyncConnection
from conftest import SECRET


async def test_greeting(async_app_connection: AsyncConnection) -> None:
    """The name is greeted."""
    greeting = await async_app_connection.get_json("/", params={"name": "Ada"})
    assert greeting == {"message": "Hello Ada"}
{%- if cookiecutter.database != "none" %}


@pytest.mark.usefixtures("undone")
async def test_items(async_app_connection: AsyncConnection) -> None:
    """An item is created once and found."""
    connection = async_app_connection
    assert await connection.get_json("/items") == []
    created = await connection.post_json("/items", json={"name": "one"}, expected_status=201)
    await connection.post_json("/items", json={"name": "one"}, expected_status=409)
    assert await connection.get_json(f"/items/{created['id']}") == created
    assert await connection.get_json("/items") == [created]
    await connection.get("/items/0", expected_status=404)
{%- endif %}


async def test_health(async_app_connection: AsyncConnection) -> None:
    """All checks pass."""
    await async_app_connection.get("/c2c/health_checks")


async def test_operations_need_the_secret(async_app_connection: AsyncConnection) -> None:
    """Nobody else sees the metrics."""
    await async_app_connection.get("/c2c/metrics", expected_status=403)
    await async_app_connection.get("/c2c/metrics", headers={"X-API-Key": SECRET})


async def test_security_headers(async_app_connection: AsyncConnection) -> None:
    """They are on every answer."""
    response = await async_app_connection.get_raw("/")
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_request_id(async_app_connection: AsyncConnection) -> None:
    """An answer has the id of its request."""
    response = await async_app_connection.get_raw("/", headers={"X-Request-ID": "mine"})
    assert response.headers["x-request-id"] == "mine"
