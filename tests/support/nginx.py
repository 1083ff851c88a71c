"""A real nginx in front of an application."""

import shutil
import tempfile
from pathlib import Path
from typing import Self

import httpx

from tests.support.net import free_port, wait_for
from tests.support.processes import Process, binary

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""


class Nginx(Process):
    """An nginx on a free port of the loopback.

    Args:
        locations: The `location` blocks of its only server.
    """

    def __init__(self, locations: str) -> None:
        self.port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="c2casgiutils-nginx-"))
        configuration = self._directory / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(directory=self._directory, port=self.port, locations=locations)
        )
        command = [binary("nginx", "nginx"), "-e", "stderr", "-p", str(self._directory)]
        super().__init__([*command, "-c", str(configuration)])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        super().start()

        def answers() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.output
            try:
                httpx.get(self.url, timeout=5)
            except httpx.TransportError:
                return False
            return True

        wait_for(answers, what="nginx")
        return self

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        shutil.rmtree(self._directory, ignore_errors=True)
