"""Where the test user is let in."""

from typing import Any

import httpx
import pytest

from tests.support.auth import configure, configure_test_user, make_app


def _client(host: str, *, client: Any = ("127.0.0.1", 1), server: Any = None) -> httpx.AsyncClient:
    app = make_app()

    async def at_address(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": client, "server": server}, receive, send)

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(at_address), base_url="http://x", headers={"Host": host}
    )


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "LOCALHOST",
        "app.localhost",
        "127.0.0.1",
        "127.9.9.9:80",
        "[::1]:80",
    ],
)
async def test_let_in_on_a_loopback_host(host: str) -> None:
    """Without development, a browser of this machine at a loopback name is the test user."""
    configure(test={"username": "Someone"})
    async with _client(host, server=("127.0.0.1", 8080)) as client:
        assert (await client.get("/c2c/admin")).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:80",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
        ),
        *(
            "10.0.0.1",
            "0.0.0.0",
            "[2001:db8::1]",
            "localhost@evil.example",
            "localhost/evil.example",
            "localhost:x",
            "",
        ),
    ],
)
async def test_dns_rebinding(host: str) -> None:
    """A page whose name resolves to this machine is nobody, whatever the connection looks like."""
    configure(test={"username": "Someone"})
    async with _client(host) as client:
        answer = await client.get("/c2c/admin")
        status = (await client.get("/c2c/auth/status")).json()
    assert answer.status_code == 403
    assert "C2C__DEVELOPMENT" in answer.json()["detail"]
    assert status["is_logged_in"] is False


@pytest.mark.parametrize(
    "ends",
    [
        {"client": ("192.0.2.7", 1), "server": ("192.0.2.1", 80)},
        {"client": ("192.0.2.7", 1)},
        {"client": ("127.0.0.1", 1), "server": ("192.0.2.1", 80)},
        {"client": ("2001:db8::7", 1)},
        {"client": None, "server": ("/run/app.sock", None)},
    ],
    ids=["network", "client", "server", "IPv6", "Unix socket"],
)
async def test_forged_host(ends: dict[str, Any]) -> None:
    """Others on the network, or behind a proxy on a Unix socket, gain nothing with `Host: localhost`."""
    configure(test={"username": "Someone"})
    async with _client("localhost", **ends) as client:
        assert (await client.get("/c2c/admin")).status_code == 403


@pytest.mark.parametrize("host", ["testserver", "app.example.com"])
async def test_let_in_during_development(host: str) -> None:
    """With `C2C__DEVELOPMENT` the host does not matter."""
    configure_test_user()
    async with _client(host, client=("192.0.2.7", 1)) as client:
        assert (await client.get("/c2c/admin")).status_code == 200
