"""Transports of httpx that call an application in this process, without a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Self

import anyio.from_thread
import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AsyncInProcess(httpx.AsyncBaseTransport):
    """Call an application, within its lifespan.

    An exception of the application is an answer with status 500, as under a server, and the extension
    `exception` of the response.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._state: dict[str, Any] = {}
        self._lifespan = contextlib.AsyncExitStack()
        self._running = False

    async def __aenter__(self) -> Self:
        await self._lifespan.enter_async_context(_lifespan(self._app, self._state))
        self._running = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running = False
        await self._lifespan.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the application."""
        if not self._running:
            raise RuntimeError("The application is not started: use the connection in a `with` block")
        raised: list[Exception] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = self._state.copy()
            try:
                await self._app(scope, receive, send)
            except Exception as error:
                raised.append(error)
                raise

        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        response = await transport.handle_async_request(request)
        if raised:
            response.extensions["exception"] = raised[0]
        return response


class InProcess(httpx.BaseTransport):
    """The same for a synchronous client: the event loop of the application runs in a thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = AsyncInProcess(app)
        self._thread = contextlib.ExitStack()
        self._portal: anyio.from_thread.BlockingPortal | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
            stack.enter_context(self._portal.wrap_async_context_manager(self._transport))
            self._thread = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._portal = None
        self._thread.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the application."""
        if self._portal is None:
            raise RuntimeError("The application is not started: use the connection in a `with` block")
        request.read()
        return self._portal.call(self._send, request)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        content = b"".join([part async for part in response.aiter_raw()])
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=httpx.ByteStream(content),
            extensions=response.extensions,
        )


@contextlib.asynccontextmanager
async def _lifespan(app: ASGIApp, state: dict[str, Any]) -> AsyncIterator[None]:
    """Start an application, and stop it in the end.

    One task has the whole lifespan, so that the block may be left in another task than it was entered in.
    https://asgi.readthedocs.io/en/latest/specs/lifespan.html

    Raises:
        RuntimeError: The application did not start or stop; its cause is the exception of the application.
    """
    received: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, received.get, sent.put))
    try:
        supported = await _step("startup", task, received, sent)
        yield
        if supported:
            await _step("shutdown", task, received, sent)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _step(
    step: str, task: asyncio.Future[None], received: asyncio.Queue[Message], sent: asyncio.Queue[Message]
) -> bool:
    """Return whether the application knows the lifespan."""
    await received.put({"type": f"lifespan.{step}"})
    answer = asyncio.ensure_future(sent.get())
    futures: list[asyncio.Future[Any]] = [task, answer]
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        return False
    message = answer.result()
    if message["type"] == f"lifespan.{step}.complete":
        return True
    await asyncio.wait([task], timeout=1)  # it raises the exception after the message
    cause = task.exception() if task.done() and not task.cancelled() else None
    raise RuntimeError(f"lifespan.{step} failed: {message.get('message', '')}") from cause
