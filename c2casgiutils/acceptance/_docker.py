"""Services of docker compose, where there is docker."""

import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from c2casgiutils.acceptance._processes import binary

_PACKAGES = "docker.io docker-compose"
_STOP_SECONDS = "10"


class DockerCompose:
    """Services that `docker compose` starts, as a project of their own.

    Use it in a `Composition` or a `with` block. In the end the containers, networks and volumes are removed.

    Args:
        file: The compose file.
        services: The names of those to start, with what they depend on; by default all.
        env: Variables of the compose file, beside those of the tests.
        timeout: Maximum number of seconds until they are running or, where they have a health check, healthy.

    Raises:
        RuntimeError: There is no docker.
        ValueError: The file does not exist.
    """

    def __init__(
        self,
        file: str | Path = "compose.yaml",
        *,
        services: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        timeout: int = 300,
    ) -> None:
        if not Path(file).is_file():
            raise ValueError(f"file must be a compose file: {file} does not exist")
        self.project: str = f"test-{os.getpid()}-{secrets.token_hex(3)}"
        self._command = [
            *(binary("docker", _PACKAGES), "compose"),
            *("--project-name", self.project, "--file", str(file)),
        ]
        self._services = list(services)
        self._env = {**os.environ, **(env or {})}
        self._timeout = timeout

    def start(self) -> Self:
        """Start the services and wait until they are healthy.

        Raises:
            AssertionError: They are not in time; the message has the output of docker.
        """
        wait = ("--wait", "--wait-timeout", str(self._timeout))
        self.run("up", "--detach", *wait, *self._services, timeout=2 * self._timeout)
        return self

    def run(self, *arguments: str, timeout: float = 60) -> str:
        """Run a subcommand of docker compose and return what it wrote to standard output.

        Args:
            arguments: As `"ps", "--all"`.
            timeout: Seconds.

        Raises:
            AssertionError: It failed or did not end in time; the message has its output.
        """
        shown = f"docker compose {' '.join(arguments)}"
        try:
            done = subprocess.run(  # noqa: S603  # docker, with what the tests ask for
                [*self._command, *arguments],
                env=self._env,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{shown}: did not end within {timeout} s") from None
        if done.returncode:
            raise AssertionError(f"{shown}: ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def exec(self, service: str, *command: str, timeout: float = 60) -> str:
        """Run a command in the container of a service and return what it wrote to standard output.

        Raises:
            AssertionError: It failed or did not end in time; the message has its output.
        """
        return self.run("exec", "--no-TTY", service, *command, timeout=timeout)

    def address(self, service: str, port: int) -> str:
        """Return where a port of a container is published on this machine, as `127.0.0.1:32768`.

        Raises:
            AssertionError: It is not published.
        """
        found = self.run("port", service, str(port)).strip().rpartition(":")[2]
        if not found.isdecimal() or found == "0":
            raise AssertionError(f"port {port} of the service {service} is not published")
        return f"127.0.0.1:{found}"

    @property
    def output(self) -> str:
        """What the services wrote until now."""
        return self.run("logs", "--no-color")

    def close(self) -> None:
        """Remove the containers, networks and volumes."""
        self.run("down", "--volumes", "--remove-orphans", "--timeout", _STOP_SECONDS, timeout=120)

    def __enter__(self) -> Self:
        """Start the services."""
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        """Remove the containers, networks and volumes."""
        self.close()
