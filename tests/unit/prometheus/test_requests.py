"""The metrics of requests: labels that a client cannot multiply."""

import asyncio
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import REGISTRY
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from c2casgiutils import health_checks, prometheus
from tests.support.fresh import run_fresh

MEASURED = """
import asyncio, httpx
from fastapi import FastAPI
from c2casgiutils import prometheus

app = FastAPI()
prometheus.instrument(app)
app.add_middleware(prometheus.InFlightMiddleware)

async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        await client.get("/")
asyncio.run(main())
print(prometheus.render()[0].decode().count('http_requests_total{handler="none"'))
"""


def handlers() -> Counter[tuple[str, str]]:
    """Requests counted by method and handler."""
    counts: Counter[tuple[str, str]] = Counter()
    for family in REGISTRY.collect():
        for sample in family.samples:
            if sample.name == "http_requests_total":
                counts[sample.labels["method"], sample.labels["handler"]] += int(sample.value)
    return counts


@pytest.fixture
def app() -> FastAPI:
    app, mounted, router = FastAPI(), FastAPI(), APIRouter()

    @app.get("/items/{name}/")
    @mounted.get("/things/{name}")
    @router.get("/included/{name}")
    async def fine(name: str) -> str:
        return name

    app.include_router(router, prefix="/part")
    app.mount("/c2c", mounted)
    health_checks.probes(app)
    prometheus.instrument(app)
    return app


async def call(app: FastAPI, method: str, path: str) -> int:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return (await client.request(method, path)).status_code


@pytest.mark.parametrize(
    ("method", "path", "label"),
    [
        pytest.param("GET", "/items/{}/", ("GET", "/items/{name}/"), id="template"),
        pytest.param("GET", "/c2c/things/{}", ("GET", "/c2c/things/{name}"), id="mounted"),
        pytest.param("GET", "/part/included/{}", ("GET", "/part/included/{name}"), id="included"),
        pytest.param("GET", "/livez", ("GET", "/livez"), id="probe"),
        pytest.param("GET", "/nowhere/{}", ("GET", "none"), id="no route"),
        pytest.param("GET", "/c2c/nowhere/{}", ("GET", "none"), id="no route in the mount"),
        pytest.param("GET", "/items/{}", ("GET", "none"), id="slash redirect"),
        pytest.param("GET", "/c2c/things/{}/", ("GET", "none"), id="slash redirect in the mount"),
        pytest.param("X-{}", "/items/1/", ("other", "/items/{name}/"), id="unknown method"),
    ],
)
async def test_labels(app: FastAPI, method: str, path: str, label: tuple[str, str]) -> None:
    before = handlers()
    unique = uuid.uuid4().hex
    await call(app, method.format(unique), path.format(unique))
    after = handlers()
    assert {key for key in after if after[key] != before[key]} == {label}


async def test_two_applications_of_a_process(app: FastAPI) -> None:
    other = FastAPI()
    prometheus.instrument(other)
    before = handlers()["GET", "none"]
    await call(app, "GET", "/nowhere")
    await call(other, "GET", "/nowhere")
    assert handlers()["GET", "none"] == before + 2


async def test_requests_in_flight_are_counted() -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def app(scope: object, receive: object, send: object) -> None:
        inside.set()
        await go_on.wait()
        raise RuntimeError

    middleware = prometheus.InFlightMiddleware(app)

    async def receive() -> dict[str, object]:
        return {}

    async def send(_message: object) -> None:
        pass

    task = asyncio.create_task(middleware({"type": "http"}, receive, send))
    await asyncio.wait_for(inside.wait(), 10)
    assert prometheus.requests_in_flight() == 1
    assert REGISTRY.get_sample_value("http_requests_inprogress") == 1
    go_on.set()
    with pytest.raises(RuntimeError):
        await task
    assert prometheus.requests_in_flight() == 0


def test_without_the_package_nothing_is_measured() -> None:
    done = run_fresh(
        "import sys; sys.modules['prometheus_fastapi_instrumentator'] = None\n"
        "from fastapi import FastAPI\nfrom c2casgiutils import prometheus\n"
        "app = FastAPI(); print(prometheus.instrument(app), app.user_middleware)"
    )
    assert done.stdout == "False []\n", done.stderr


def test_the_shared_directory_is_created(tmp_path: Path) -> None:
    done = run_fresh(MEASURED, env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "new/metrics")})
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_a_shared_directory_that_cannot_be_created_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_fresh(MEASURED, env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "file")})
    assert done.returncode == 3
    assert done.stderr == (
        f"PROMETHEUS_MULTIPROC_DIR: {tmp_path}/file is not writable (File exists); it must be a directory "
        "that all workers can write to\n"
    )


OWN_METRIC = """
from c2casgiutils import prometheus
prometheus.multiprocess_directory()
from prometheus_client import Counter
Counter("own", "A metric of the application")
"""


@pytest.mark.parametrize(
    "program",
    [MEASURED, "import c2casgiutils; c2casgiutils.app", OWN_METRIC],
    ids=["install", "mount", "own metric"],
)
def test_a_shared_directory_that_cannot_be_written_ends_the_start(program: str) -> None:
    """One line says so before the first metric, which would be a traceback."""
    done = run_fresh(program, env={"PROMETHEUS_MULTIPROC_DIR": "/proc"})
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("PROMETHEUS_MULTIPROC_DIR: /proc is not writable (")


def test_beside_the_applications_own() -> None:
    """The application instruments itself as 0.x did: nothing fails, nothing is counted twice."""
    done = run_fresh("""
import asyncio, httpx
from fastapi import FastAPI
from prometheus_client import REGISTRY
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from prometheus_fastapi_instrumentator import Instrumentator
from c2casgiutils import prometheus

app = FastAPI()
Instrumentator(should_instrument_requests_inprogress=True).instrument(app)
prometheus.instrument(app)
app.add_middleware(prometheus.InFlightMiddleware)

async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        await client.get("/")
asyncio.run(main())
labels = {"method": "GET", "handler": "none", "status": "4xx"}
print(REGISTRY.get_sample_value("http_requests_total", labels))
""")
    assert done.stdout == "1.0\n", done.stderr


class Foreign:
    """An application of a framework whose routes are not those of Starlette."""

    def __init__(self, routes: Any) -> None:
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response("fine")(scope, receive, send)


@pytest.mark.parametrize(
    "routes", [[object()], {"/": None}, list, None], ids=["list", "mapping", "function", "none"]
)
@pytest.mark.parametrize("depth", [1, 2])
async def test_mounts_of_other_frameworks(routes: Any, depth: int) -> None:
    """They answer, and are measured as a whole; other routes keep their own templates."""
    app = inner = FastAPI()
    if depth == 2:
        inner = FastAPI()
        app.mount("/inner", inner)

    @inner.get("/own/{name}")
    async def own(name: str) -> str:
        return name

    prometheus.instrument(app)
    inner.mount("/foreign", Foreign(routes), name="foreign")
    prefix = "/inner" if depth == 2 else ""
    before = handlers()
    assert await call(app, "GET", f"{prefix}/own/1") == 200
    assert await call(app, "GET", f"{prefix}/foreign/{uuid.uuid4()}") == 200
    assert handlers() - before == {
        ("GET", f"{prefix}/own/{{name}}"): 1,
        ("GET", f"{prefix}/foreign"): 1,
    }
    assert inner.url_path_for("foreign", path="/x") == "/foreign/x"
