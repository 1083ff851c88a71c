"""Servers with two workers whose output goes through one pipe, as in a container."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from c2casgiutils import logs
from tests.support.net import free_port, wait_for

APPLICATION = "tests.support.log_app:app"
PATHS = ("/items/{}?secret=hunter2", "/long/{}", "/boom/{}", "/missing/{}?token=hunter2")
SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian")
ACCESS_LOGGERS = {name: f"{name}.access" for name in SERVERS} | {"gunicorn": "uvicorn.access"}
_CONFIGURATION = str(logs.JSON_CONFIG_FILE)
_ROOT = Path(__file__).parents[2]


def _command(server: str, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    options = {
        "uvicorn": ["--port", str(port), "--no-proxy-headers", "--log-config", str(logs.CONFIG_FILE)],
        "gunicorn": [
            *("--bind", address, "--worker-class", "uvicorn_worker.UvicornWorker"),
            *("--log-config-json", _CONFIGURATION),
        ],
        "hypercorn": ["--bind", address, "--access-logfile", "-", "--log-config", f"json:{_CONFIGURATION}"],
        "granian": [
            "--interface",
            "asgi",
            "--port",
            str(port),
            "--access-log",
            "--log-config",
            _CONFIGURATION,
        ],
    }
    return [sys.executable, "-m", server, APPLICATION, "--workers", "2", *options[server]]


class LogServer:
    """A server whose lines are read from a pipe, standard error included."""

    def __init__(self, server: str, env: Mapping[str, str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("C2C__")}
        own = {"PYTHONPATH": str(_ROOT), "C2C__DRAIN_WAIT": "0", "C2C__PROMETHEUS__PORT": "0"}
        self._process = subprocess.Popen(
            _command(server, port),
            env={**inherited, **own, **env},
            cwd=_ROOT,
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
        wait_for(self._is_ready, seconds=60, what="an answer")
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

    def stop(self) -> list[str]:
        """End it in good order, and return all lines."""
        self._process.terminate()
        self._process.wait(30)
        self._reader.join(30)
        return self.lines

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
