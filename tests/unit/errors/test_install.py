"""The answers to errors of an application's routes."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

import c2casgiutils
from c2casgiutils import config, errors
from tests.support.asgi import call, client, make_scope
from tests.support.fresh import run_fresh

SECRET = "s3cret-of-the-test"  # made up
ORIGIN = "https://example.com"


class Item(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")

    size: int


def make_app(*, installed: bool = True, **options: Any) -> FastAPI:
    app = FastAPI()
    if installed:
        errors.install(app, **options)

    @app.get("/status/{status}")
    async def status(status: int, detail: str | None = None) -> None:
        headers = {"WWW-Authenticate": "Basic", "Location": "/elsewhere"}
        raise StarletteHTTPException(status, detail, headers)

    @app.get("/detail")
    async def detail() -> None:
        raise HTTPException(409, {"conflict": [1, 2], "name": "\ud800"})

    @app.post("/item")
    async def item(item: Item) -> int:
        return item.size

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError(f"boom with password={SECRET}")

    @app.get("/streamed")
    async def streamed() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"begun"
            raise RuntimeError("boom")

        return StreamingResponse(body())

    return app


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__AUTH__SECRET", SECRET)
    monkeypatch.setenv("C2C__PROMETHEUS__PORT", "0")
    config.settings = config.Settings()


async def get(path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
    async with client(make_app(**options)) as http:
        return await http.get(path, headers=headers or {})


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/nothing", 404, "Not Found"),
        ("/item", 405, "Method Not Allowed"),
        ("/status/403?detail=bam", 403, "bam"),
        ("/status/401", 401, "Unauthorized"),
        ("/status/503", 503, "Service Unavailable"),
        ("/status/499?detail=no+phrase", 499, "no phrase"),
        ("/detail", 409, {"conflict": [1, 2], "name": "\ud800"}),
    ],
)
async def test_http_errors(path: str, status: int, message: Any) -> None:
    response = await get(path)
    assert response.status_code == status
    assert response.json() == {"message": message, "status": status, "request_id": None}


async def test_headers_of_the_exception_stay() -> None:
    assert (await get("/status/401")).headers["www-authenticate"] == "Basic"


@pytest.mark.parametrize("status", [204, 304])
async def test_without_a_body(status: int) -> None:
    response = await get(f"/status/{status}")
    assert (response.status_code, response.content) == (status, b"")
    assert not {"content-type", "content-length"} & set(response.headers)


async def test_redirects_stay() -> None:
    response = await get("/status/301")
    assert (response.status_code, response.headers["location"]) == (301, "/elsewhere")


async def test_an_invalid_request() -> None:
    """It says where, and never repeats what was sent."""
    async with client(make_app()) as http:
        response = await http.post("/item", json={"size": "made-up-value", "other": 1})
    body = response.json()
    assert (response.status_code, body["message"]) == (422, "The request is not valid")
    assert [error["loc"] for error in body["errors"]] == [["body", "size"], ["body", "other"]]
    assert "made-up-value" not in response.text


async def test_an_unexpected_exception_is_not_shown() -> None:
    response = await get("/boom")
    assert response.status_code == 500
    assert response.json() == {"message": "Internal Server Error", "status": 500, "request_id": None}


@pytest.mark.parametrize("development", [False, True])
async def test_details_for_those_who_may_see_them(development: bool) -> None:
    """Its text and where it happened, without secrets."""
    config.settings = config.Settings(auth={"secret": SECRET}, development=development)
    response = await get("/boom", {} if development else {"X-API-Key": SECRET})
    body = response.json()
    assert (response.status_code, body["message"]) == (500, "boom with password=***")
    assert any("test_install.py" in line and "in boom" in line for line in body["stacktrace"])
    assert SECRET not in response.text


async def test_a_wrong_secret_gets_no_details() -> None:
    assert "stacktrace" not in (await get("/boom", {"X-API-Key": "wrong"})).json()


@pytest.mark.parametrize("path", ["/boom", "/nothing", "/status/401"])
@pytest.mark.parametrize("cors_first", [False, True])
async def test_cors_headers_stand_on_all(path: str, cors_first: bool) -> None:
    """Whichever was set up first, a page of an allowed origin can read the answer."""
    app = make_app(installed=not cors_first)
    c2casgiutils.install(app, errors=cors_first, lifespan=False, cors={"allow_origins": [ORIGIN]})
    async with client(app) as http:
        response = await http.get(path, headers={"Origin": ORIGIN})
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.json()["request_id"] == response.headers["x-request-id"]


async def test_the_server_still_sees_a_fault_once() -> None:
    """It logs it, and Sentry reports it."""
    async with client(make_app(), raise_errors=True) as http:
        with pytest.raises(RuntimeError, match="boom"):
            await http.get("/boom")


async def test_handlers_of_the_application_come_first() -> None:
    app = FastAPI()

    @app.exception_handler(RuntimeError)
    @app.exception_handler(404)
    async def answer(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"own": type(error).__name__}, 418)

    @app.exception_handler(HTTPException)
    async def answer_http(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"own": "http"}, 418)

    @app.exception_handler(Exception)
    async def answer_fault(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"own": "fault"}, 500)

    errors.install(app)

    @app.get("/{kind}")
    async def fail(kind: str) -> None:
        raise {"runtime": RuntimeError(), "http": HTTPException(400), "fault": ZeroDivisionError()}[kind]

    async with client(app) as http:
        assert (await http.get("/runtime")).json() == {"own": "RuntimeError"}
        assert (await http.get("/a/b")).json() == {"own": "HTTPException"}
        assert (await http.get("/http")).json() == {"own": "http"}
        assert (await http.get("/fault")).json() == {"own": "fault"}


async def test_problem_details() -> None:
    """RFC 9457: a title for the status, the message as its detail."""
    response = await get("/status/403?detail=bam", problem_json=True)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {"title": "Forbidden", "status": 403, "detail": "bam", "request_id": None}
    async with client(make_app(problem_json=True)) as http:
        invalid = await http.post("/item", json={})
    assert invalid.headers["content-type"] == "application/problem+json"
    assert [error["loc"] for error in invalid.json()["errors"]] == [["body", "size"]]


async def test_a_client_that_leaves(caplog: pytest.LogCaptureFixture) -> None:
    """It is no fault: one line, no traceback."""
    app = FastAPI()
    errors.install(app)

    @app.get("/")
    async def leave() -> None:
        raise ClientDisconnect

    with caplog.at_level(logging.INFO, "c2casgiutils.errors"):
        sent = await call(app, make_scope())
    assert sent[0]["status"] == 400
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("INFO", None)]


async def test_after_the_start_of_the_answer() -> None:
    """A started answer cannot change; the server must close the connection."""
    async with client(make_app(), raise_errors=True) as http:
        with pytest.raises(RuntimeError, match="boom"):
            await http.get("/streamed")


async def test_a_websocket_that_is_refused() -> None:
    """An `HTTPException` before the handshake is its answer."""
    app = FastAPI()
    errors.install(app)

    @app.websocket("/socket")
    async def refuse(websocket: WebSocket) -> None:
        raise HTTPException(503, "not now")

    extensions: dict[str, Any] = {"websocket.http.response": {}}
    start, body = await call(app, make_scope("/socket", kind="websocket", extensions=extensions))
    assert (start["status"], json.loads(body["body"])["message"]) == (503, "not now")


async def test_websockets_stay() -> None:
    app = make_app()

    @app.websocket("/socket")
    async def fail(websocket: WebSocket) -> None:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        await call(app, make_scope("/socket", kind="websocket", subprotocols=[]))


@pytest.mark.parametrize(("status", "level"), [(401, "DEBUG"), (404, "WARNING"), (500, "ERROR")])
async def test_levels_of_log_records(caplog: pytest.LogCaptureFixture, status: int, level: str) -> None:
    """The query, which may contain a secret, is not logged."""
    with caplog.at_level(logging.DEBUG, "c2casgiutils.errors"):
        await get(f"/status/{status}?secret={SECRET}")
    (record,) = [record for record in caplog.records if record.name.startswith("c2casgiutils.errors")]
    assert (record.levelname, record.getMessage()) == (level, f"GET /status/{status}: {status}")
    assert (record.exc_info is not None) is (status >= 500)


async def test_installed_twice_or_too_late() -> None:
    app = make_app()
    with pytest.raises(ValueError, match="already called"):
        errors.install(app)
    serving = make_app(installed=False)
    async with client(serving) as http:
        await http.get("/")
    with pytest.raises(RuntimeError, match="before the application serves"):
        errors.install(serving)


async def test_a_mounted_application_answers_itself() -> None:
    app = make_app()
    app.mount("/inner", make_app(installed=False))
    async with client(app) as http:
        assert (await http.get("/inner/boom")).text == "Internal Server Error"
        assert (await http.get("/inner/nothing")).json() == {"detail": "Not Found"}


async def test_a_dependency_that_fails_after_the_endpoint() -> None:
    """A commit that fails is an error answer, not a success."""
    app = make_app()

    async def session() -> Any:
        yield
        raise RuntimeError("the commit failed")

    from fastapi import Depends  # only here

    @app.get("/commit")
    async def commit(session: Annotated[None, Depends(session, scope="function")]) -> dict[str, str]:
        return {}

    async with client(app) as http:
        response = await http.get("/commit")
    assert json.loads(response.text)["status"] == 500


def test_a_fault_imports_nothing() -> None:
    """SQLAlchemy takes half a second on the event loop; without it no error can be of a database."""
    done = run_fresh(
        "import asyncio, sys\n"
        "from fastapi import FastAPI\n"
        "from c2casgiutils import errors\n"
        "from tests.support.asgi import client\n"
        "app = FastAPI()\n"
        "errors.install(app)\n"
        "app.get('/')(lambda: 1 / 0)\n"
        "async def main():\n"
        "    async with client(app) as http:\n"
        "        assert (await http.get('/')).status_code == 500\n"
        "asyncio.run(main())\n"
        "assert 'sqlalchemy' not in sys.modules\n",
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 0, done.stderr
