"""The demo under uvicorn, with real servers around it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn
from tests.support.roster import is_settled

SECRET = "secret-of-the-acceptance-tests"
_ROOT = Path(__file__).parents[1]
_APP = Path(__file__).parent / "app"

collect_ignore = ["app"]  # a project of its own; test_scaffold.py runs its tests


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A redis-server of its own: these tests stop and start it."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, to copy."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    url = f"sqlite:///{path}"
    command = [
        sys.executable,
        "-m",
        "alembic",
        "--config",
        "acceptance_tests/app/alembic.ini",
        "upgrade",
        "head",
    ]
    subprocess.run(
        command, env={**os.environ, "C2C__DB__URL": url}, cwd=_ROOT, check=True, capture_output=True
    )
    return path


@pytest.fixture
def database_url(migrated_database: Path, tmp_path: Path) -> str:
    """The address of a migrated SQLite database of its own."""
    shutil.copy(migrated_database, tmp_path / "demo.db")
    return f"sqlite:///{tmp_path}/demo.db"


@pytest.fixture
def demo(database_url: str) -> Iterator[Callable[..., Uvicorn]]:
    """Start the demo: `demo(workers=2, C2C__REDIS__URL=...)`."""
    with ExitStack() as servers:

        def start(*, workers: int = 1, **env: str) -> Uvicorn:
            settings = {
                "C2C__DB__URL": database_url,
                "C2C__PROMETHEUS__PORT": "0",
                "C2C__AUTH__SECRET": SECRET,
                "C2C__HEALTH__TIMEOUT": "30s",  # the first look at the migrations may take longer than 2 s
                "C2C__HTTP": "True",
                "C2C__AUTH__JWT__COOKIE__SECURE": "False",
                **env,
            }
            options = ["--app-dir", str(_APP)]
            if workers > 1:  # uvicorn replaces a worker that a test stops for longer than 5 s
                options += ["--timeout-worker-healthcheck", "40"]
            return servers.enter_context(Uvicorn("app.main:app", *options, workers=workers, env=settings))

        yield start


@pytest.fixture
def in_each_process() -> Iterator[Callable[..., list[httpx.Client]]]:
    """One signed-in client for each worker: a kept connection stays with the worker that accepted it.

    The workers know each other then; `with_redis=False` does not wait for it.
    """
    with ExitStack() as clients:

        def connect(server: Uvicorn, *, with_redis: bool = True) -> list[httpx.Client]:
            found: dict[int, httpx.Client] = {}

            def all_found() -> bool:
                client = httpx.Client(base_url=server.url, headers={"X-API-Key": SECRET}, timeout=60)
                clients.enter_context(client)
                found.setdefault(client.get("/process").json()["pid"], client)
                return len(found) == server.workers

            wait_for(all_found, what=f"a connection to each of {server.workers} workers")

            def all_know_each_other() -> bool:
                answers = [client.get("/c2c/instances?samples=false") for client in found.values()]
                return all(is_settled(answer, found) for answer in answers)

            if with_redis:
                wait_for(all_know_each_other, what=f"a current list of the processes {[*found]}")
            return list(found.values())

        yield connect
