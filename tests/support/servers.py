"""Servers with two workers whose output goes through one pipe, as in a container."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Self

import httpx

from c2casgiutils import logs
from tests.support.net import free_port, wait_for
from tests.support.pages import ROOT, blocks

APPLICATION = "tests.support.log_app:app"
PATHS = ("/items/{}?secret=hunter2", "/long/{}", "/boom/{}", "/missing/{}?token=hunter2")
SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian")
_PATIENCE = {
    "uvicorn": ("--timeout-worker-healthcheck", "60"),
    "gunicorn": ("--timeout", "120"),
    "hypercorn": ("--keep-alive", "60"),
}
"""Options without which a busy machine replaces a worker, or closes a connection before it reads it."""
ACCESS_LOGGERS = {name: f"{name}.access" for name in SERVERS} | {"gunicorn": "uvicorn.access"}


def _command(server: str, port: int) -> list[str]:
    """Return the command of the documentation, with another application and address."""
    (text,) = [
        block.code
        for block in blocks("bash")
        if block.page == "servers.md" and block.code.startswith(f"{server} main:app")
    ]
    text = text.replace("main:app", APPLICATION).replace("0.0.0.0", "127.0.0.1").replace("8080", str(port))
    arguments = shlex.split(text.replace("\\\n", " ").replace("$LOGGING", str(logs.JSON_CONFIG_FILE)))
    return [sys.executable, "-m", *arguments, *_PATIENCE.get(server, ())]


class Server:
    """A server whose lines are read from a pipe, standard error included."""

    def __init__(self, server: str, env: Mapping[str, str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self.name = server
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("C2C__")}
        own = {"PYTHONPATH": str(ROOT), "C2C__DRAIN_WAIT": "0", "C2C__PROMETHEUS__PORT": "0"}
        self._process = subprocess.Popen(
            _command(server, port),
            env={**inherited, **own, **env},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.lines
        try:
            return httpx.get(f"{self.url}/missing", timeout=5).status_code == 404
        except httpx.TransportError:
            return False

    def __enter__(self) -> Self:
        return self

    def wait(self) -> Self:
        """Wait until it answers."""
        wait_for(self._is_ready, seconds=120, what="an answer")
        return self

    async def load(self, seconds: float, rate: int = 200) -> int:
        """Send requests at a rate, and return how many."""
        headers = {"Connection": "close"}  # uvicorn ends a connection after an exception
        async with httpx.AsyncClient(base_url=self.url, timeout=30, headers=headers) as client:
            tasks = []
            loop = asyncio.get_running_loop()
            start = loop.time()
            for number in range(int(seconds * rate)):
                path = PATHS[number % len(PATHS)].format(number)
                tasks.append(asyncio.create_task(client.get(path)))
                await asyncio.sleep(start + len(tasks) / rate - loop.time())
            await asyncio.gather(*tasks)
        return len(tasks)

    def terminate(self) -> None:
        """Send SIGTERM to its first process."""
        self._process.terminate()

    def join(self) -> int:
        """Wait for its end, and return the exit code."""
        exit_code = self._process.wait(60)
        self._reader.join(60)
        return exit_code

    def stop(self) -> list[str]:
        """End it in good order, and return all lines."""
        self.terminate()
        self.join()
        return self.lines

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
