"""A TCP proxy of the loopback that can be slow, or swallow everything."""

import asyncio
import contextlib
from typing import Self


class Proxy:
    """Forwards to a port of the loopback.

    Args:
        port: Where to.
        delay: Seconds that each chunk of the answers waits.
    """

    def __init__(self, port: int, *, delay: float = 0) -> None:
        self.delay = delay
        self.swallow = False
        self.connections = 0
        self._target = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, server_writer, 0))
                    group.create_task(self._pump(server_reader, writer, self.delay))
            except* (OSError, ConnectionAbortedError):
                pass
            finally:
                for end in (writer, server_writer):
                    end.transport.abort()
                    end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        while data := await reader.read(1 << 16):
            if delay:
                await asyncio.sleep(delay)
            if not self.swallow:
                writer.write(data)
                await writer.drain()
        raise ConnectionAbortedError
