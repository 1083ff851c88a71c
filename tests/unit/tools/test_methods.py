"""Requests with a method that a view does not have."""

import httpx
import pytest
from fastapi import FastAPI

from c2casgiutils._app import create_app


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        pytest.param("/levels", "GET, HEAD, POST", id="page"),
        pytest.param("/logging/level", "GET, HEAD, POST", id="two routes"),
        pytest.param("/auth/login", "GET, HEAD, POST", id="sign-in"),
        pytest.param("/drain", "DELETE, POST", id="no GET"),
        pytest.param("/headers/a/b", "GET, HEAD", id="path parameters"),
        pytest.param("/static/c2c.css", "GET, HEAD", id="static file"),
        pytest.param("/openapi.json", "GET, HEAD", id="documentation"),
    ],
)
async def test_all_methods_of_the_path_are_listed(path: str, allowed: str) -> None:
    """A 405 response lists the methods of all routes with this path (RFC 9110, 15.5.6)."""
    app = FastAPI()
    app.mount("/c2c", create_app())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        reply = await client.patch(f"/c2c{path}")
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)
    assert reply.json()["detail"] == "Method Not Allowed"
