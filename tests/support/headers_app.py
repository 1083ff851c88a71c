"""An application with both middlewares, for tests under a real server: `tests.support.headers_app:app`.

`elsewhere` is the same with its documentation at other addresses.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response, StreamingResponse

from c2casgiutils.headers import ArmorHeaderMiddleware, ForwardedHeadersMiddleware

seen: list[str] = []


async def _server_sent_events() -> AsyncIterator[bytes]:
    try:
        number = 0
        while True:
            yield f"data: {number}\n\n".encode()
            number += 1
            await asyncio.sleep(0.05)
    finally:
        seen.append("stream ended")


async def _broken_stream() -> AsyncIterator[bytes]:
    yield b"first"
    raise RuntimeError("in the stream")


def create_app(**options: Any) -> FastAPI:
    """The application, with options of FastAPI."""
    app = FastAPI(**options)

    @app.api_route("/", methods=["GET", "HEAD"])
    async def scope_view(request: Request) -> dict[str, object]:
        names = ("scheme", "server", "client", "root_path")
        return {name: request.scope[name] for name in names} | {"url": str(request.url)}

    @app.get("/seen")
    async def seen_view() -> list[str]:
        return seen

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("an exception of the endpoint")

    @app.get("/status/{status}")
    async def status_view(status: int) -> Response:
        return Response(status_code=status)

    @app.get("/events")
    async def events() -> Response:
        return StreamingResponse(_server_sent_events(), media_type="text/event-stream")

    @app.get("/broken")
    async def broken() -> Response:
        return StreamingResponse(_broken_stream())

    @app.get("/background")
    async def background() -> Response:
        return JSONResponse("ok", background=BackgroundTask(seen.append, "background"))

    @app.websocket("/echo")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json({"url": str(websocket.url), "client": websocket.scope["client"]})
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    @app.websocket("/denied")
    async def denied(websocket: WebSocket) -> None:
        await websocket.send_denial_response(JSONResponse({"detail": "no"}, 403))

    app.add_middleware(
        ArmorHeaderMiddleware,
        headers_config={
            "cache": {"headers": {"Cache-Control": ["no-cache", "no-store"]}},
            "everything": {"path_match": "^/status/", "headers": {"X-List": ["a", "é"], "X-Empty": ""}},
        },
    )
    app.add_middleware(ForwardedHeadersMiddleware)
    return app


app = create_app()
elsewhere = create_app(docs_url="/swagger", redoc_url="/paper")
