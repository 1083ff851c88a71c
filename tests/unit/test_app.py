import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI, Request

import c2casgiutils
from c2casgiutils import config
from c2casgiutils._app import create_app


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


@pytest.fixture
def secret() -> str:
    config.settings.auth = config.Settings().auth.model_copy(update={"secret": "s3cret-of-the-test"})
    return "s3cret-of-the-test"


def test_import_is_lazy() -> None:
    """Importing the package imports neither FastAPI nor Redis; the attributes resolve on access."""
    script = (
        "import sys, c2casgiutils; assert 'fastapi' not in sys.modules and 'redis' not in sys.modules;"
        "c2casgiutils.app; c2casgiutils.startup; assert 'redis' not in sys.modules; print('fine')"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("fine\n", "")


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = c2casgiutils.nothing  # type: ignore[attr-defined]  # what the test is about


@pytest.mark.parametrize("path", ["/headers/", "/auth/status", "/nowhere", "/openapi.json"])
async def test_not_cached(path: str) -> None:
    async with client_of(create_app()) as client:
        assert (await client.get(path)).headers["Cache-Control"] == "no-cache, no-store"


async def test_head_is_get_without_body(secret: str) -> None:
    async with client_of(create_app(), **{"X-API-Key": secret}) as client:
        get, head = await client.get("/openapi.json"), await client.head("/openapi.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


async def test_openapi_needs_the_read_only_level(secret: str) -> None:
    async with client_of(create_app()) as client:
        assert (await client.get("/openapi.json")).status_code == 403
        assert (await client.get("/openapi.json", headers={"X-API-Key": secret})).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_documentation_is_off_unless_set(path: str) -> None:
    async with client_of(create_app()) as client:
        assert (await client.get(path)).status_code == 404
        config.settings.tools = config.settings.tools.model_copy(update={"docs": True})
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("name", ["c2c_headers", "c2c_auth_status"])
async def test_names_are_found_from_the_main_application(name: str) -> None:
    main = FastAPI()
    main.mount("/c2c", create_app())

    @main.get("/where")
    async def where(request: Request) -> str:
        return str(request.url_for(name))

    async with client_of(main) as client:
        assert (await client.get("/where")).json().startswith("http://testserver/c2c/")


async def test_lifespan_is_idempotent_and_restartable() -> None:
    async with c2casgiutils.lifespan():
        await c2casgiutils.startup()
    async with c2casgiutils.lifespan(FastAPI()):
        pass
    await c2casgiutils.shutdown()


async def test_unexpected_error_keeps_the_detail_key() -> None:
    app = create_app()

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("boom")

    async with client_of(app) as client:
        answer = await client.get("/boom")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert answer.headers["Cache-Control"] == "no-cache, no-store"
