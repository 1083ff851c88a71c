"""A PostgreSQL server of the tests."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.support.net import free_port, wait_for
from tests.support.processes import Process

USER = "c2c"
PASSWORD = "made-up/p@ss word"
PASSWORD_QUOTED = "made-up%2Fp%40ss%20word"


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is missing: apt-get install --yes postgresql")
    return path


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as: initdb and postgres refuse root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


class PostgresServer(Process):
    """A cluster of its own on a free port of the loopback, with password login, without any durability."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="c2casgiutils-postgres-"))
        self.data = self.directory / "data"
        self._account = _unprivileged()
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "12",
            "superuser_reserved_connections": "1",
        }
        arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        super().__init__([_binary("postgres"), "-D", str(self.data), *arguments, *options])

    @property
    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _own_directory(self) -> None:
        if self._account is not None:
            os.chown(self.directory, self._account.pw_uid, self._account.pw_gid)

    def _create(self) -> None:
        self._own_directory()
        password = self.directory / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        subprocess.run(
            [
                *(_binary("initdb"), "--pgdata", str(self.data), "--username", USER),
                *("--auth", "scram-sha-256", "--pwfile", str(password)),
                *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.directory,
            **self._as_account,
        )

    def start(self) -> Self:
        if not self.data.exists():
            self._create()
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as_account,
            )
        wait_for(self.is_up, what="PostgreSQL")
        return self

    def url(
        self, driver: str = "postgresql+psycopg", password: str = PASSWORD_QUOTED, database: str = "postgres"
    ) -> str:
        return f"{driver}://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname=database,
            connect_timeout=2,
            autocommit=True,
        )

    def is_up(self) -> bool:
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False

    def connections(self) -> int:
        """How many clients are connected, besides this question."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid != pg_backend_pid()"
            ).fetchone()
            assert row is not None
            return int(row[0])

    def _family(self) -> list[int]:
        """The server and its children, which are in process groups of their own."""
        family = [self.pid]
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.pid:
                    family.append(int(entry.name))
        return family

    def _signal_family(self, number: int) -> None:
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def pause(self) -> None:
        self._signal_family(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_family(signal.SIGCONT)

    def stop(self) -> None:
        """End it as an administrator does: connections are cut."""
        self.resume()
        self.signal(signal.SIGINT)
        assert self.process is not None
        self.process.wait(15)

    def kill(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self._signal_family(signal.SIGKILL)
        self.process.wait(10)

    def ensure_up(self) -> None:
        """As new, whatever a test did to it."""
        if self.process is not None and self.process.poll() is None:
            self.resume()
            return
        self.start()

    def accepts(self) -> bool:
        """Whether the port is open."""
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        shutil.rmtree(self.directory, ignore_errors=True)


class PostgresReplica(PostgresServer):
    """A streaming replica of a server."""

    def __init__(self, primary: PostgresServer) -> None:
        super().__init__("-c", "wal_retrieve_retry_interval=100ms")
        self._primary = primary

    def _create(self) -> None:
        self._own_directory()
        subprocess.run(
            [
                *(_binary("pg_basebackup"), "--pgdata", str(self.data), "--write-recovery-conf", "--no-sync"),
                *("--host", "127.0.0.1", "--port", str(self._primary.port), "--username", USER),
                *("--checkpoint", "fast"),
            ],
            check=True,
            capture_output=True,
            cwd=self.directory,
            env={**os.environ, "PGPASSWORD": PASSWORD},
            **self._as_account,
        )

    def caught_up(self) -> bool:
        """Whether all that the primary wrote until now is replayed."""
        with self._primary.connect() as primary, self.connect() as replica:
            (position,) = primary.execute("SELECT pg_current_wal_lsn()::text").fetchone() or ("",)
            row = replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position]).fetchone()
            return bool(row and row[0])

    def execute(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement)

    def create_again(self) -> None:
        """A replica once more, after it was promoted."""
        self.kill()
        shutil.rmtree(self.data)
        self.start()
