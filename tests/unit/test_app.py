import asyncio
import json
import subprocess
import sys
import threading
import warnings

import httpx
import pytest
from fastapi import FastAPI, Request

import c2casgiutils
from c2casgiutils import auth, config, health_checks, tools
from c2casgiutils._app import create_app

NAMES = {
    "c2c_index": "/",
    "c2c_health_checks": "/health/",
    "c2c_headers": "/headers/",
    "c2c_logging_level": "/logging/level",
    "c2c_logging_set_level": "/logging/level",
    "c2c_logging_overrides": "/logging/overrides",
    "login": "/auth/login",
    "c2c_logout": "/auth/logout",
    "c2c_auth_status": "/auth/status",
    "c2c_github_login": "/auth/github/login",
    "c2c_github_callback": "/auth/github/callback",
    "c2c_github_logout": "/auth/github/logout",
}


def client_of(app: FastAPI, root_path: str = "", **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, root_path=root_path)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


@pytest.fixture
def secret() -> str:
    config.settings.auth = config.settings.auth.model_copy(update={"secret": "s3cret-of-the-test"})
    return "s3cret-of-the-test"


def test_import_is_lazy() -> None:
    """Importing the package imports neither FastAPI nor Redis; the attributes resolve on access."""
    script = (
        "import sys, c2casgiutils; assert 'fastapi' not in sys.modules and 'redis' not in sys.modules;"
        "c2casgiutils.app.routes; c2casgiutils.startup;"
        "assert not {'redis', 'jinja2', 'sqlalchemy', 'httpx', 'jwt'} & set(sys.modules); print('fine')"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("fine\n", "")


def test_attributes_resolve() -> None:
    """All of them, in a fresh interpreter that imported nothing but the package."""
    script = (
        "import c2casgiutils\n"
        "for name in dir(c2casgiutils): getattr(c2casgiutils, name)\n"
        "from c2casgiutils import *"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = c2casgiutils.nothing  # type: ignore[attr-defined]  # what the test is about


def test_app_is_one_object() -> None:
    assert c2casgiutils.app is c2casgiutils.app


def test_settings_that_are_given_are_those_of_the_process() -> None:
    settings = config.Settings()
    create_app(settings)
    assert config.settings is settings


def test_assembled_once_by_threads() -> None:
    app = create_app()
    threads = [threading.Thread(target=lambda: app.routes) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert app.url_path_for("c2c_index") == "/"
    assert sum(getattr(route, "name", "") == "c2c_static" for route in app.routes) == 1


@pytest.mark.parametrize(
    "path",
    ["/", "/headers/", "/auth/status", "/nowhere", "/openapi.json", "/health_checks", "/logging/level"],
)
async def test_not_cached(path: str) -> None:
    async with client_of(create_app()) as client:
        assert (await client.get(path)).headers.get_list("Cache-Control") == ["no-cache, no-store"]


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/health_checks", "/auth/status", "/headers/a"])
async def test_head_is_get_without_body(secret: str, path: str) -> None:
    async with client_of(create_app(), **{"X-API-Key": secret}) as client:
        head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) > 0


async def test_head_of_what_is_not_get(secret: str) -> None:
    app = create_app()
    app.post("/only-post")(lambda: None)
    async with client_of(app) as client:
        assert (await client.head("/only-post")).status_code == 405


async def test_openapi_needs_the_read_only_level(secret: str) -> None:
    async with client_of(create_app()) as client:
        assert (await client.get("/openapi.json")).status_code == 403
        assert (await client.get("/openapi.json", headers={"X-API-Key": secret})).status_code == 200


async def test_openapi_is_clean(secret: str) -> None:
    """No warning, no HEAD twin, no page; the server is the mount."""
    main = FastAPI()
    main.mount("/c2c", create_app())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with client_of(main, root_path="/proxy", **{"X-API-Key": secret}) as client:
            schema = (await client.get("/proxy/c2c/openapi.json")).json()
    assert schema["servers"] == [{"url": "/proxy/c2c"}]
    operations = [item for path in schema["paths"].values() for item in path.items()]
    assert {method for method, _ in operations} <= {"get", "post", "delete", "put"}
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))
    assert not {"/", "/docs", "/openapi.json"} & set(schema["paths"])
    assert json.dumps(schema)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_documentation_is_off_unless_set(path: str) -> None:
    async with client_of(create_app()) as client:
        assert (await client.get(path)).status_code == 404
        config.settings.tools = config.settings.tools.model_copy(update={"docs": True})
        answer = await client.get(path)
    assert answer.status_code == 200
    assert "openapi.json" in answer.text


@pytest.mark.parametrize(("name", "path"), NAMES.items())
@pytest.mark.parametrize("mount", ["/c2c", "/deep/er/ops"])
async def test_names_are_found_from_the_main_application(name: str, path: str, mount: str) -> None:
    main = FastAPI()
    main.mount(mount, create_app())

    @main.get("/where")
    async def where(request: Request) -> str:
        return str(request.url_for(name))

    async with client_of(main, root_path="/proxy") as client:
        assert (await client.get("/proxy/where")).json() == f"http://testserver/proxy{mount}{path}"


async def test_names_with_parameters() -> None:
    main = FastAPI()
    main.mount("/c2c", create_app())
    assert main.url_path_for("c2c_static", path="c2c.css") == "/c2c/static/c2c.css"
    assert main.url_path_for("c2c_headers_path", path="a") == "/c2c/headers/a"
    assert main.url_path_for("c2c_headers_path2", path_1="a", path_2="b") == "/c2c/headers/a/b"


async def test_a_mount_with_a_name(secret: str) -> None:
    """The page does not look for routes by name: how it is mounted does not matter."""
    main = FastAPI()
    main.mount("/c2c", create_app(), name="operations")
    assert main.url_path_for("operations:c2c_index") == "/c2c/"
    async with client_of(main, **{"X-API-Key": secret}) as client:
        assert (await client.get("/c2c/")).status_code == 200


@pytest.mark.parametrize(
    ("router", "prefix", "path", "status"),
    [
        (tools.router, "/t", "/t/logging/level?name=a", 200),
        (tools.router, "/t", "/t/headers/", 200),
        (tools.router, "/t", "/t/instances", 200),
        (tools.headers.router, "/h", "/h/one", 200),
        (tools.logging_.router, "/l", "/l/overrides", 200),
        (health_checks.router, "/health", "/health/", 200),
        (auth.router, "", "/auth/status", 200),
        (auth.router, "/a", "/a/auth/logout", 200),
    ],
)
async def test_routers_alone(secret: str, router: object, prefix: str, path: str, status: int) -> None:
    """Each router works in another application, without the page."""
    main = FastAPI()
    main.include_router(router, prefix=prefix)  # type: ignore[arg-type]  # a table of routers
    async with client_of(main, **{"X-API-Key": secret}) as client:
        assert (await client.get(path)).status_code == status


async def test_unexpected_error_keeps_the_detail_key() -> None:
    app = create_app()

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("boom")

    async with client_of(app) as client:
        answer = await client.get("/boom")
    assert (answer.status_code, answer.json()["detail"]) == (500, "Internal Server Error")
    assert answer.headers["Cache-Control"] == "no-cache, no-store"


async def test_lifespan_is_idempotent_and_restartable() -> None:
    async with c2casgiutils.lifespan():
        await c2casgiutils.startup()
        await asyncio.gather(*(c2casgiutils.startup() for _ in range(3)))
    async with c2casgiutils.lifespan(FastAPI()):
        pass
    await c2casgiutils.shutdown()


async def test_lifespan_of_an_application_of_another_framework() -> None:
    """It is ready at once: nothing shows when the server accepts requests."""

    class Other:
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            raise NotImplementedError

    async with c2casgiutils.lifespan(Other()), client_of(c2casgiutils.app) as client:
        assert (await client.get("/readyz")).text == "ok"
