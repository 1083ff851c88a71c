"""Processes that the tests own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from c2casgiutils.acceptance.connection import CacheExpected, Connection
from c2casgiutils.acceptance.utils import retry_timeout

_POLL_SECONDS = 0.05
_REQUEST_SECONDS = 5


class Process:
    """A process with its children, whose output is kept.

    Use it in a `with` block, which starts and ends it. After `kill` or `terminate` it may be started again.

    Args:
        command: The program and its arguments.
        env: The whole environment, as `{**os.environ, "NAME": "value"}`; by default that of the tests.
        cwd: Where to run it; by default where the tests run.
        ready: What to wait for at the start: a URL that answers with a status of 200 to 299, or a function
            that returns a true value and may raise until then. By default nothing.
        timeout: Maximum number of seconds of this wait.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        ready: str | Callable[[], object] | None = None,
        timeout: float = 60,
    ) -> None:
        self.command: list[str] = list(command)
        self.env: dict[str, str] | None = dict(env) if env is not None else None
        self.cwd: str | Path | None = cwd
        self.run_as: tuple[int, int] | None = None  # user and group, if not those of the tests
        self.process: subprocess.Popen[bytes] | None = None
        self._ready = _make_check(ready)
        self._timeout = timeout
        self._log: Path | None = None

    def start(self) -> Self:
        """Start the process, and wait until it is ready.

        Raises:
            AssertionError: It ended, or is not ready in time; the message has its output.
            OSError: The program cannot be run.
        """
        self._popen()
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._started().pid

    @property
    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def output(self) -> str:
        """What the process and its children wrote since the first start."""
        return self._log.read_text(errors="replace") if self._log else ""

    def signal(self, number: int) -> None:
        """Send a signal to the process, not to its children."""
        self._started().send_signal(number)

    def pause(self) -> None:
        """Let it hang (SIGSTOP): connections stay open and nothing is answered."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self.signal(signal.SIGCONT)

    def wait(self, seconds: float = 15) -> int:
        """Return the exit code; in any case all children are killed.

        Raises:
            subprocess.TimeoutExpired: The process did not end in time, and is killed.
        """
        process = self._started()
        try:
            return process.wait(seconds)
        finally:
            self._kill_group()

    def terminate(self, seconds: float = 15) -> int:
        """End it with SIGTERM and return the exit code; 0 if it was never started.

        Raises:
            subprocess.TimeoutExpired: It did not end in time, and is killed.
        """
        if self.process is None:
            return 0
        if self.is_running:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return self.wait(seconds)

    def kill(self) -> None:
        """End it and its children at once (SIGKILL)."""
        if self.process is None:
            return
        self._kill_group()
        self.process.wait(10)

    def close(self) -> None:
        """End it, by SIGKILL if it does not end by SIGTERM within 15 seconds, and remove its output."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.terminate()
        self.kill()
        if self._log:
            self._log.unlink(missing_ok=True)
            self._log = None

    def __enter__(self) -> Self:
        """Start it."""
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        """End it and remove its output."""
        self.close()

    def _popen(self) -> None:
        if self._log is None:
            with tempfile.NamedTemporaryFile(prefix="c2casgiutils-", suffix=".log", delete=False) as file:
                self._log = Path(file.name)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # the tests say what to run
                self.command,
                env=self.env,
                cwd=self.cwd,
                user=self.run_as and self.run_as[0],
                group=self.run_as and self.run_as[1],
                extra_groups=self.run_as and [],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        if self._ready is None:
            return
        check = self._ready
        try:
            retry_timeout(lambda: check() if self.is_running else True, self._timeout, _POLL_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{self.command[0]} is not ready: {error}\n{self.output}") from None
        if not self.is_running:
            code = self._started().returncode
            raise AssertionError(f"{self.command[0]} ended with {code}\n{self.output}")

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError(f"{self.command[0]} is not started")
        return self.process

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._started().pid, signal.SIGKILL)


def binary(name: str, package: str) -> str:
    """Return the path of a program.

    Args:
        name: The name of the program.
        package: That of the Debian package that has it.

    Raises:
        RuntimeError: It is not installed; the message says how to install it.
    """
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is missing: apt-get install --yes {package}")
    return path


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on at present."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _make_check(ready: str | Callable[[], object] | None) -> Callable[[], object] | None:
    if not isinstance(ready, str):
        return ready
    url = ready

    def check() -> bool:
        with Connection(url, cache_expected=CacheExpected.DONT_CARE) as connection:
            connection.get_raw(url, expected_status=range(200, 300), timeout=_REQUEST_SECONDS)
        return True

    return check
