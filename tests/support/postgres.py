"""A PostgreSQL server of the tests."""

import shutil
import signal
import socket
from typing import Any

import psycopg

from c2casgiutils.acceptance import PostgresqlServer

USER = PostgresqlServer.user
PASSWORD = "made-up/p@ss word"
PASSWORD_QUOTED = "made-up%2Fp%40ss%20word"


class PostgresServer(PostgresqlServer):
    """A server with few connections, which a test stops and looks into."""

    def __init__(self, *options: str) -> None:
        few = ("-c", "max_connections=12", "-c", "superuser_reserved_connections=1")
        # otherwise what was committed is not yet in the log that a replica reads
        written = ("-c", "synchronous_commit=local")
        super().__init__(*few, *written, *options, password=PASSWORD)

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

    def connections(self) -> int:
        """How many clients are connected, besides this question."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid != pg_backend_pid()"
            ).fetchone()
            assert row is not None
            return int(row[0])

    def stop(self) -> None:
        """End it as an administrator does: connections are cut."""
        self.resume()
        self.signal(signal.SIGINT)
        assert self.process is not None
        self.process.wait(15)

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


class PostgresReplica(PostgresServer):
    """A streaming replica of a server."""

    def __init__(self, primary: PostgresServer) -> None:
        super().__init__("-c", "wal_retrieve_retry_interval=100ms")
        self._primary = primary

    def _create_cluster(self) -> None:
        self._run(
            *("pg_basebackup", "--pgdata", str(self.data), "--write-recovery-conf", "--no-sync"),
            *("--port", str(self._primary.port), "--checkpoint", "fast"),
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
