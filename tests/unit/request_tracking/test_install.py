"""The request tracking that `install()` adds."""

import logging
from typing import Any

import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from c2casgiutils.request_tracking import current_request_id, request_of
from tests.support.asgi import client

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MINE = {"X-Request-ID": "mine"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, PROMETHEUS__PORT="0", AUTH__SECRET="s3cret-of-the-test", HTTP="True")


def configure(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"C2C__{name}", value)
    config.settings = config.Settings()


def make_app(**options: Any) -> FastAPI:
    app = FastAPI()
    c2casgiutils.install(app, **options)

    @app.get("/")
    async def root() -> dict[str, str | None]:
        return {"id": current_request_id()}

    @app.get("/fail")
    async def fail() -> None:
        raise RuntimeError("boom")

    return app


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/fail", 500),
        ("/nothing", 404),
        ("/c2c", 307),
        ("/c2c/", 200),
        ("/c2c/health", 200),
        ("/c2c/livez", 200),
        ("/c2c/static/nothing.css", 404),
        ("/c2c/instances", 403),
        ("/c2c/nothing", 404),
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="default"),
        pytest.param({"armor": False, "metrics": False, "gzip": False}, id="least"),
        pytest.param({"cors": {"allow_origins": ["https://a.example"]}}, id="cors"),
    ],
)
async def test_each_answer_has_the_id_once(path: str, status: int, options: dict[str, Any]) -> None:
    async with client(make_app(**options)) as http:
        response = await http.get(path, headers={**MINE, "Origin": "https://a.example"})
    assert response.status_code == status, response.text
    assert response.headers.get_list("x-request-id") == ["mine"]


async def test_refusals_of_middlewares(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is not trusted, a preflight request, and a client that guesses too often."""
    configure(monkeypatch, AUTH__THROTTLE_PER_CLIENT="1")
    app = make_app(trusted_hosts=["www.example.com"], cors={"allow_origins": ["https://a.example"]})
    async with client(app) as http:
        preflight = {**MINE, "Origin": "https://b.example", "Access-Control-Request-Method": "GET"}
        answers = [
            await http.get("/", headers={**MINE, "Host": "evil.example"}),
            await http.options("/", headers=preflight),
            await http.get("/c2c/instances", headers={**MINE, "X-API-Key": "wrong"}),
            await http.get("/c2c/instances", headers={**MINE, "X-API-Key": "wrong as well"}),
        ]
    assert [answer.status_code for answer in answers] == [400, 400, 403, 429]
    assert [answer.headers.get_list("x-request-id") for answer in answers] == [["mine"]] * 4


async def test_the_settings_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, REQUEST_TRACKING__HEADER="X-My-Id", REQUEST_TRACKING__SERVER_TIMING="True")
    async with client(make_app()) as http:
        response = await http.get("/", headers={"X-My-Id": "own", **MINE})
    assert response.json() == {"id": "own"}
    assert response.headers["server-timing"].startswith("app;dur=")
    configure(monkeypatch, REQUEST_TRACKING__TRUST="False")
    async with client(make_app()) as http:
        response = await http.get("/", headers={"X-My-Id": "own", **MINE})
    assert response.json()["id"] not in {"own", "mine"}
    assert response.headers["x-request-id"] == response.json()["id"]


async def test_without() -> None:
    """An application that has its own tracking turns it off: no header, no id."""
    async with client(make_app(request_tracking=False)) as http:
        for path in ("/", "/c2c/"):
            response = await http.get(path, headers=MINE)
            assert "x-request-id" not in response.headers
        assert (await http.get("/")).json() == {"id": None}


async def test_pages_of_other_origins_cannot_read_it() -> None:
    """No header exposes it to scripts, unless `cors` asks for that."""
    origin = {"Origin": "https://a.example"}
    for options, exposed in (({}, None), ({"expose_headers": ["X-Request-ID"]}, "X-Request-ID")):
        async with client(make_app(cors={"allow_origins": ["https://a.example"], **options})) as http:
            response = await http.get("/", headers=origin)
        assert response.headers.get("access-control-expose-headers") == exposed


async def test_the_client_of_the_proxy_is_in_the_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a request is what the forwarded headers made of it."""
    configure(monkeypatch, PROXY_HEADERS__TYPE="x-forwarded")
    app = make_app()
    headers = {**MINE, "X-Forwarded-For": "192.0.2.7"}
    async with client(app, raise_errors=True) as http:
        with pytest.raises(RuntimeError) as raised:
            await http.get("/fail", headers=headers)
    context = request_of(raised.value)
    assert context is not None
    assert context.scope is not None
    assert context.scope["client"][0] == "192.0.2.7"


async def test_the_record_of_a_refusal(caplog: pytest.LogCaptureFixture) -> None:
    """What the mounted application logs and audits has the id."""
    caplog.set_level(logging.INFO, "c2casgiutils")
    async with client(make_app()) as http:
        await http.post("/c2c/auth/login", data={"secret": "wrong"}, headers=MINE)
    found = [vars(record).get("audit_request_id") for record in caplog.records]
    assert "mine" in found


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        pytest.param("GET", "/c2c/instances", {}, 403, id="refused"),
        pytest.param("GET", "/c2c/nothing", {}, 404, id="unknown path"),
        pytest.param("GET", "/c2c/health_checks?tags=none&strict=1", {}, 404, id="unknown check"),
        pytest.param("DELETE", "/c2c/auth/login", {}, 405, id="method"),
        pytest.param("POST", "/c2c/livez", {}, 405, id="method of a probe"),
        pytest.param("POST", "/c2c/auth/login", {"content": b"x" * 70_000}, 413, id="too large"),
        pytest.param(
            "POST",
            "/c2c/logging/level",
            {"json": {"level": 1}, "headers": {"X-API-Key": "s3cret-of-the-test"}},
            422,
            id="not valid",
        ),
    ],
)
async def test_error_bodies(method: str, path: str, options: dict[str, Any], status: int) -> None:
    """Those of the mounted application tell the id, which a user can pass on, beside FastAPI's `detail`."""
    async with client(make_app()) as http:
        response = await http.request(
            method, path, **{**options, "headers": MINE | options.get("headers", {})}
        )
    assert response.status_code == status, response.text
    body = response.json()
    assert body["detail"]
    assert body["request_id"] == "mine"


async def test_the_body_of_an_unexpected_error() -> None:
    app = make_app()

    @c2casgiutils.app.get("/unexpected-error-of-a-test")
    async def fail() -> None:
        raise RuntimeError("boom")

    async with client(app) as http:
        response = await http.get("/c2c/unexpected-error-of-a-test", headers=MINE)
    text = "Internal Server Error"
    assert response.status_code == 500
    assert response.json() == {"detail": text, "message": text, "status": 500, "request_id": "mine"}
    async with client(app) as http:
        response = await http.get(
            "/c2c/unexpected-error-of-a-test", headers={"X-API-Key": "s3cret-of-the-test"}
        )
    body = response.json()
    assert (body["detail"], body["message"]) == ("boom", "boom")
    assert any("in fail" in line for line in body["stacktrace"])


async def test_error_bodies_without_tracking() -> None:
    async with client(make_app(request_tracking=False)) as http:
        body = (await http.get("/c2c/nothing", headers=MINE)).json()
    assert body == {"detail": "Not Found", "message": "Not Found", "status": 404, "request_id": None}
