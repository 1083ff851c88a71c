"""An application of an older library, run with what `c2casgiutils-migrate-env` makes of its environment."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from c2casgiutils.scripts import migrate_env
from c2casgiutils.scripts._env_files import parse_env
from tests.support.net import free_port
from tests.support.processes import RedisServer, Uvicorn

SECRET = "a-secret-of-operators"


class Moved(NamedTuple):
    """The application that runs.

    Attributes:
        client: A client of it.
        metrics: The address of the metrics.
        server: The server, for its output.
        env: The new variables.
        folder: The one with the application.
    """

    client: httpx.Client
    metrics: str
    server: Uvicorn
    env: Mapping[str, str]
    folder: Path


@contextmanager
def moved_application(
    old: Path, text: str, *options: str, cwd: Path, converted: str, app: str = "main:app", **places: str
) -> Iterator[Moved]:
    """Convert an env or compose file, and run the application with the result.

    Args:
        old: The file to write.
        text: Its content, with places for `redis`, `port`, `secret` and others.
        options: Of uvicorn.
        cwd: The folder with the application.
        converted: The name of the new env file.
        app: The application for uvicorn.
        places: What stands in the other places.
    """
    port = free_port()
    with RedisServer() as redis:
        old.write_text(text.format(secret=SECRET, redis=redis.url, port=port, **places))
        migrate_env.main([str(old), "--output", str(old.parent / "new")])
        new = parse_env((old.parent / "new" / converted).read_text())
        env = {name: value.text for name, value in new.items()}
        with (
            Uvicorn(app, *options, cwd=cwd, env=env) as server,
            httpx.Client(base_url=server.url, timeout=20) as client,
        ):
            yield Moved(client, f"http://127.0.0.1:{port}/metrics", server, env, cwd)
