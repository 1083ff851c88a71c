"""`install()`: one call for the documented set-up, and each step can be left out."""

import asyncio
import http.client
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import sentry_sdk
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Route

import c2casgiutils
from c2casgiutils import config, headers, sentry
from c2casgiutils._app import create_app
from tests.support.asgi import call, make_scope
from tests.support.fake_sentry import FakeSentry
from tests.support.net import free_port

SECRET = "s3cret-of-the-test"
KEY = {"X-API-Key": SECRET}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, C2C__PROMETHEUS__PORT="0", C2C__AUTH__SECRET=SECRET)


def configure(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config.settings = config.Settings()


def make_app(**options: Any) -> FastAPI:
    app = FastAPI()
    c2casgiutils.install(app, **options)

    @app.get("/text")
    async def text() -> PlainTextResponse:
        return PlainTextResponse("x" * 2000)

    @app.get("/fail")
    async def fail() -> None:
        raise RuntimeError("boom")

    return app


def client_of(app: Starlette, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 50000))
    return httpx.AsyncClient(transport=transport, **{"base_url": "http://testserver", **options})


def running(app: Starlette) -> AbstractAsyncContextManager[Any]:
    return app.router.lifespan_context(app)


async def test_the_operations_side_is_mounted() -> None:
    app = make_app()
    async with running(app), client_of(app) as client:
        assert (await client.get("/c2c/health_checks")).status_code == 200
        assert (await client.get("/c2c/metrics", headers={"X-API-Key": SECRET})).status_code == 200


@pytest.mark.parametrize(
    ("prefix", "path", "root_path", "url", "location"),
    [
        pytest.param("/", "/c2c", "", "/c2c?a=b", "c2c/?a=b", id="default"),
        pytest.param("/api", "/c2c", "", "/api/c2c", "c2c/", id="route prefix"),
        pytest.param("/", "/ops/tools/", "", "/ops/tools", "tools/", id="path"),
        pytest.param("/api/", "/c2c", "/behind", "/behind/api/c2c", "c2c/", id="root path"),
    ],
)
async def test_where_it_is_mounted(  # noqa: PLR0917  # one case
    monkeypatch: pytest.MonkeyPatch, prefix: str, path: str, root_path: str, url: str, location: str
) -> None:
    configure(monkeypatch, C2C__ROUTE_PREFIX=prefix)
    transport = httpx.ASGITransport(make_app(path=path), root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for method in ("GET", "HEAD"):
            response = await client.request(method, url)
            assert (response.status_code, response.headers["location"]) == (307, location)
        target = urljoin(url, location.partition("?")[0])
        assert (await client.get(target + "health_checks")).status_code == 200


@pytest.mark.parametrize("path", ["/c2cx", "/x/c2c", "/x/c2c/", "/x/c2c/livez", "/C2C/livez"])
@pytest.mark.parametrize("root_path", ["", "/c2c"])
async def test_other_paths_are_those_of_the_application(path: str, root_path: str) -> None:
    app = make_app()

    @app.get("/{rest:path}")
    async def read(rest: str) -> str:
        return rest

    transport = httpx.ASGITransport(app, root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get(f"{root_path}{path}")).json() == path[1:]


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
async def test_the_root_path_of_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy that strips the prefix it hides the mount; the root path of the server does not."""
    configure(monkeypatch)
    with_own, plain = FastAPI(root_path="/api"), FastAPI()
    for app in (with_own, plain):
        c2casgiutils.install(app)
    for app, path, root_path, status in (
        (with_own, "/c2c/livez", "", 404),
        (plain, "/api/c2c/livez", "/api", 200),  # as uvicorn --root-path makes it
    ):
        transport = httpx.ASGITransport(app, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            assert (await client.get(path)).status_code == status


@pytest.mark.parametrize("path", ["", "/", "c2c", "/a b", "/{x}", "//c2c", "/c2c?x"])
def test_a_wrong_path(path: str) -> None:
    with pytest.raises(ValueError, match="path must be"):
        c2casgiutils.install(FastAPI(), path=path)


def test_twice_on_one_application() -> None:
    app = make_app()
    with pytest.raises(ValueError, match="already called"):
        c2casgiutils.install(app)


async def test_both_lifespans_run_ours_around_the_applications() -> None:
    order = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        await c2casgiutils.broadcast.subscribe("channel-of-the-test", _ignore)
        order.append("started")
        yield {"from": "own"}
        order.append("ended")
        await c2casgiutils.broadcast.unsubscribe("channel-of-the-test")

    app = FastAPI(lifespan=own)
    c2casgiutils.install(app)
    async with running(app) as state:
        assert state == {"from": "own"}
        assert order == ["started"]
    assert order == ["started", "ended"]


async def _ignore(**_: object) -> None:
    pass


async def test_with_our_lifespan_given_by_the_application_too() -> None:
    app = FastAPI(lifespan=c2casgiutils.lifespan)
    c2casgiutils.install(app)
    async with running(app):
        pass


async def test_an_application_that_does_not_start_leaves_nothing_behind() -> None:
    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no start")
        yield

    app = FastAPI(lifespan=own)
    c2casgiutils.install(app)
    tasks = asyncio.all_tasks()
    with pytest.raises(RuntimeError, match="no start"):
        async with running(app):
            pass
    assert asyncio.all_tasks() == tasks


@pytest.mark.parametrize(
    ("path", "status"), [("/text", 200), ("/fail", 500), ("/nowhere", 404), ("/c2c/health_checks", 200)]
)
async def test_security_headers_on_every_answer(path: str, status: int) -> None:
    async with client_of(make_app()) as client:
        response = await client.get(path)
    assert response.status_code == status
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["strict-transport-security"]


async def test_security_headers_on_refusals_of_other_middlewares() -> None:
    app = make_app(trusted_hosts=["good.example"], cors={"allow_origins": ["https://a.example"]})
    async with client_of(app) as client:
        refused = await client.get("/text")
        preflight = await client.options(
            "/text",
            headers={
                "Host": "good.example",
                "Origin": "https://a.example",
                "Access-Control-Request-Method": "GET",
            },
        )
    assert (refused.status_code, preflight.status_code) == (400, 200)
    for response in (refused, preflight):
        assert response.headers["x-frame-options"] == "DENY"


async def test_no_transport_security_over_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, C2C__HTTP="true")
    async with client_of(make_app(https_redirect=True)) as client:
        response = await client.get("/text")
    assert response.status_code == 200
    assert "strict-transport-security" not in response.headers


async def test_further_matchers_of_the_headers() -> None:
    app = make_app(headers_config={"mine": {"headers": {"X-Frame-Options": "SAMEORIGIN"}}})
    async with client_of(app) as client:
        assert (await client.get("/text")).headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        pytest.param({}, "content-encoding", "gzip", id="gzip"),
        pytest.param({"gzip": False}, "content-encoding", None, id="no gzip"),
        pytest.param({"armor": False}, "x-frame-options", None, id="no armor"),
        pytest.param({}, "access-control-allow-origin", None, id="no CORS"),
        pytest.param(
            {"cors": {"allow_origins": ["https://a.example"]}},
            "access-control-allow-origin",
            "https://a.example",
            id="CORS",
        ),
    ],
)
async def test_steps(options: dict[str, Any], header: str, value: str | None) -> None:
    async with client_of(make_app(**options)) as client:
        response = await client.get("/text", headers={"Origin": "https://a.example"})
    assert response.headers.get(header) == value


@pytest.mark.parametrize("root_path", ["", "/behind", "/behind/"])
@pytest.mark.parametrize(
    "path",
    [
        *("/livez", "/readyz", "/startupz", "/c2c/livez", "/c2c/readyz?verbose", "/c2c/startupz"),
        *(
            "/c2c/health",
            "/c2c/health/",
            "/c2c/health_checks?tags=liveness",
            "/c2c/health_check",
            "/c2c/metrics",
        ),
    ],
)
async def test_probes_and_metrics_over_plain_http(path: str, root_path: str) -> None:
    """Kubernetes and Prometheus ask the port of the application, which has no TLS."""
    app = make_app(https_redirect=True, probes=True)
    transport = httpx.ASGITransport(app, root_path=root_path)
    async with (
        running(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=KEY) as client,
    ):
        assert (await client.get(f"{root_path}{path}")).status_code == 200


@pytest.mark.parametrize("path", ["/text", "/livez", "/c2c/", "/c2c/audit", "/c2c/livez/x", "/x/c2c/livez"])
async def test_everything_else_is_redirected_to_https(path: str) -> None:
    async with client_of(make_app(https_redirect=True), headers=KEY) as client:
        response = await client.get(path)
    assert (response.status_code, response.headers["location"]) == (307, f"https://testserver{path}")


@pytest.mark.parametrize("armor", [True, False])
@pytest.mark.parametrize(
    ("path", "status"), [("/fail", 500), ("/nowhere", 404), ("/unavailable", 503), ("/text", 200)]
)
async def test_errors_have_the_headers_of_cors(path: str, status: int, armor: bool) -> None:
    """A page of the named origin can read what went wrong."""
    app = make_app(armor=armor, cors={"allow_origins": ["https://a.example"], "allow_credentials": True})

    @app.get("/unavailable")
    async def unavailable() -> None:
        raise HTTPException(503)

    async with client_of(app) as client:
        response = await client.get(path, headers={"Origin": "https://a.example"})
        other = await client.get(path, headers={"Origin": "https://b.example"})
    assert response.status_code == other.status_code == status
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    assert "Origin" in response.headers["vary"]
    assert "access-control-allow-origin" not in other.headers
    assert ("x-frame-options" in response.headers) == armor


async def test_a_handler_of_the_application_answers_once_with_cors() -> None:
    seen = []
    app = make_app(cors={"allow_origins": ["https://a.example"]})

    @app.exception_handler(Exception)
    async def handle(_request: Request, error: Exception) -> PlainTextResponse:
        seen.append(str(error))
        return PlainTextResponse("sorry", 500)

    async with client_of(app) as client:
        response = await client.get("/fail", headers={"Origin": "https://a.example"})
    assert (response.text, seen) == ("sorry", ["boom"])
    assert response.headers["access-control-allow-origin"] == "https://a.example"


async def test_https_redirect_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The redirection sees what the trusted proxy says: no loop."""
    configure(monkeypatch, C2C__PROXY_HEADERS__TYPE="x-forwarded")
    async with client_of(make_app(https_redirect=True)) as client:
        assert (await client.get("/text")).status_code == 307
        secure = await client.get("/text", headers={"X-Forwarded-Proto": "https"})
    assert secure.status_code == 200


async def test_trusted_hosts_see_the_forwarded_host(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, C2C__PROXY_HEADERS__TYPE="x-forwarded")
    async with client_of(make_app(trusted_hosts=["good.example"])) as client:
        good = await client.get("/text", headers={"X-Forwarded-Host": "good.example"})
        bad = await client.get("/text", headers={"Host": "good.example", "X-Forwarded-Host": "bad.example"})
    assert (good.status_code, bad.status_code) == (200, 400)


@pytest.mark.parametrize(
    ("name", "value"),
    [("FORCE_HOST", "a b"), ("FORCE_CLIENT", "not an address")],
)
def test_a_wrong_setting_of_the_proxies_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    configure(monkeypatch, C2C__PROXY_HEADERS__TYPE="forwarded", **{f"C2C__PROXY_HEADERS__{name}": value})
    with pytest.raises(config.ConfigurationError, match=f"^C2C__PROXY_HEADERS__{name}: "):
        make_app()


def test_a_wrong_matcher_fails_at_once() -> None:
    with pytest.raises(ValueError, match="mine"):
        make_app(headers_config={"mine": {"path_match": "("}})


@pytest.mark.parametrize("forwarded", [True, False])
async def test_forwarded_headers_only_when_the_setting_says_so(forwarded: bool) -> None:
    async with client_of(make_app(trusted_hosts=["testserver"], forwarded=forwarded)) as client:
        response = await client.get("/text", headers={"X-Forwarded-Host": "bad.example"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("setting", "argument", "is_applied"),
    [("True", None, True), ("False", None, False), ("False", True, True), ("True", False, False)],
)
async def test_the_prefix_that_a_proxy_stripped(
    monkeypatch: pytest.MonkeyPatch, setting: str, argument: bool | None, is_applied: bool
) -> None:
    """Addresses have the prefix again when the setting or the argument says so."""
    configure(
        monkeypatch,
        C2C__PROXY_HEADERS__TYPE="x-forwarded",
        C2C__PROXY_HEADERS__APPLY_PREFIX=setting,
    )
    app = make_app(apply_prefix=argument)

    @app.get("/where")
    async def where(request: Request) -> str:
        return str(request.url_for("c2c_index"))

    async with client_of(app, headers={"X-Forwarded-Prefix": "/behind"}) as client:
        prefix = "/behind" if is_applied else ""
        assert (await client.get("/where")).json() == f"http://testserver{prefix}/c2c/"
        signed_in = await client.post("/c2c/auth/login", data={"secret": SECRET})
        assert f"Path={prefix}/c2c;" in signed_in.headers["set-cookie"]


@pytest.mark.parametrize("type_", ["none", "forwarded"])
def test_a_prefix_needs_x_forwarded(monkeypatch: pytest.MonkeyPatch, type_: str) -> None:
    configure(monkeypatch, C2C__PROXY_HEADERS__TYPE=type_, C2C__PROXY_HEADERS__APPLY_PREFIX="True")
    with pytest.raises(config.ConfigurationError, match=r"^C2C__PROXY_HEADERS__APPLY_PREFIX: needs"):
        make_app()


@pytest.mark.parametrize("path", ["/text", "/c2c/", "/c2c/livez"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "www.example.com"),
        ("Forwarded", "for=1.2.3.4"),
    ],
)
async def test_forwarded_headers_that_are_not_read(
    name: str, value: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning names the header and the settings, and the page says so on a line."""
    async with client_of(make_app(), headers={name: value, **KEY}) as client:
        for _ in range(2):
            await client.get(path)
        page = (await client.get("/c2c/")).text
    (warning,) = [
        record.getMessage()
        for record in caplog.records
        if "sent by a proxy is ignored" in record.getMessage()
    ]
    assert warning.startswith(name)
    assert "C2C__PROXY_HEADERS__TYPE" in warning
    assert f"{name} sent by a proxy is ignored" in page


async def test_forwarded_headers_that_are_not_read_by_hand(caplog: pytest.LogCaptureFixture) -> None:
    """An application that mounts the operations side itself is warned by that side."""
    app = FastAPI()
    app.mount("/c2c", create_app())
    async with client_of(app, headers={"X-Forwarded-Host": "www.example.com"}) as client:
        await client.get("/c2c/")
    assert ["X-Forwarded-Host" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        pytest.param({}, {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "testserver"}, id="nothing new"),
        pytest.param({"client": ("1.2.3.4", 0)}, {"X-Forwarded-For": "1.2.3.4"}, id="read by the server"),
        pytest.param({"client": ("1.2.3.4", 5)}, {"X-Forwarded-For": "1.2.3.4:5"}, id="with its port"),
        pytest.param({"client": ("::1", 5)}, {"X-Forwarded-For": "1.2.3.4, [::1]:5"}, id="in a chain"),
    ],
)
async def test_no_warning_of_headers_that_were_read(
    options: dict[str, Any], headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    transport = httpx.ASGITransport(make_app(), **options)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://testserver", headers={**headers, **KEY}
    ) as client:
        page = (await client.get("/c2c/")).text
    assert "sent by a proxy is ignored" not in page
    assert not any("sent by a proxy is ignored" in record.getMessage() for record in caplog.records)


async def test_no_warning_of_headers_that_are_applied(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    configure(monkeypatch, C2C__PROXY_HEADERS__TYPE="x-forwarded")
    forwarded = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", **KEY}
    async with client_of(make_app(), headers=forwarded) as client:
        assert "sent by a proxy is ignored" not in (await client.get("/c2c/")).text
    assert not any("sent by a proxy is ignored" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("trusted", ["127.0.0.1", "10.0.0.1"], ids=["trusted", "untrusted"])
@pytest.mark.parametrize("is_first", [False, True], ids=["inside", "outside"])
async def test_no_warning_of_headers_that_the_application_reads(
    trusted: str, is_first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """By a middleware of its own, on either side of ours; it warns itself of peers that it does not trust."""
    app = FastAPI()
    options: dict[str, Any] = {"trusted_hosts": trusted, "headers_type": "x-forwarded"}
    if not is_first:
        app.add_middleware(headers.ForwardedHeadersMiddleware, **options)
    c2casgiutils.install(app)
    if is_first:
        app.add_middleware(headers.ForwardedHeadersMiddleware, **options)
    forwarded = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
    async with client_of(app, headers=forwarded) as client:
        assert (await client.get("/c2c/livez")).status_code == 200
    assert not any("sent by a proxy is ignored" in record.getMessage() for record in caplog.records)


async def test_warning_beside_a_middleware_that_reads_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """One that only forces values ignores the headers as well."""
    app = FastAPI()
    app.add_middleware(headers.ForwardedHeadersMiddleware, headers_type="none", force_port=8443)
    c2casgiutils.install(app)
    async with client_of(app, headers={"X-Forwarded-For": "1.2.3.4"}) as client:
        await client.get("/c2c/livez")
    assert any("sent by a proxy is ignored" in record.getMessage() for record in caplog.records)


async def test_a_forced_scheme_needs_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, C2C__PROXY_HEADERS__FORCE_PROTO="https")
    async with client_of(make_app(https_redirect=True)) as client:
        assert (await client.get("/text")).status_code == 200


@pytest.mark.parametrize(
    "cors",
    [
        {"allow_origins": ["*"]},
        {"allow_origins": ["https://a.example", "*"]},
        {"allow_origins": ["null"]},
        {"allow_origin_regex": ".*"},
        {"allow_origin_regex": "https?://.*"},
        {"allow_origin_regex": "https://.+"},
        {"allow_origin_regex": r"https://.*\.com"},
        {"allow_origin_regex": re.compile(r"https://.*example\.com")},
    ],
    ids=str,
)
def test_any_origin_with_credentials_is_refused(cors: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must list its origins"):
        c2casgiutils.install(FastAPI(), cors={**cors, "allow_credentials": True})
    c2casgiutils.install(FastAPI(), cors=cors)


@pytest.mark.parametrize(
    "cors",
    [{"allow_origins": ["https://a.example"]}, {"allow_origin_regex": r"https://[\w-]+\.example\.com"}],
    ids=str,
)
def test_named_origins_with_credentials(cors: dict[str, Any]) -> None:
    c2casgiutils.install(FastAPI(), cors={**cors, "allow_credentials": True})


@pytest.mark.parametrize("metrics_port", [True, False])
async def test_the_metrics_port_while_the_application_runs(
    monkeypatch: pytest.MonkeyPatch, metrics_port: bool
) -> None:
    port = free_port()
    configure(monkeypatch, C2C__PROMETHEUS__PORT=str(port))
    app = make_app(metrics_port=metrics_port)

    def is_served() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()

    assert not is_served()
    async with running(app):
        assert await asyncio.to_thread(is_served) == metrics_port
    assert not is_served()


@pytest.mark.parametrize("metrics", [True, False])
async def test_requests_are_measured(metrics: bool) -> None:
    app = make_app(metrics=metrics)
    route = f"/measured-{metrics}"

    @app.get(route)
    async def measured() -> None: ...

    async with client_of(app) as client:
        await client.get(route)
        text = (await client.get("/c2c/metrics", headers={"X-API-Key": SECRET})).text
    assert (f'handler="{route}"' in text) == metrics


async def test_the_roster_gets_the_requests_in_flight() -> None:
    app = make_app()
    async with running(app), client_of(app) as client:
        roster = (await client.get("/c2c/instances", headers={"X-API-Key": SECRET})).json()
    assert "requests_in_flight" in str(roster)


@pytest.mark.parametrize("probes", [True, False])
async def test_probes_at_the_root(probes: bool) -> None:
    app = make_app(probes=probes)
    async with running(app), client_of(app) as client:
        assert (await client.get("/livez")).status_code == (200 if probes else 404)
        assert (await client.get("/c2c/livez")).status_code == 200


@pytest.mark.parametrize("on", [True, False])
def test_sentry(monkeypatch: pytest.MonkeyPatch, on: bool) -> None:
    configure(monkeypatch, C2C__SENTRY__DSN="http://key@127.0.0.1:9/1")
    try:
        make_app(sentry=on)
        assert sentry.is_active() == on
    finally:
        sentry.close(0)


async def test_a_failure_is_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to it and the exception raised again are not two."""
    with FakeSentry() as fake:
        configure(monkeypatch, C2C__SENTRY__DSN=fake.dsn)
        try:
            async with client_of(make_app()) as client:
                assert (await client.get("/fail")).status_code == 500
        finally:
            await asyncio.to_thread(sentry.close, 10)
        assert [event["exception"]["values"][0]["value"] for event in fake.events] == ["boom"]


def test_sentry_that_the_application_initialised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, C2C__SENTRY__DSN="http://key@127.0.0.1:9/1")
    try:
        sentry.init(release="by hand")
        make_app()
        assert sentry_sdk.get_client().options["release"] == "by hand"
    finally:
        sentry.close(0)


async def test_without_the_lifespan_step_nothing_is_started(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    before = app.router.lifespan_context
    with caplog.at_level(logging.WARNING):
        c2casgiutils.install(app, lifespan=False)
    assert app.router.lifespan_context is before


async def test_by_hand_without_install() -> None:
    """Each piece works alone."""
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)
    app.add_middleware(c2casgiutils.headers.ArmorHeaderMiddleware)
    await c2casgiutils.startup(app)
    try:
        async with client_of(app) as client:
            response = await client.get("/c2c/health_checks")
        assert response.status_code == 200
        assert response.headers["x-frame-options"] == "DENY"
    finally:
        await c2casgiutils.shutdown()


@pytest.mark.parametrize(
    ("query", "location"),
    [
        (b"", b"c2c/"),
        (b"a=1&b=%2F/?", b"c2c/?a=1&b=%2F/?"),
        (b"a=\xff", b"c2c/?a=%FF"),
        (b"\r\nX: y", b"c2c/?%0D%0AX:%20y"),
    ],
)
async def test_redirection_to_the_page_keeps_any_query(query: bytes, location: bytes) -> None:
    start = (await call(make_app(), make_scope("/c2c", query_string=query)))[0]
    assert start["status"] == 307
    assert (b"location", location) in start["headers"]


async def test_an_application_of_starlette(monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps work without FastAPI, with the routes and the lifespan of the application."""
    configure(monkeypatch, C2C__PROXY_HEADERS__TYPE="x-forwarded")
    steps: list[str] = []

    async def text(_: StarletteRequest) -> Response:
        steps.append("request")
        return Response("x" * 2000, media_type="text/plain")

    async def fail(_: StarletteRequest) -> Response:
        raise RuntimeError("boom")

    @asynccontextmanager
    async def own(_: Starlette) -> AsyncIterator[dict[str, str]]:
        steps.append("started")
        yield {"key": "value"}
        steps.append("ended")

    app = Starlette(routes=[Route("/text", text), Route("/fail/{number}", fail)], lifespan=own)
    c2casgiutils.install(app, probes=True, errors=True, cors={"allow_origins": ["https://example.com"]})
    async with running(app) as state, client_of(app, headers=KEY) as client:
        assert state == {"key": "value"}
        assert (await client.get("/readyz")).text == "ok"
        assert (await client.get("/c2c")).headers["location"] == "c2c/"
        page = await client.get("/c2c/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        answer = await client.get("/text", headers={"Origin": "https://example.com"})
        assert answer.headers.keys() >= {"x-request-id", "content-security-policy", "content-encoding"}
        assert answer.headers["access-control-allow-origin"] == "https://example.com"
        failed = await client.get("/fail/7")
        assert (failed.status_code, failed.json()["status"]) == (500, 500)
        missing = await client.get("/missing")
        assert (missing.status_code, missing.json()["message"]) == (404, "Not Found")
        exchanges = (await client.get("/c2c/debug/exchanges")).json()["exchanges"]
        assert {"/text", "/fail/{number}"} <= {exchange["route"] for exchange in exchanges}
        metrics = (await client.get("/c2c/metrics")).text
        assert 'service="tests"' in metrics
        assert 'handler="/fail/{number}"' in metrics
    assert steps == ["started", "request", "ended"]


def test_an_application_of_another_framework() -> None:
    """The message says what is accepted, and where to read on."""

    class Other:
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            raise NotImplementedError

    with pytest.raises(TypeError, match=r"FastAPI or Starlette, not Other.*docs/other-frameworks\.md"):
        c2casgiutils.install(Other())  # type: ignore[arg-type]  # what is tested
