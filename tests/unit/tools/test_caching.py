"""What caches are told about the views."""

import re
from collections.abc import Iterator

import httpx
import pytest

from c2casgiutils import config
from c2casgiutils._app import create_app

OUTSIDE_THE_SCHEMA = [
    *("GET /", "GET /processes", "GET /process", "GET /checks", "GET /statements", "GET /nothing-here"),
    *("GET /livez", "GET /readyz?verbose", "GET /startupz", "GET /openapi.json", "GET /docs", "PATCH /livez"),
]
DEPENDS_ON = {"accept", "authorization", "cookie", "x-api-key"}


def _requests() -> Iterator[str]:
    """One request for each route, without those that take long or end a process."""
    for path, methods in create_app().openapi()["paths"].items():
        for method in methods:
            yield f"{method.upper()} {re.sub('{[^}]+}', 'x', path)}"
    yield from OUTSIDE_THE_SCHEMA


@pytest.mark.parametrize("who", ["stranger", "signed in"])
async def test_no_cache_mixes_callers(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Each answer forbids caching, and names what it depends on for caches that keep it nevertheless."""
    monkeypatch.setattr(config.settings.debug, "enabled", True)
    if who == "stranger":
        del client.headers["X-API-Key"]
    wrong = []
    for request in _requests():
        method, _, path = request.partition(" ")
        if who == "signed in" and (method != "GET" or "/profile" in path):
            continue
        answer = await client.request(
            method, path.removeprefix("/"), params={"time": 0} if "sleep" in path else None
        )
        varies = {name.strip().lower() for name in answer.headers.get("vary", "").split(",")}
        if not varies >= DEPENDS_ON or "no-store" not in answer.headers.get("cache-control", ""):
            wrong.append((request, answer.status_code, dict(answer.headers)))
        assert len(answer.headers.get_list("vary")) == 1, request
    assert not wrong


async def test_crash(client: httpx.AsyncClient) -> None:
    """An answer that is sent outside of all middlewares has the headers too."""
    config.settings.debug.enabled = True
    answer = await client.get("debug/error", params={"unhandled": True})
    assert answer.status_code == 500
    assert {name.strip().lower() for name in answer.headers["vary"].split(",")} == DEPENDS_ON


async def test_files_are_shared(client: httpx.AsyncClient) -> None:
    """The files of the page, the same for everybody, stay cacheable."""
    page = (await client.get("")).text
    (name,) = set(re.findall(r"static/(c2c\.[0-9a-f]+\.css)", page))
    answer = await client.get(f"static/{name}")
    assert "vary" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
