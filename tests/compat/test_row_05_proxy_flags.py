"""Row 5: uvicorn with the flags of the README of 0.x, which hide the peer."""

import httpx
import pytest

from tests.support.processes import Uvicorn

FLAGS = ("--proxy-headers", "--forwarded-allow-ips=*")
HEADERS = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "app.example.com",
}


@pytest.mark.parametrize("chain", ["203.0.113.9", "203.0.113.9:51234", "203.0.113.9, 10.0.0.7"])
def test_everyone_is_trusted(chain: str) -> None:
    """Host and scheme are applied, so that the callback of OAuth is right."""
    env = {"C2C__PROXY_HEADERS__TYPE": "x-forwarded", "C2C__PROXY_HEADERS__TRUSTED_HOSTS": "*"}
    with Uvicorn("tests.compat.applications.proxied:app", *FLAGS, env=env) as server:
        seen = httpx.get(f"{server.url}/seen", headers={**HEADERS, "X-Forwarded-For": chain}).json()
        assert seen == {"callback": "https://app.example.com/seen", "client": "203.0.113.9"}
        assert "--no-proxy-headers" not in server.output


def test_a_list_stays_refused() -> None:
    """A client could pose as a proxy: the host is not applied, and a warning names the flag."""
    env = {"C2C__PROXY_HEADERS__TYPE": "x-forwarded", "C2C__PROXY_HEADERS__TRUSTED_HOSTS": "127.0.0.1"}
    with Uvicorn("tests.compat.applications.proxied:app", *FLAGS, env=env) as server:
        forged = {**HEADERS, "X-Forwarded-For": "127.0.0.1:9"}
        seen = httpx.get(f"{server.url}/seen", headers=forged).json()
        assert "app.example.com" not in seen["callback"]
        assert server.output.count("--no-proxy-headers") == 1
