"""A TCP proxy of the loopback that can be slow, hold everything back, swallow everything, or cut."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self


class Proxy:
    """Forwards to a port of the loopback.

    Args:
        port: Where to.
        delay: Seconds that each chunk of the answers waits.
        change: Changes each chunk of the answers.

    While `swallow` is set, what arrives is lost for good. `hold` keeps it back instead until `release`, as a
    network without a route does.
    """

    def __init__(self, port: int, *, delay: float = 0, change: Callable[[bytes], bytes] = bytes) -> None:
        self.delay = delay
        self._change = change
        self.swallow = False
        self.connections = 0
        self._target = port
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def hold(self) -> None:
        """Keep everything back, new connections too."""
        self._open.clear()

    def release(self) -> None:
        """Pass on what was kept back."""
        self._open.set()

    def cut(self) -> None:
        """End the connections of this moment; new ones are accepted."""
        for task in self._tasks:
            task.cancel()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._open.wait()
                await self._forward(reader, writer)
        finally:
            writer.transport.abort()
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, server_writer))
                group.create_task(self._pump(server_reader, writer, is_answer=True))
        except* (OSError, ConnectionAbortedError):
            pass
        finally:
            server_writer.transport.abort()
            server_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        while data := await reader.read(1 << 16):
            if is_answer and self.delay:
                await asyncio.sleep(self.delay)
            await self._open.wait()
            if not self.swallow:
                writer.write(self._change(data) if is_answer else data)
                await writer.drain()
        raise ConnectionAbortedError
