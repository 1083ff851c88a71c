"""What a record says about its request."""

import json
import logging
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, WebSocket

from c2casgiutils import logs
from c2casgiutils.request_tracking import RequestTrackingMiddleware

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADERS = {"X-Request-ID": "the id", "traceparent": TRACE}
_LOGGER = logging.getLogger("app.of.the.request")


class Lines(logging.Handler):
    """Keeps the fields of each record."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.JsonFormatter())
        self.fields: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.fields.append(json.loads(self.format(record)))


class Early:
    """A middleware that logs before the routing, and what ended the request after it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _LOGGER.info("before the routing")
        await self.app(scope, receive, send)
        _LOGGER.info("after the routing")


def make_app() -> FastAPI:
    """An application with a mounted one, and a middleware within that of the request tracking."""
    app, mounted = FastAPI(), FastAPI()

    @app.get("/items/{item}")
    async def read(item: int, tasks: BackgroundTasks) -> None:
        _LOGGER.info("in the route", extra={"path": "mine", "status": 5})
        tasks.add_task(_LOGGER.info, "in a task")

    @app.get("/sync/{item}")
    def read_in_thread(item: int) -> None:
        _LOGGER.info("in a thread")

    @mounted.get("/parts/{part}")
    async def read_part(part: str) -> None:
        _LOGGER.info("in the mounted application")

    @app.get("/boom/{item}")
    async def boom(item: int) -> None:
        raise RuntimeError("boom")

    @app.websocket("/socket/{item}")
    async def socket(websocket: WebSocket, item: int) -> None:
        await websocket.accept()
        _LOGGER.info("in the websocket")
        await websocket.close()

    router, users = APIRouter(), APIRouter(prefix="/users")

    @users.get("/{user}")
    async def read_user(user: int) -> None:
        _LOGGER.info("in an included router")

    @users.websocket("/{user}/socket")
    async def user_socket(websocket: WebSocket, user: int) -> None:
        await websocket.accept()
        _LOGGER.info("in an included websocket")
        await websocket.close()

    mounted.include_router(users)
    router.include_router(users, prefix="/v1")
    router.mount("/sub", mounted)
    app.include_router(router, prefix="/api")
    app.mount("/sub", mounted)
    app.add_middleware(Early)
    app.add_middleware(RequestTrackingMiddleware, header="X-Request-ID")
    return app


@pytest.fixture(params=[False, True], ids=["direct", "queued"])
def lines(request: pytest.FixtureRequest) -> Any:
    """The fields of what is logged, also when another thread formats it."""
    keeper = Lines()
    handler = logs.queued(keeper) if request.param else keeper
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)

    def collect() -> dict[str, dict[str, Any]]:
        handler.flush()
        return {fields["msg"]: fields for fields in keeper.fields}

    yield collect
    _LOGGER.removeHandler(handler)
    _LOGGER.setLevel(logging.NOTSET)
    handler.close()


async def get(path: str, root_path: str = "") -> int:
    transport = httpx.ASGITransport(
        make_app(), client=("192.0.2.7", 5), raise_app_exceptions=False, root_path=root_path
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return (await client.get(path, headers=HEADERS)).status_code


async def test_the_fields_of_a_request(lines: Any) -> None:
    """The route is there once it is known; an extra with the name of a field does not replace it."""
    assert await get("/items/5?token=hunter2") == 200
    expected = {
        "request_id": "the id",
        "trace_id": TRACE[3:35],
        "span_id": TRACE[36:52],
        "client_addr": "192.0.2.7",
        "method": "GET",
        "path": "/items/5",
    }
    found = lines()
    assert set(found) == {"before the routing", "in the route", "in a task", "after the routing"}
    for fields in found.values():
        assert {name: fields.get(name) for name in expected} == expected
    assert "matched_route" not in found["before the routing"]
    for text in ("in the route", "in a task", "after the routing"):
        assert found[text]["matched_route"] == "/items/{item}"
    assert (found["in the route"]["extra_path"], found["in the route"]["status"]) == ("mine", 5)


@pytest.mark.parametrize(
    ("path", "text", "route"),
    [
        ("/sync/5", "in a thread", "/sync/{item}"),
        ("/sub/parts/a%20b", "in the mounted application", "/sub/parts/{part}"),
    ],
)
async def test_the_route(lines: Any, path: str, text: str, route: str) -> None:
    """Also in a thread of the pool, and with the path of a mount before the template."""
    await get(path)
    assert lines()[text]["matched_route"] == route


@pytest.mark.parametrize(
    ("path", "root_path", "route"),
    [
        ("/api/v1/users/5", "", "/api/v1/users/{user}"),
        ("/rp/api/v1/users/5", "/rp", "/rp/api/v1/users/{user}"),
        ("/rp//api/v1/users/5", "/rp/", "/rp/api/v1/users/{user}"),
        ("/sub/users/5", "", "/sub/users/{user}"),
        ("/api/sub/users/5", "", "/api/sub/users/{user}"),
    ],
)
async def test_the_route_of_an_included_router(lines: Any, path: str, root_path: str, route: str) -> None:
    """With the prefixes of all routers around it, the path of a mount and the root path."""
    assert await get(path, root_path) == 200
    assert lines()["in an included router"]["matched_route"] == route


async def test_a_mount_in_an_included_router(lines: Any) -> None:
    """The prefix of the router is part of the path of the mount, so it is not added again."""
    await get("/api/sub/parts/5")
    assert lines()["in the mounted application"]["matched_route"] == "/api/sub/parts/{part}"


async def test_no_route(lines: Any) -> None:
    assert await get("/missing?secret=abc") == 404
    fields = lines()["after the routing"]
    assert "matched_route" not in fields
    assert (fields["path"], fields["request_id"]) == ("/missing", "the id")


async def test_a_record_of_the_server_about_the_exception(lines: Any) -> None:
    """Servers log it after the request, when only the exception knows which one it was."""
    transport = httpx.ASGITransport(make_app(), client=("192.0.2.7", 5))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await client.get("/boom/5", headers=HEADERS)
    except RuntimeError:
        _LOGGER.exception("Exception in ASGI application")
    fields = lines()["Exception in ASGI application"]
    assert (fields["request_id"], fields["trace_id"]) == ("the id", TRACE[3:35])
    assert (fields["path"], fields["matched_route"]) == ("/boom/5", "/boom/{item}")


@pytest.mark.parametrize(
    ("path", "text", "route"),
    [
        ("/socket/5", "in the websocket", "/socket/{item}"),
        ("/api/v1/users/5/socket", "in an included websocket", "/api/v1/users/{user}/socket"),
    ],
)
async def test_a_websocket(lines: Any, path: str, text: str, route: str) -> None:
    """It has no method."""
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    scope = {
        "type": "websocket",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "subprotocols": [],
    }

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        pass

    await make_app()(scope, receive, send)
    fields = lines()[text]
    assert (fields["request_id"], fields["matched_route"]) == ("the id", route)
    assert not {"method", "client_addr"} & set(fields)


def test_outside_of_a_request(lines: Any) -> None:
    _LOGGER.info("text")
    assert not {"request_id", "trace_id", "client_addr", "path"} & set(lines()["text"])


async def test_secrets_in_the_path(lines: Any) -> None:
    await get("/items/ghp_abcdefghijklmnopqrstuvwxyz0123456789")
    assert lines()["after the routing"]["path"] == "/items/ghp_***"
