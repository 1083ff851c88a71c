"""The checks of functions, services and the machine."""

import asyncio
import gzip
import logging
import math
import ssl
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from c2casgiutils.health_checks import (
    Certificate,
    Check,
    Custom,
    DiskSpace,
    EntityResult,
    Factory,
    JsonCheckError,
    LoopLag,
    Result,
    Url,
    Version,
)
from c2casgiutils.request_tracking import CURRENT, RequestContext
from tests.support.certificates import make_certificate
from tests.support.net import wait_for


@pytest.fixture
async def factory() -> AsyncIterator[Factory]:
    factory = Factory()
    yield factory
    await factory.aclose()


async def run(factory: Factory, check: Check, **options: Any) -> EntityResult:
    factory.add(check, **options)
    return (await factory.check()).entities[-1]


class Service:
    """An HTTP server of the loopback that answers by path and remembers the requests."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []
        self.lines: list[str] = []
        self.moved_to = "/fine"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        self.lines.append(line)
        self.requests.append({key.lower(): value for key, _, value in (f.partition(": ") for f in fields)})
        path = line.split()[1].partition("?")[0]
        if path == "/hang":
            await reader.read()
        elif path == "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 3_000_000)
        elif path == "/packed":
            body = gzip.compress("größer".encode("latin-1") * 100_000)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=latin-1\r\nContent-Encoding: gzip\r\n"
                b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n"
                b"Connection: close\r\n\r\n"
                b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
            )
        elif path == "/moved":
            writer.write(
                f"HTTP/1.1 302 Found\r\nLocation: {self.moved_to}\r\n"
                "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
        else:
            status = "200 OK" if path == "/fine" else f"{path.strip('/')} Other"
            body = b'{"version": "1.2"}'
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
        writer.close()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as service:
        yield service


async def test_url(factory: Factory, service: Service) -> None:
    entity = await run(factory, Url(f"{service.url}/fine", tags=["x"]))
    assert (entity.name, entity.status, entity.payload["status"]) == ("Url", "pass", 200)


async def test_url_follows_redirects(factory: Factory, service: Service) -> None:
    assert (await run(factory, Url(f"{service.url}/moved"))).status == "pass"


async def test_url_is_not_logged(
    factory: Factory, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Httpx logs the address of each request, with its credentials."""
    caplog.set_level(logging.DEBUG)
    address = service.url.replace("//", "//me:hush-hush@")
    assert (await run(factory, Url(f"{address}/fine?pass=hush-hush"))).status == "pass"
    async with httpx.AsyncClient(verify=False) as client:  # noqa: S501  plain HTTP
        await client.get(f"{service.url}/fine?of=the-application")
    assert "hush-hush" not in caplog.text
    assert "the-application" in caplog.text


@pytest.mark.parametrize("is_other", [False, True])
async def test_url_headers_stay_at_their_origin(factory: Factory, service: Service, is_other: bool) -> None:
    """A service that redirects does not get our credentials sent to another one."""
    async with Service() as other:
        service.moved_to = f"{(other if is_other else service).url}/fine"
        check = Url(f"{service.url}/moved", headers={"X-API-Key": "hush-hush", "User-Agent": "mine"})
        assert (await run(factory, check)).status == "pass"
        sent = [request.get("x-api-key") for request in [*service.requests, *other.requests]]
        assert sent == ["hush-hush", None if is_other else "hush-hush"]


@pytest.mark.parametrize(("path", "status"), [("/503", "fail"), ("/404", "fail"), ("/204", "pass")])
async def test_url_status(factory: Factory, service: Service, path: str, status: str) -> None:
    assert (await run(factory, Url(service.url + path))).status == status


async def test_url_status_wanted(factory: Factory, service: Service) -> None:
    assert (await run(factory, Url(f"{service.url}/404", status={404}))).status == "pass"


async def test_url_that_hangs(factory: Factory, service: Service) -> None:
    entity = await run(factory, Url(f"{service.url}/hang"), timeout=2)
    assert entity.payload["message"] == "No result within 2 s while waiting for the answer"


async def test_url_refused(factory: Factory) -> None:
    entity = await run(factory, Url("http://me:hush-hush@127.0.0.1:1/"))
    assert entity.payload["error"] == "ConnectError"
    assert "hush" not in entity.model_dump_json()


async def test_url_sends_what_is_asked(factory: Factory, service: Service) -> None:
    check = Url(f"{service.url}/fine", params={"a": "b"}, headers={"Authorization": "hush-hush", "X-A": "1"})
    token = CURRENT.set(RequestContext("the-id-of-the-request"))
    try:
        await run(factory, check)
    finally:
        CURRENT.reset(token)
    (request,) = service.requests
    assert service.lines == ["GET /fine?a=b HTTP/1.1"]
    assert request["x-request-id"] == "the-id-of-the-request"
    assert (request["authorization"], request["x-a"]) == ("hush-hush", "1")


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_url_callback(factory: Factory, service: Service, kind: str) -> None:
    def read(response: httpx.Response) -> Any:
        return response.json()["version"]

    async def read_async(response: httpx.Response) -> Any:
        return read(response)

    entity = await run(factory, Url(f"{service.url}/fine", callback=read if kind == "sync" else read_async))
    assert entity.payload["result"] == "1.2"


async def test_url_callback_gets_a_whole_response(factory: Factory, service: Service) -> None:
    """Decoded, with what httpx tells of the exchange, as if httpx had read the body itself."""
    service.moved_to = "/packed"
    seen: list[httpx.Response] = []
    await run(factory, Url(f"{service.url}/moved", callback=seen.append))
    async with httpx.AsyncClient(follow_redirects=True) as client:
        wanted = await client.get(f"{service.url}/moved")
    (response,) = seen
    assert response.text == wanted.text == "größer" * 100_000
    for name in ("status_code", "reason_phrase", "http_version", "url", "encoding", "cookies", "links"):
        assert getattr(response, name) == getattr(wanted, name), name
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert [previous.status_code for previous in response.history] == [302]
    assert response.request.method == "GET"
    assert response.elapsed.total_seconds() > 0
    assert response.raise_for_status() is response


async def test_url_callback_that_raises(factory: Factory, service: Service) -> None:
    def refuse(response: httpx.Response) -> None:
        raise JsonCheckError("wrong version", {"version": response.json()["version"]})

    entity = await run(factory, Url(f"{service.url}/fine", callback=refuse))
    assert (entity.payload["message"], entity.payload["result"]) == ("wrong version", {"version": "1.2"})


async def test_url_body_is_bounded(factory: Factory, service: Service) -> None:
    entity = await run(
        factory, Url(f"{service.url}/endless", callback=lambda response: len(response.content))
    )
    assert "larger than 1048576" in entity.payload["message"]


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "x", ""])
def test_url_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="http or https"):
        Url(url)


def _fine() -> Any:
    return {"thread": threading.current_thread() is not threading.main_thread()}


async def _fine_async() -> Any:
    return Result(status_code=202, payload={"x": 1})


@pytest.mark.parametrize(
    ("function", "payload"),
    [
        pytest.param(_fine, {"thread": True}, id="sync"),
        pytest.param(_fine_async, {"x": 1}, id="async"),
        pytest.param(lambda: None, {}, id="nothing"),
        pytest.param(lambda: [1, 2], {"result": [1, 2]}, id="list"),
        pytest.param(partial(_fine_async), {"x": 1}, id="awaitable"),
    ],
)
async def test_custom(factory: Factory, function: Any, payload: Any) -> None:
    entity = await run(factory, Custom(function))
    assert (entity.status, entity.payload) == ("pass", payload)


async def test_custom_that_blocks_is_run_once(factory: Factory) -> None:
    release = threading.Event()
    runs = []
    factory.add(Custom(lambda: runs.append(release.wait(30))), timeout=0.1, ttl=0)
    for _ in range(3):
        assert (await factory.check()).entities[0].payload["error"] == "timeout"
    release.set()
    wait_for(lambda: runs == [True], what="the thread ends")


def test_custom_that_is_no_function() -> None:
    with pytest.raises(TypeError, match="takes a function"):
        Custom("x")  # type: ignore[arg-type]  # the mistake


async def test_disk(factory: Factory, tmp_path: Path) -> None:
    entity = await run(factory, DiskSpace(tmp_path, 1_000_000))
    assert entity.status == "pass"
    assert entity.payload["free_bytes"] > 0


@pytest.mark.parametrize("minimum", [1e18, 0.999999999])
async def test_disk_is_full(factory: Factory, tmp_path: Path, minimum: float) -> None:
    assert (await run(factory, DiskSpace(tmp_path, minimum))).payload["error"] == "JsonCheckError"


async def test_disk_that_is_missing(factory: Factory, tmp_path: Path) -> None:
    assert (await run(factory, DiskSpace(tmp_path / "nowhere"))).payload["error"] == "FileNotFoundError"


async def test_loop_lag(factory: Factory) -> None:
    entity = await run(factory, LoopLag(maximum=30))
    assert entity.status == "pass"
    assert entity.payload["lag_seconds"] >= 0


async def test_loop_that_is_blocked(factory: Factory) -> None:
    factory.add(LoopLag(maximum=0.05))
    task = asyncio.create_task(factory.check())
    await asyncio.sleep(0.02)
    threading.Event().wait(0.4)  # what must never be done
    assert (await task).entities[0].status == "fail"


async def test_loop_that_was_blocked(factory: Factory, local_broadcast: None) -> None:
    """Once the lag is measured all the time, a stall of a few seconds ago counts."""
    factory.add(LoopLag(maximum=0.2))
    await asyncio.sleep(0.1)
    threading.Event().wait(0.5)  # what must never be done
    await asyncio.sleep(0.3)
    (entity,) = (await factory.check()).entities
    assert entity.status == "fail"
    assert "delayed by 0." in str(entity.payload)


@pytest.mark.parametrize("check", [DiskSpace, LoopLag])
@pytest.mark.parametrize("limit", [-1, math.nan, math.inf])
def test_limits_that_make_no_sense(check: Any, limit: float) -> None:
    with pytest.raises(ValueError, match="takes a"):
        check(**{"minimum" if check is DiskSpace else "maximum": limit})


@pytest.mark.parametrize("minimum", [1, 500, 999_999])
def test_megabytes_that_are_taken_for_bytes(minimum: float) -> None:
    """A number that is neither bytes nor a fraction is refused, with the unit."""
    with pytest.raises(ValueError, match=r"in bytes, from 1000000 .* or a fraction"):
        DiskSpace("/", minimum)


@pytest.mark.parametrize(
    ("days", "trusted", "status", "text"),
    [
        pytest.param(90, True, "pass", None, id="good"),
        pytest.param(5, True, "fail", "expires in", id="expires-soon"),
        pytest.param(-1, True, "fail", "expired", id="expired"),
        pytest.param(90, False, "fail", "verify failed", id="not-trusted"),
    ],
)
async def test_certificate(
    factory: Factory, tmp_path: Path, *, days: float, trusted: bool, status: str, text: str | None
) -> None:
    cert_file, key_file = make_certificate(tmp_path, days)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(cert_file, key_file)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    context = ssl.create_default_context(cafile=str(cert_file)) if trusted else None
    async with server:
        entity = await run(factory, Certificate(f"https://localhost:{port}/", context=context))
    assert entity.status == status
    assert text is None or text in entity.payload["message"]


@pytest.mark.parametrize("number", [-1, math.nan])
def test_periods_that_make_no_sense(number: float) -> None:
    """The error says what is accepted."""
    with pytest.raises(ValueError, match="a number of days, 0 or more"):
        Certificate("https://localhost", days=number)
    with pytest.raises(ValueError, match=r"deployment_seconds is .* 0 or more"):
        Version(deployment_seconds=number)


@pytest.mark.parametrize("url", ["http://x", "", "https://"])
def test_certificate_url(url: str) -> None:
    with pytest.raises(ValueError, match="https URL"):
        Certificate(url)


@pytest.fixture
def git_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "versions.json").write_text('{"main": {"git_hash": "abc123"}, "packages": {}}')
    monkeypatch.chdir(tmp_path)
    return "abc123"


async def test_version_not_known(factory: Factory) -> None:
    assert (await run(factory, Version())).status == "skip"


async def test_version_of_one_process(factory: Factory, git_hash: str) -> None:
    entity = await run(factory, Version())
    assert (entity.status, entity.payload) == ("pass", {"version": git_hash, "count": 1})
