"""The table of levels in `docs/security.md`: complete, and true for strangers."""

import re

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from c2casgiutils._app import create_app
from tests.support.table_of_levels import ROWS

OUTSIDE_THE_SCHEMA = {
    *("GET /", "GET /livez", "GET /readyz", "GET /startupz"),
    *("GET /openapi.json", "GET /docs", "GET /redoc"),
    *("GET /levels", "POST /levels", "GET /requests", "POST /requests"),
    *("POST /diagnostics", "GET /database", "POST /database"),
    *("GET /statements", "POST /statements", "GET /activity"),
    *("GET /processes", "GET /process", "POST /process", "GET /checks"),
    *("GET /requests", "POST /requests", "POST /diagnostics", "GET /database", "POST /database"),
    *("GET /github-login", "GET /github-callback", "GET /github-logout"),
}


def test_each_route_has_a_row() -> None:
    """A route of the OpenAPI document without a level in the table fails, and a row without a route too."""
    paths = create_app().openapi()["paths"]
    documented = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(ROWS) == documented | OUTSIDE_THE_SCHEMA


@pytest.mark.parametrize("row", ROWS)
async def test_strangers(row: str, operations: FastAPI) -> None:
    """What needs a level is refused without a sign-in, and nothing else is."""
    config.settings = config.Settings(
        auth={"secret": "a secret that nobody knows here"}, debug={"enabled": True}
    )
    method, _, path = row.partition(" ")
    app = FastAPI()
    app.mount("/c2c", operations)
    body = {"name": "root", "level": "INFO"} if row == "POST /logging/level" else None
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver/c2c") as client,
    ):
        url = re.sub(r"{\w+}", "x", path)
        answer = await client.request(method, url, params={"name": "root"}, json=body)
    assert (answer.status_code == 403) is (ROWS[row] != "everybody")
