"""Requests that a browser sends ahead of its visitor, at the wish of any page: prefetches and prerenders."""

import httpx
import pytest

from tests.support.auth import COOKIE, KEY, SECRET, configure

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SPECULATIONS = {
    "prefetch": {**NAVIGATION, "Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch"},
    "prerender": {**NAVIGATION, "Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch;prerender"},
    "through a proxy": {**NAVIGATION, "Sec-Purpose": "prefetch;anonymous-client-ip"},
    "cross-site": {**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Sec-Purpose": "prefetch"},
    "same site": {**NAVIGATION, "Sec-Fetch-Site": "same-site", "Sec-Purpose": "prefetch"},
    "own page": {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch;prerender"},
    "older Chromium": {"Purpose": "prefetch"},
    "older Firefox": {"X-Moz": "prefetch"},
    "other case": {"Sec-Purpose": "Prefetch; prerender"},
}


@pytest.fixture(autouse=True)
def _secret_mode() -> None:
    configure(secret=SECRET, jwt={"secret": KEY}, throttle_per_client=1)


async def sign_in(client: httpx.AsyncClient) -> None:
    response = await client.post("/c2c/auth/login", data={"secret": SECRET})
    assert response.status_code == 200


@pytest.mark.parametrize("headers", SPECULATIONS.values(), ids=SPECULATIONS)
@pytest.mark.parametrize("path", ["/c2c/read", "/c2c/auth/login", "/c2c/auth/status"])
async def test_guesses_nothing(client: httpx.AsyncClient, headers: dict[str, str], path: str) -> None:
    """A secret in its query is neither compared nor counted."""
    for secret in ("wrong", SECRET, "wrong"):
        response = await client.get(path, params={"secret": secret}, headers=headers)
        assert response.status_code == 503
        assert "prefetch" in response.json()["detail"]
        assert COOKIE not in client.cookies
    await sign_in(client)


@pytest.mark.parametrize("headers", SPECULATIONS.values(), ids=SPECULATIONS)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/c2c/auth/logout"), ("POST", "/c2c/auth/logout"), ("POST", "/c2c/write")],
)
async def test_changes_nothing(
    client: httpx.AsyncClient, headers: dict[str, str], method: str, path: str
) -> None:
    """It neither signs out nor changes anything by the session, which stays valid."""
    await sign_in(client)
    response = await client.request(method, path, headers=headers)
    assert response.status_code == 503
    assert "set-cookie" not in response.headers
    assert (await client.get("/c2c/read", headers=headers)).status_code == 200


@pytest.mark.parametrize("headers", SPECULATIONS.values(), ids=SPECULATIONS)
async def test_signs_nobody_in(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """No way to give the secret starts a session."""
    for method in ("GET", "POST"):
        response = await client.request(method, "/c2c/auth/login", headers={**headers, "X-API-Key": SECRET})
        assert response.status_code == 503
    assert COOKIE not in client.cookies


async def test_another_purpose(client: httpx.AsyncClient) -> None:
    """Only speculation is refused."""
    response = await client.get("/c2c/auth/login", params={"secret": SECRET}, headers={"Purpose": "none"})
    assert response.status_code == 200
