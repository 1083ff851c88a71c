"""Fixtures for acceptance tests: `pytest_plugins = ["c2casgiutils.acceptance.pytest_plugin"]`.

Nothing loads this plugin by itself: the library is installed where tests have nothing to do with it, too.
"""

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

from c2casgiutils.acceptance._composition import Composition, last_lines
from c2casgiutils.acceptance._docker import DockerCompose
from c2casgiutils.acceptance._processes import Process
from c2casgiutils.acceptance._servers import PostgresqlServer, RedisServer
from c2casgiutils.acceptance.connection import AsyncConnection, CacheExpected, Connection


@pytest.fixture
def asgi_app() -> Any:
    """Return the application of `app_connection`: to be replaced by a fixture of your tests."""
    raise pytest.UsageError(
        "app_connection needs your application: define a fixture `asgi_app` that returns it"
    )


@pytest.fixture
def app_connection(asgi_app: Any) -> Iterator[Connection]:
    """Connect to the application of `asgi_app` in this process; caching is not checked."""
    with Connection(app=asgi_app, cache_expected=CacheExpected.DONT_CARE) as connection:
        yield connection


@pytest.fixture
async def async_app_connection(asgi_app: Any) -> AsyncIterator[AsyncConnection]:
    """Do the same for asynchronous tests (anyio, or pytest-asyncio in mode `auto`), on their event loop."""
    async with AsyncConnection(app=asgi_app, cache_expected=CacheExpected.DONT_CARE) as connection:
        yield connection


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(_redis_server: RedisServer) -> RedisServer:
    """Return a running and empty redis-server, whether a test paused or ended it."""
    if _redis_server.is_running:
        _redis_server.resume()
    else:
        _redis_server.start()
    with _redis_server.client() as client:
        client.flushall()
    return _redis_server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Run a PostgreSQL for all tests; its `create_database` gives a test an empty database."""
    with PostgresqlServer() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the processes of a failed test wrote, whichever fixture started them."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Composition):
                report.sections.append((f"Output of {name}", value.output))
            elif isinstance(value, Process | DockerCompose):
                report.sections.append((f"Output of {name}", last_lines(value.output)))
    return report
