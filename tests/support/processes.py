"""Processes of the tests: uvicorn, and those of the acceptance helpers."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from c2casgiutils import acceptance
from c2casgiutils.acceptance import RedisServer
from c2casgiutils.acceptance._processes import binary
from tests.support.net import free_port, wait_for

__all__ = ["Process", "RedisServer", "Uvicorn", "binary"]


class Process(acceptance.Process):
    """One that is killed in the end: a test that is about a clean stop ends it itself."""

    def close(self) -> None:
        self.kill()
        super().close()


class Uvicorn(Process):
    """An application under uvicorn on a free port of the loopback.

    The environment of the test is passed on without its `C2C__` variables: each test says what it sets. Only
    the wait before a stop is off by default, and idle connections stay open: a server that was suspended
    would close one with a request that came meanwhile.
    """

    def __init__(
        self,
        app: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        workers: int = 1,
        cwd: Path | None = None,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.workers = workers
        root = Path(__file__).parents[2]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
        path = os.pathsep.join(filter(None, [str(root), inherited.get("PYTHONPATH", "")]))
        command = [
            *(sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(self.port)),
            *("--no-proxy-headers", "--workers", str(workers), "--timeout-keep-alive", "600"),
            *arguments,
        ]
        own = {"PYTHONPATH": path, "C2C__DRAIN_WAIT": "0"}
        super().__init__(command, env={**inherited, **own, **(env or {})}, cwd=cwd or root)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.output}")
        try:
            httpx.get(self.url + "/", timeout=5)
        except httpx.TransportError:
            return False
        return self.output.count("Application startup complete") >= self.workers

    def start(self) -> Self:
        super().start()
        try:
            wait_for(self.ready, seconds=120, what=f"{self.workers} workers")
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{error}\n{self.output}") from None
        return self
