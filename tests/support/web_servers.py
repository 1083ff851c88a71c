"""Real web servers in front of applications."""

import shutil
import tempfile
from pathlib import Path
from typing import Self

import httpx

from tests.support.net import free_port, wait_for
from tests.support.processes import Process, binary

_APACHE_MODULES = (
    *("mpm_event", "authz_core", "ssl", "socache_shmcb", "headers", "slotmem_shm", "lbmethod_byrequests"),
    *("proxy", "proxy_http", "proxy_balancer", "proxy_hcheck"),
)


class WebServer(Process):
    """A web server in the foreground, which has an empty folder.

    Args:
        port: The port of the loopback on which it listens.
        folder: Removed in the end.
        command: Its words, without the option `-c` or `-f` and the file of the configuration.
        configuration: The text of that file.
    """

    def __init__(self, port: int, folder: Path, command: list[str], configuration: str) -> None:
        self.port, self._folder = port, folder
        file = folder / "server.conf"
        file.write_text(configuration)
        super().__init__([*command, str(file)])

    @property
    def url(self) -> str:
        """Its address, if it does not use TLS."""
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

        wait_for(answers, what="the web server")
        return self

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        shutil.rmtree(self._folder, ignore_errors=True)


class Nginx(WebServer):
    """An nginx.

    Args:
        locations: The `location` blocks of its only server, which listens on a free port.
        blocks: Or the blocks of `http`, and the port.
    """

    def __init__(self, locations: str = "", *, blocks: str | None = None, port: int | None = None) -> None:
        port, folder = port or free_port(), Path(tempfile.mkdtemp(prefix="c2casgiutils-nginx-"))
        paths = "\n".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = f"""
            daemon off;
            worker_processes 1;
            pid {folder}/nginx.pid;
            error_log stderr;
            events {{}}
            http {{
                access_log off;
                {paths}
                {blocks or f"server {{ listen 127.0.0.1:{port}; {locations} }}"}
            }}
        """
        command = [binary("nginx", "nginx"), "-e", "stderr", "-p", str(folder), "-c"]
        super().__init__(port, folder, command, configuration)


class Apache(WebServer):
    """An Apache HTTP server.

    Args:
        hosts: Its `VirtualHost` blocks.
        port: The port that they are for.
    """

    def __init__(self, hosts: str, port: int) -> None:
        folder = Path(tempfile.mkdtemp(prefix="c2casgiutils-apache-"))
        modules = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _APACHE_MODULES
        )
        configuration = f"""
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
ServerName localhost
User nobody
Group nogroup
{modules}
Listen 127.0.0.1:{port}
{hosts}
"""
        command = [binary("apache2", "apache2-bin"), "-D", "FOREGROUND", "-f"]
        super().__init__(port, folder, command, configuration)
