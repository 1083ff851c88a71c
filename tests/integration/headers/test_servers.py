"""Both middlewares under a real uvicorn, with each of its HTTP implementations."""

import asyncio
import http.client
import json
from collections.abc import Iterator

import httpx
import pytest
import websockets

from tests.support.net import eventually
from tests.support.processes import Uvicorn

FORWARDED = {
    "X-Forwarded-For": "9.9.9.9, 1.2.3.4",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "www.ex.com",
    "X-Forwarded-Port": "8443",
}


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request: pytest.FixtureRequest) -> Iterator[Uvicorn]:
    with Uvicorn("tests.support.headers_app:app", "--http", request.param) as server:
        yield server


def assert_headers(headers: httpx.Headers | websockets.Headers, *, has_cache_control: bool = True) -> None:
    def values(name: str) -> list[str]:
        return headers.get_list(name) if isinstance(headers, httpx.Headers) else headers.get_all(name)

    assert values("x-content-type-options") == ["nosniff"]
    assert values("content-security-policy") == ["default-src 'self'"]
    assert values("cache-control") == ["no-cache, no-store"] * has_cache_control


@pytest.mark.parametrize("status", [200, 204, 206, 304, 404, 500])
def test_e19_every_status(server: Uvicorn, status: int) -> None:
    """Strict servers take all values."""
    response = httpx.get(f"{server.url}/status/{status}")
    assert response.status_code == status
    assert_headers(response.headers)
    assert response.headers["x-list"].encode("latin-1") == "a; é".encode("latin-1")
    assert response.headers["x-empty"] == ""


def test_e09_head(server: Uvicorn) -> None:
    get, head = httpx.get(server.url), httpx.head(server.url)
    assert head.content == b""
    skipped = {"date", "content-length"}
    assert {k: v for k, v in head.headers.items() if k not in skipped} == {
        k: v for k, v in get.headers.items() if k not in skipped
    }


def test_e05_exception(server: Uvicorn) -> None:
    """The plain 500 with the headers, and exactly one traceback in the log of the server."""
    before = server.output
    response = httpx.get(f"{server.url}/boom")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert_headers(response.headers)

    async def is_logged() -> bool:
        return server.output.count("an exception of the endpoint") > before.count(
            "an exception of the endpoint"
        )

    asyncio.run(eventually(is_logged))
    for once in ("Traceback (most recent call last)", "Exception in ASGI application"):
        assert server.output.count(once) - before.count(once) == 1


def test_e12_broken_stream(server: Uvicorn) -> None:
    """The connection is aborted: the client knows that the body is not whole."""
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/broken")


async def test_e12_server_sent_events(server: Uvicorn) -> None:
    """Events arrive one by one, and the application sees that the client went away."""
    async with httpx.AsyncClient(timeout=10) as http:
        async with http.stream("GET", f"{server.url}/events") as response:
            assert_headers(response.headers)
            lines = response.aiter_lines()
            assert [await anext(lines) for _ in range(3)] == ["data: 0", "", "data: 1"]

        async def is_ended() -> bool:
            return "stream ended" in (await http.get(f"{server.url}/seen")).json()

        await eventually(is_ended)


async def test_p14_background_task(server: Uvicorn) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{server.url}/background")).json() == "ok"

        async def is_done() -> bool:
            return "background" in (await http.get(f"{server.url}/seen")).json()

        await eventually(is_done)


def test_forwarded(server: Uvicorn) -> None:
    scope = httpx.get(server.url, headers=FORWARDED).json()
    assert scope["url"] == "https://www.ex.com:8443/"
    assert (scope["scheme"], scope["server"], scope["client"]) == (
        "https",
        ["www.ex.com", 8443],
        ["1.2.3.4", 0],
    )


@pytest.mark.parametrize(
    "host", ["www\u00e9.ex", "a b", "a\tb", "[::1", "x" * 5000, "user@evil.ex", "evil.ex/x", ""]
)
def test_hostile_host(server: Uvicorn, host: str) -> None:
    """Never an error, and nothing applied."""
    port = server.port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", "/")
    connection.putheader("X-Forwarded-Host", host.encode("latin-1"))
    connection.putheader("X-Forwarded-Port", "²".encode("latin-1"))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 200
    assert json.loads(response.read())["url"] == f"http://127.0.0.1:{port}/"
    connection.close()


async def test_x38_websocket(server: Uvicorn) -> None:
    url = server.url.replace("http", "ws")
    async with websockets.connect(f"{url}/echo", additional_headers=FORWARDED, proxy=None) as websocket:
        seen = json.loads(await websocket.recv())
        await websocket.send("hello")
        assert await websocket.recv() == "hello"
    assert seen == {"url": "wss://www.ex.com:8443/echo", "client": ["1.2.3.4", 0]}


async def test_e11_denied_websocket(server: Uvicorn) -> None:
    url = server.url.replace("http", "ws")
    with pytest.raises(websockets.InvalidStatus) as raised:
        await websockets.connect(f"{url}/denied", proxy=None)
    response = raised.value.response
    assert response.status_code == 403
    assert_headers(response.headers)
    assert json.loads(response.body or b"") == {"detail": "no"}


@pytest.mark.parametrize(
    "chain", ["203.0.113.9", "203.0.113.9:51234", "127.0.0.1:9", "[::ffff:127.0.0.1]:9", "127.0.0.1: +9"]
)
async def test_x36_proxy_headers_left_on(chain: str) -> None:
    """Uvicorn's own option hides the peer: nothing is applied, one warning names the flags."""
    forged = {**FORWARDED, "X-Forwarded-For": chain}
    env = {"FORWARDED_ALLOW_IPS": "*"}
    with Uvicorn("tests.support.headers_app:app", "--proxy-headers", env=env) as server:
        async with httpx.AsyncClient() as http:
            for _ in range(2):
                scope = (await http.get(server.url, headers=forged)).json()
                assert scope["server"] == ["127.0.0.1", server.port]
                assert "www.ex.com" not in scope["url"]
        url = f"{server.url.replace('http', 'ws')}/echo"
        async with websockets.connect(url, additional_headers=forged, proxy=None) as websocket:
            assert "www.ex.com" not in json.loads(await websocket.recv())["url"]
            await websocket.send("")
        assert server.output.count("--no-proxy-headers") == 1
        assert server.output.count("--forwarded-allow-ips=") == 1


async def test_access_log_names_the_client(server: Uvicorn) -> None:
    """Not the proxy, whose address would be on every line; for websockets too."""
    async with httpx.AsyncClient() as http:
        await http.get(f"{server.url}/seen", headers={"X-Forwarded-For": "198.51.100.7"})
    url = f"{server.url.replace('http', 'ws')}/echo"
    forwarded = {"X-Forwarded-For": "198.51.100.8"}
    async with websockets.connect(url, additional_headers=forwarded, proxy=None) as websocket:
        await websocket.send("")

    async def is_logged() -> bool:
        return '198.51.100.7:0 - "GET /seen' in server.output and '198.51.100.8:0 - "WebSocket /echo"' in (
            server.output
        )

    await eventually(is_logged)
