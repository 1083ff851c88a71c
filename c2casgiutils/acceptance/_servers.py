"""Real servers on free ports of 127.0.0.1, without persistence."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from c2casgiutils.acceptance._processes import Process, binary, free_port

if TYPE_CHECKING:
    import redis


class RedisServer(Process):
    """A redis-server.

    Args:
        arguments: Further arguments of the program, as `"--maxmemory", "10mb"`.
        port: By default a free one.
        password: By default none.

    Raises:
        RuntimeError: redis-server is not installed.
    """

    def __init__(self, *arguments: str, port: int | None = None, password: str | None = None) -> None:
        self.port: int = port or free_port()
        self.password = password
        command = [
            binary("redis-server", "redis-server"),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
            *(("--requirepass", password) if password else ()),
            *arguments,
        ]
        super().__init__(command, ready=self.is_up)
        self._directory = _Directory("redis")

    @property
    def directory(self) -> Path:
        """Where it runs, and writes what its arguments ask for; removed in the end."""
        return self._directory.path

    @property
    def url(self) -> str:
        """The value for `C2C__REDIS__URL`."""
        credentials = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}"

    def client(self) -> "redis.Redis":
        """Return a new client, to look at the data; use it in a `with` block."""
        import redis

        return redis.Redis(port=self.port, password=self.password, decode_responses=True, socket_timeout=5)

    def is_up(self) -> bool:
        """Return whether this server answers, and not another one on the same port."""
        import redis

        if not self.is_running:
            return False
        try:
            with self.client() as client:
                return bool(client.info("server")["process_id"] == self.pid)
        except redis.RedisError:
            return False

    def restart(self) -> Self:
        """Kill it and start it again: its data is lost."""
        self.kill()
        return self.start()

    def close(self) -> None:
        """End it and remove its files."""
        self.kill()
        super().close()
        self._directory.remove()

    def start(self) -> Self:
        """Start the server, and wait until it answers."""
        self.cwd: str | Path | None = self.directory
        return super().start()


class PostgresqlServer(Process):
    """A PostgreSQL server with a cluster of its own, which the user `c2c` owns.

    Nothing is written durably, so that it is fast. PostgreSQL refuses to run as root: then it runs as
    `postgres` or `nobody`.

    Args:
        options: Further arguments of the program, as `"-c", "max_connections=20"`.
        password: That of the user.

    Raises:
        RuntimeError: PostgreSQL is not installed.
    """

    user = "c2c"

    def __init__(self, *options: str, password: str = "c2c") -> None:  # noqa: S107  # of a server for tests
        self.port: int = free_port()
        self.password = password
        self._names = (f"test_{number}" for number in itertools.count(1))
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        super().__init__([_postgresql("postgres"), *arguments, *options], ready=self.is_up)
        self.run_as: tuple[int, int] | None = _unprivileged()
        self._directory = _Directory("postgresql", self.run_as)

    def url(self, driver: str = "postgresql", *, database: str = "postgres") -> str:
        """Return the value for `C2C__DB__URL`.

        Args:
            driver: The scheme, as `postgresql+asyncpg`.
            database: The name of the database.
        """
        password = quote(self.password, safe="")
        return f"{driver}://{self.user}:{password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str | None = None) -> str:
        """Create an empty database and return its name; by default a new one."""
        name = name or next(self._names)
        self._run("createdb", name)
        return name

    def is_up(self) -> bool:
        """Return whether the server accepts connections."""
        try:
            self._run("pg_isready", "--timeout", "2")
        except AssertionError:
            return False
        return True

    def pause(self) -> None:
        """Let it and its children hang (SIGSTOP): connections stay open and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal_all(signal.SIGCONT)

    def kill(self) -> None:
        """End it and its children at once (SIGKILL)."""
        if self.process is None or not self.is_running:
            return
        self._signal_all(signal.SIGKILL)
        self.process.wait(10)

    def close(self) -> None:
        """End it and remove its cluster."""
        self.kill()
        super().close()
        self._directory.remove()

    @property
    def data(self) -> Path:
        """The folder of the cluster; removed in the end."""
        return self._directory.path / "data"

    def start(self) -> Self:
        """Start the server, with a new cluster at first, and wait until it accepts connections."""
        if not self.data.exists():
            self._create_cluster()
        self.env: dict[str, str] | None = {**os.environ, "PGDATA": str(self.data)}
        self.cwd: str | Path | None = self._directory.path
        return super().start()

    def _create_cluster(self) -> None:
        password = self._directory.path / "password"
        password.write_text(self.password)
        password.chmod(0o644)  # the account reads it; the folder is closed to others
        self._run(
            *("initdb", "--pgdata", str(self.data), "--username", self.user, "--pwfile", str(password)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL, as a client of this server.

        Raises:
            AssertionError: It failed; the message has its output.
        """
        done = subprocess.run(  # noqa: S603  # one of the programs of this module
            [_postgresql(program), *arguments],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._directory.path,
            env={
                **os.environ,
                "PGHOST": "127.0.0.1",
                "PGPORT": str(self.port),
                "PGUSER": self.user,
                "PGPASSWORD": self.password,
            },
            user=self.run_as and self.run_as[0],
            group=self.run_as and self.run_as[1],
            extra_groups=self.run_as and [],
        )
        if done.returncode:
            raise AssertionError(f"{program} ended with {done.returncode}\n{done.stdout}")

    def _signal_all(self, number: int) -> None:
        """Send a signal to the server and its children, which are in process groups of their own."""
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _family(self) -> list[int]:
        family = [self.pid]
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.pid:
                    family.append(int(entry.name))
        return family


class _Directory:
    """A temporary folder that is there when it is needed."""

    def __init__(self, name: str, owner: tuple[int, int] | None = None) -> None:
        self._name = name
        self._owner = owner
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        """Where it is."""
        if self._path is None:
            self._path = Path(tempfile.mkdtemp(prefix=f"c2casgiutils-{self._name}-"))
            if self._owner is not None:
                os.chown(self._path, *self._owner)
        return self._path

    def remove(self) -> None:
        """Remove it with all that it holds."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None


def _postgresql(name: str) -> str:
    """Return the path of a program of the newest PostgreSQL; Debian keeps them outside of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(found[-1]) if found else binary(name, "postgresql")


def _unprivileged() -> tuple[int, int] | None:
    """Return the ids of the user and group to run as, if this process is root's."""
    if os.getuid() != 0:
        return None
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid
