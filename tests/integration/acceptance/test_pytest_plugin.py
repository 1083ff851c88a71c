"""The pytest plugin in the tests of a project."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.fresh import run_fresh

CONFTEST = """
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI

from c2casgiutils.acceptance import Composition, Process

pytest_plugins = ["c2casgiutils.acceptance.pytest_plugin"]


@asynccontextmanager
async def lifespan(app):
    app.state.started = True
    yield


@pytest.fixture
def asgi_app():
    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    def started() -> bool:
        return app.state.started

    return app


@pytest.fixture(scope="session")
def stack():
    command = ["/bin/sh", "-c", "echo from the composition; exec sleep 60"]
    process = Process(command)
    with Composition({"sleeper": process}) as composition:
        while not process.output:
            pass
        yield composition
"""

PASSING = """
import psycopg

def test_app(app_connection):
    assert app_connection.get_json("/") is True

async def test_async(async_app_connection):
    assert await async_app_connection.get_json("/") is True

def test_redis(redis_server):
    with redis_server.client() as client:
        client.set("a", 1)
    redis_server.kill()

def test_empty(redis_server):
    with redis_server.client() as client:
        assert client.dbsize() == 0
        client.set("a", 1)
    redis_server.pause()

def test_empty_again(redis_server):
    with redis_server.client() as client:
        assert client.dbsize() == 0

def test_postgresql(postgresql_server):
    url = postgresql_server.url(database=postgresql_server.create_database())
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
"""

FAILING = """
import pytest

def test_with_redis(redis_server):
    assert False

def test_with_a_composition(stack):
    assert False

def test_passes(stack):
    pass

def test_without(app_connection):
    app_connection.get("/none")

class TestAnotherProject:
    @pytest.fixture
    def asgi_app(self, request):
        return request.getfixturevalue("missing")

    def test_broken(self, app_connection):
        pass
"""

UNDEFINED = """
def test_app(app_connection):
    pass
"""


ASYNCIO = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]


def run_pytest(folder: Path, *, conftest: str, tests: str) -> str:
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_project.py").write_text(tests)
    absent = [part for name in ("cacheprovider", "randomly", "xdist", "cov") for part in ("-p", f"no:{name}")]
    options = [*absent, "-W", "error", *ASYNCIO]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.stdout + done.stderr


def section(output: str, title: str) -> str:
    return re.split(r"\n[-=_]{5,} ", output.partition(f" {title} ")[2])[0]


def test_the_fixtures(tmp_path: Path) -> None:
    """Connections to the application, an empty Redis for each test, and PostgreSQL."""
    output = run_pytest(tmp_path, conftest=CONFTEST, tests=PASSING)
    assert "6 passed" in output, output


def test_failures(tmp_path: Path) -> None:
    """A failed test shows what its processes wrote; the check is shown without the lines of the helper."""
    output = run_pytest(tmp_path, conftest=CONFTEST, tests=FAILING)
    assert "3 failed, 1 passed, 1 error" in output, output
    assert "Ready to accept connections" in section(output, "Output of redis_server")
    assert output.count("Output of redis_server") == 1
    assert "--- sleeper ---\nfrom the composition" in section(output, "Output of stack")
    assert output.count("Output of stack") == 1
    assert "GET http://localhost/none: status 404 instead of 200" in output
    assert "_send" not in section(output, "test_without")


def test_no_application(tmp_path: Path) -> None:
    """The error says what to define."""
    conftest = 'pytest_plugins = ["c2casgiutils.acceptance.pytest_plugin"]'
    output = run_pytest(tmp_path, conftest=conftest, tests=UNDEFINED)
    assert "define a fixture `asgi_app` that returns it" in output


def test_it_loads_nothing_heavy() -> None:
    """A project whose tests use no fixture of it pays nothing."""
    heavy = {"fastapi", "httpx", "lxml", "numpy", "PIL", "playwright", "redis", "sqlalchemy", "starlette"}
    code = f"import sys, c2casgiutils.acceptance.pytest_plugin; print({heavy} & sys.modules.keys())"
    done = run_fresh(code)
    assert done.stdout == "set()\n", done.stderr
