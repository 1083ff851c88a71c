"""Rows 6 and 7: `Forwarded` as proxies write it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.processes import Uvicorn


@pytest.fixture(scope="module")
def server() -> Iterator[Uvicorn]:
    env = {"C2C__PROXY_HEADERS__TYPE": "forwarded"}
    with Uvicorn("tests.compat.applications.proxied:app", "--no-proxy-headers", env=env) as server:
        yield server


@pytest.mark.parametrize(
    ("forwarded", "callback", "client"),
    [
        pytest.param(
            "for=1.2.3.4:4711;host=a.example:8443;proto=https",
            "https://a.example:8443/seen",
            "1.2.3.4",
            id="ports without quotes",
        ),
        pytest.param(
            "for=[2001:db8::1];host=a.example;proto=https",
            "https://a.example/seen",
            "2001:db8::1",
            id="IPv6 without quotes",
        ),
        pytest.param(
            "for=unknown;host=a.example", "http://a.example/seen", "127.0.0.1", id="unknown client: the peer"
        ),
    ],
)
def test_forwarded(server: Uvicorn, forwarded: str, callback: str, client: str) -> None:
    reply = httpx.get(f"{server.url}/seen", headers={"Forwarded": forwarded})
    assert reply.json() == {"callback": callback, "client": client}


def test_a_broken_value_is_one_warning(server: Uvicorn) -> None:
    for _ in range(3):
        reply = httpx.get(f"{server.url}/seen", headers={"Forwarded": 'for=1.2.3.4;host="a b";proto=https'})
        assert reply.json()["client"] == "1.2.3.4"
        assert reply.json()["callback"].startswith("https://127.0.0.1")
    assert server.output.count("Ignored the invalid value of forwarded") == 1
