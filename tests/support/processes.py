"""Processes of the tests: redis-server and uvicorn."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx
import redis

from tests.support.net import free_port, wait_for


def binary(name: str, package: str) -> str:
    """The path of a program, or an error that says how to get it."""
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is missing: apt-get install --yes {package}")
    return path


class Process:
    """A process that the test owns; its output goes to a file."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.command = list(command)
        self.env = dict(env) if env is not None else None
        self.cwd = cwd
        self.process: subprocess.Popen[bytes] | None = None
        with tempfile.NamedTemporaryFile(prefix="c2casgiutils-test-", suffix=".log", delete=False) as log:
            self._log = Path(log.name)

    def start(self) -> Self:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=self.cwd,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = 15) -> int:
        """The exit code; a process that does not end in time is killed with its children."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def terminate(self, seconds: float = 15) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL to the process and its children."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._log.unlink(missing_ok=True)


class RedisServer(Process):
    """A redis-server on a free port of the loopback, without persistence."""

    def __init__(self, *arguments: str, port: int | None = None, password: str | None = None) -> None:
        self.port = port or free_port()
        self.password = password
        self.directory = tempfile.mkdtemp(prefix="c2casgiutils-redis-")
        command = [
            binary("redis-server", "redis-server"),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.directory),
            *(("--requirepass", password) if password else ()),
            *arguments,
        ]
        super().__init__(command)

    @property
    def url(self) -> str:
        credentials = f":{self.password}@" if self.password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}"

    def client(self) -> "redis.Redis":
        """A synchronous client of its own for looking inside; close it."""
        return redis.Redis(port=self.port, password=self.password, decode_responses=True, socket_timeout=5)

    def is_up(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False

    def start(self) -> Self:
        super().start()
        wait_for(self.is_up, what="redis-server")
        return self

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def restart(self) -> Self:
        self.kill()
        return self.start()

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        shutil.rmtree(self.directory, ignore_errors=True)


class Uvicorn(Process):
    """An application under uvicorn on a free port of the loopback.

    The environment of the test is passed on without its `C2C__` variables: each test says what it sets. Only
    the wait before a stop is off by default.
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
            *("--no-proxy-headers", "--workers", str(workers)),
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
            wait_for(self.ready, seconds=40, what=f"{self.workers} workers")
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{error}\n{self.output}") from None
        return self
