"""Somebody who follows requests, over HTTP."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx

from tests.support.processes import Uvicorn

SECRET = "a-secret-of-the-followers"
KEY = {"X-API-Key": SECRET}
Line = dict[str, Any]


def serve(*, workers: int = 1, **settings: str) -> Uvicorn:
    """A server of the application, not started yet."""
    own = {
        "C2C__REDIS__BROADCAST_PREFIX": "test_",
        "C2C__INSTANCES__HEARTBEAT": "1",
        "C2C__AUTH__SECRET": SECRET,
        "C2C__HTTP": "True",
        "C2C__PROMETHEUS__PORT": "0",
    }
    return Uvicorn("tests.support.follow_app:app", workers=workers, env={**own, **settings})


class Stream:
    """The events of a follow, as they come."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.ids: list[str] = []
        self.end = ""
        self._came = asyncio.Event()

    async def read(self, answer: httpx.Response) -> None:
        event = ""
        async for text in answer.aiter_lines():
            word, _, rest = text.partition(": ")
            if word == "event":
                event = rest
            elif word == "id":
                self.ids.append(rest)
            elif word == "data" and event:
                self.end = json.loads(rest)["reason"]
            elif word == "data":
                self.lines.append(json.loads(rest))
            self._came.set()

    async def wait(self, condition: Callable[["Stream"], bool], *, seconds: float = 20) -> None:
        """Wait until the events are as expected."""
        try:
            async with asyncio.timeout(seconds):
                while not condition(self):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {self.lines} {self.end}") from None

    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines if "message" in line]


class Follower:
    """Speaks to a server; each request has a connection of its own, so that any worker may answer.

    Args:
        url: The server.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.reply: dict[str, Any] = {}

    def client(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"Connection": "close", **headers}, timeout=60)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask as an operator, below the mount."""
        async with self.client(**KEY) as client:
            return await client.request(method, f"/c2c/{path}", **options)

    async def start(self, **wanted: Any) -> dict[str, Any]:
        """Start to follow."""
        answer = await self.ask("POST", "logging/follow", json=wanted)
        assert answer.status_code == 200, answer.text
        self.reply = answer.json()
        return self.reply

    @property
    def path(self) -> str:
        return f"logging/follow/{self.reply['id']}"

    async def visit(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        """Ask the application, with the token of the follow or another one."""
        token = self.reply["token"] if token is None else token
        async with self.client(**({"X-C2C-Follow": token} if token else {}), **headers) as client:
            return await client.get(path)

    async def visit_all(self, path: str, workers: int = 2) -> set[int]:
        """Ask until each process has answered."""
        pids: set[int] = set()
        while len(pids) < workers:
            pids.add((await self.visit(path)).json())
        return pids

    @contextlib.asynccontextmanager
    async def stream(self, credentials: Mapping[str, str] = KEY, /, **headers: str) -> AsyncIterator[Stream]:
        """Open the stream."""
        stream = Stream()
        async with (
            self.client(**credentials, **headers) as client,
            client.stream("GET", f"/c2c/{self.path}") as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            reading = asyncio.create_task(stream.read(answer))
            try:
                yield stream
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def poll(self, after: str = "") -> dict[str, Any]:
        """Read what came since."""
        answer = await self.ask("GET", self.path, params={"after": after})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found
