"""A small HTTP load balancer of the loopback."""

import asyncio
import contextlib
import itertools
from typing import Self

from tests.support.net import SOON_SECONDS


class Balancer:
    """Asks the readiness of its servers and spreads the requests over them.

    Forwards each connection to the next server that was ready when last asked, and never tries twice.

    Args:
        ports: The servers.
        probe: The path of the readiness probe.
        interval: Seconds between two probes of a server.
    """

    def __init__(self, ports: list[int], *, probe: str, interval: float = 0.1) -> None:
        self.ready: dict[int, bool] = dict.fromkeys(ports, False)
        self.served: dict[int, int] = dict.fromkeys(ports, 0)
        self._probe = probe
        self._interval = interval
        self._turn = itertools.count()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        for port in self.ready:
            self._start(asyncio.create_task(self._watch(port)))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, port: int) -> None:
        while True:
            self.ready[port] = await self._is_ready(port)
            await asyncio.sleep(self._interval)

    async def _is_ready(self, port: int) -> bool:
        try:
            async with asyncio.timeout(SOON_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.closing(writer):
                    writer.write(
                        f"GET {self._probe} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
                    )
                    line = await reader.readline()
        except (OSError, TimeoutError):
            return False
        return b" 200 " in line

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._forward(reader, writer))
        self._start(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports = [port for port, ready in self.ready.items() if ready]
        with contextlib.closing(writer):
            if not ports:
                writer.write(b"HTTP/1.1 503 Nobody\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            port = ports[next(self._turn) % len(ports)]
            with contextlib.suppress(OSError):
                upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
                self.served[port] += 1
                with contextlib.closing(upstream_writer):
                    back = asyncio.create_task(_copy(reader, upstream_writer))
                    await _copy(upstream_reader, writer)
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
