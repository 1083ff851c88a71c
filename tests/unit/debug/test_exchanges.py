"""What is kept of the last requests."""

import asyncio
import datetime
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.types import Message

import c2casgiutils
from c2casgiutils import headers, health_checks
from c2casgiutils._app import create_app
from c2casgiutils.debug import Exchange, ExchangesMiddleware, read_exchanges
from c2casgiutils.debug._state import STATE
from c2casgiutils.request_tracking import RequestTrackingMiddleware
from tests.support.net import eventually


@pytest.fixture(autouse=True)
def _nothing_recorded() -> Iterator[None]:
    STATE.exchanges.clear()
    yield
    STATE.exchanges.clear()


ROUTER = APIRouter()


@ROUTER.get("/items/{item}")
async def item(item: str) -> str:
    return item


@ROUTER.get("/status/{status}")
async def status(status: int) -> Response:
    if status >= 400:
        raise HTTPException(status)
    return Response(status_code=status)


@ROUTER.get("/crash")
async def crash() -> None:
    raise ZeroDivisionError


@ROUTER.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        for _ in range(3):
            yield "part"
            await asyncio.sleep(0.02)

    return StreamingResponse(parts())


@ROUTER.get("/background")
async def background(tasks: BackgroundTasks) -> None:
    tasks.add_task(asyncio.sleep, 0.2)


@ROUTER.get("/silent")
async def silent() -> None:
    await asyncio.sleep(30)


@ROUTER.websocket("/socket/{name}")
async def socket(websocket: WebSocket, name: str) -> None:
    if name == "accepted":
        await websocket.accept()
    if name == "crashed":
        raise ZeroDivisionError
    await websocket.close()


def make_app() -> FastAPI:
    """An application with each kind of answer."""
    app = FastAPI(lifespan=c2casgiutils.lifespan)
    app.include_router(ROUTER, prefix="/v1")
    tenant = FastAPI()
    tenant.include_router(ROUTER)
    app.mount("/tenants/{tenant}", tenant)
    app.mount("/items/{item}", tenant)
    app.mount("/deep/{one}", nested := FastAPI())
    nested.mount("/er/{two}", tenant)
    app.mount("/c2c", create_app())
    health_checks.probes(app)
    return app


async def call(app: Any, path: str, method: str = "GET", **options: Any) -> list[Exchange]:
    """What is recorded of a request of an application that runs."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, **options)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        await client.request(method, path)
    return read_exchanges().exchanges


TABLE = [
    ("GET", "/v1/items/secret-thing?token=abc", "GET", "/v1/items/{item}", 200),
    ("HEAD", "/v1/items/x", "HEAD", "/v1/items/{item}", 405),
    ("POST", "/v1/items/x", "POST", "/v1/items/{item}", 405),
    ("GET", "/v1/status/304", "GET", "/v1/status/{status}", 304),
    ("GET", "/v1/status/204", "GET", "/v1/status/{status}", 204),
    ("GET", "/v1/status/503", "GET", "/v1/status/{status}", 503),
    ("GET", "/v1/status/x", "GET", "/v1/status/{status}", 422),
    ("GET", "/v1/crash", "GET", "/v1/crash", 500),
    ("GET", "/v1/stream", "GET", "/v1/stream", 200),
    ("GET", "/tenants/alice/items/x", "GET", "/tenants/{tenant}/items/{item}", 200),
    ("GET", "/tenants/items/items/items", "GET", "/tenants/{tenant}/items/{item}", 200),
    ("GET", "/tenants/tenants/items/x", "GET", "/tenants/{tenant}/items/{item}", 200),
    ("GET", "/items/alice/items/x", "GET", "/items/{item}/items/{item}", 200),
    ("GET", "/deep/1/er/1/items/x", "GET", "/deep/{one}/er/{two}/items/{item}", 200),
    ("GET", "/tenants/alice/nothing", "GET", None, 404),
    ("GET", "/somebody@example.com", "GET", None, 404),
    ("BREW", "/v1/items/x", "other", "/v1/items/{item}", 405),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: " ".join(case[:2]))
@pytest.mark.parametrize("root_path", ["", "/root"])
async def test_request(case: tuple[str, str, str, str | None, int], root_path: str) -> None:
    """A request has its method, the template of its route with those of the mounts, and its status."""
    method, path, *expected = case
    app = make_app()
    async with c2casgiutils.lifespan(app):
        (found,) = await call(app, root_path + path, method, root_path=root_path)
    assert [found.method, found.route, found.status] == expected
    shown = found.model_dump_json(exclude={"instance", "request_id"})  # these are random, and may have "abc"
    assert "secret-thing" not in shown
    assert "abc" not in shown


LEFT_OUT = [
    "/livez",
    "/readyz",
    "/c2c/",
    "/c2c/livez",
    "/c2c/health_checks",
    "/c2c/debug/time",
    "/c2c/nothing",
]


@pytest.mark.parametrize("path", LEFT_OUT)
async def test_left_out(path: str) -> None:
    """What is requested all the time, probes and our own views, does not replace other requests."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        assert await call(app, path) == []
        assert await call(app, path, "HEAD") == []


async def test_bounded() -> None:
    """The last 200 requests are kept, newest first."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        before = datetime.datetime.now(datetime.UTC)
        for number in range(205):
            await call(app, f"/v1/status/{200 + number}")
        after = datetime.datetime.now(datetime.UTC)
        found = read_exchanges().exchanges
    assert [exchange.status for exchange in found] == list(range(404, 204, -1))
    assert all(before <= exchange.at <= after for exchange in found)


@pytest.mark.parametrize("how", ["lifespan", "started twice", "started before the stack", "mounted twice"])
async def test_recorded_once(how: str) -> None:
    """A request is recorded once, however the application was started."""
    app: Any = make_app()
    if how == "started before the stack":
        await c2casgiutils.startup(app)
        await c2casgiutils.shutdown()
    elif how == "started twice":
        async with c2casgiutils.lifespan(app):
            pass
    outer = FastAPI()
    outer.mount("/outer", app)
    async with c2casgiutils.lifespan(app):
        if how != "mounted twice":
            assert len(await call(app, "/v1/items/x")) == 1
            return
        outer.add_middleware(ExchangesMiddleware)
        (found,) = await call(outer, "/outer/v1/items/x")
        assert found.route == "/outer/v1/items/{item}"


async def test_time() -> None:
    """The time of a stream is that until its end, without the background tasks after an answer."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        (stream,) = await call(app, "/v1/stream")
        assert 40 < stream.ms < 5000
        began = time.monotonic()
        background, _ = await call(app, "/v1/background")
        assert background.ms < (time.monotonic() - began - 0.19) * 1000


async def test_recorded_before_the_background_tasks() -> None:
    """A request is there as soon as it is answered."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        task = asyncio.create_task(call(app, "/v1/background"))

        async def is_recorded() -> bool:
            return bool(read_exchanges().exchanges)

        await eventually(is_recorded, what="the record")
        assert not task.done()
        assert len(await task) == 1


async def test_request_id() -> None:
    """A tracked request has its id."""
    app = make_app()
    app.add_middleware(RequestTrackingMiddleware)
    async with c2casgiutils.lifespan(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await client.get("/v1/items/x", headers={"X-Request-ID": "the id"})
        assert read_exchanges().exchanges[0].request_id == "the id"


@pytest.mark.parametrize("id_", ["\ud800", "x" * 10_000, 5, b"a", "a\nb", None])
async def test_strange_request_id(id_: object) -> None:
    """An id that an application made itself is shown only if it can be."""
    app = FastAPI()

    @app.middleware("http")
    async def set_id(request: Any, call_next: Any) -> Any:
        request.state.request_id = id_
        return await call_next(request)

    async with c2casgiutils.lifespan(app):
        (found,) = await call(app, "/")
    assert found.request_id is None


STRANGE: list[dict[str, Any]] = [
    {"route": str},
    {"state": None},
    {"path_params": 5, "root_path": "/x"},
    {"fastapi": 5},
]


@pytest.mark.parametrize("change", [*STRANGE, {"root_path": None}], ids=str)
async def test_strange_scope(change: dict[str, Any]) -> None:
    """Whatever an application puts into its scope, its requests are answered, and the list is shown."""

    async def strange(scope: Any, receive: Any, send: Any) -> None:
        scope |= {"route": APIRoute("/x", lambda: None), **change}
        await PlainTextResponse("fine")(scope, receive, send)

    transport = httpx.ASGITransport(ExchangesMiddleware(strange))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get("/x")).text == "fine"
    read_exchanges(route="x").model_dump_json()


async def test_behind_a_proxy() -> None:
    """The route is found although the forwarded headers change a copy of the scope."""
    app = make_app()
    app.add_middleware(headers.ForwardedHeadersMiddleware, trusted_hosts="*", apply_prefix=True)
    async with c2casgiutils.lifespan(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await client.get("/v1/items/x", headers={"X-Forwarded-Proto": "https"})
            await client.get("/tenants/a/items/x", headers={"X-Forwarded-Prefix": "/public/tenants/b"})
            await client.get("/c2c/nothing", headers={"X-Forwarded-Proto": "https"})
    found = [exchange.route for exchange in read_exchanges().exchanges]
    assert found == ["/tenants/{tenant}/items/{item}", "/v1/items/{item}"]


async def run(app: Any, scope: dict[str, Any], incoming: list[Message]) -> list[Message]:
    """Call an application as a server does; nothing more comes in after the given messages."""
    sent: list[Message] = []

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        await asyncio.sleep(30)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    empty = {"headers": [], "query_string": b"", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    await app({"scheme": "http", "root_path": "", **empty, **scope}, receive, send)
    return sent


@pytest.mark.parametrize(("name", "status"), [("accepted", 101), ("refused", 403), ("crashed", 500)])
async def test_websocket(name: str, status: int) -> None:
    """A websocket is recorded when it ends, with the status of its handshake."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        scope = {"type": "websocket", "path": f"/v1/socket/{name}", "scheme": "ws", "subprotocols": []}
        try:
            await run(app, scope, [{"type": "websocket.connect"}])
        except ZeroDivisionError:
            assert name == "crashed"
    (found,) = read_exchanges().exchanges
    assert (found.method, found.route, found.status) == ("WEBSOCKET", "/v1/socket/{name}", status)


async def test_cancelled() -> None:
    """A request that a server cancels before its answer has the status 499, as at nginx."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        scope = {"type": "http", "path": "/v1/silent", "method": "GET", "http_version": "1.1"}
        task = asyncio.create_task(run(app, scope, [{"type": "http.request", "body": b""}]))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (found,) = read_exchanges().exchanges
    assert (found.route, found.status) == ("/v1/silent", 499)
    assert found.ms >= 40


async def test_time_of_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same whenever it is read, however far apart the two clocks were looked at."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        await call(app, "/v1/stream")
        monkeypatch.setattr("time.perf_counter", lambda: 1000.0)
        found = []
        for late in (0.0, 0.000001, 0.0001):
            monkeypatch.setattr("c2casgiutils.broadcast.now", lambda late=late: 1_800_000_000.0 + late)
            found += [exchange.at for exchange in read_exchanges().exchanges]
        assert len(found) == 3
        assert len(set(found)) == 1


async def test_selection() -> None:
    """Requests are selected by status, class of status, part of the route, and duration."""
    app = make_app()
    async with c2casgiutils.lifespan(app):
        for path in (
            "/v1/status/201",
            "/v1/status/500",
            "/v1/status/503",
            "/v1/items/x",
            "/v1/stream",
            "/no",
        ):
            await call(app, path)
        assert [e.status for e in read_exchanges(status="5xx").exchanges] == [503, 500]
        assert [e.status for e in read_exchanges(status="5XX").exchanges] == [503, 500]
        assert [e.status for e in read_exchanges(status="503").exchanges] == [503]
        assert [e.status for e in read_exchanges(status="504").exchanges] == []
        assert [e.route for e in read_exchanges(route="items/{").exchanges] == ["/v1/items/{item}"]
        slow = read_exchanges(min_ms=40).exchanges  # of a loaded machine perhaps others, too
        assert "/v1/stream" in [e.route for e in slow]
        assert all(e.ms >= 40 for e in slow)
        assert len(read_exchanges(limit=2).exchanges) == 2
