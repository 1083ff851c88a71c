"""Clients that call another service, under a real server."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families

from c2casgiutils import config, prometheus, request_tracking
from c2casgiutils._app import create_app
from c2casgiutils.request_tracking import RequestContext, TraceParent
from tests.support.fresh import run_fresh
from tests.support.net import free_port
from tests.support.processes import Uvicorn
from tests.support.request_context import current

TRACEPARENT = TraceParent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
REQUEST = RequestContext("42 is the answer", TRACEPARENT, {"headers": [(b"tracestate", b"a=b")]})
SENT = {"x-request-id": ["42 is the answer"], "traceparent": [TRACEPARENT], "tracestate": ["a=b"]}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    environment = {"C2C__PROMETHEUS__PORT": "0"}
    with Uvicorn("tests.support.tracked_service:app", env=environment) as server:
        yield server.url


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Metrics of this test alone, as an application has them whose settings say so."""
    prefix = re.sub(r"\W", "_", request.node.name) + "_"
    config.settings.prometheus.prefix = prefix
    create_app()
    return prefix


def tracking_headers(answer: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in answer["headers"]:
        if name in SENT:
            found.setdefault(name, []).append(value)
    return found


def samples(prefix: str) -> dict[tuple[str, str, str], float]:
    """The number of requests by method, host and status."""
    name = f"{prefix}http_client_request_duration_seconds"
    return {
        (sample.labels["method"], sample.labels["host"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(prometheus.render()[0].decode())
        for sample in family.samples
        if sample.name == f"{name}_count"
    }


Ask = Callable[..., Any]


def ask_httpx(url: str, **options: Any) -> Any:
    with request_tracking.client() as client:
        return client.get(url, **options).json()


async def ask_httpx_async(url: str, **options: Any) -> Any:
    async with request_tracking.async_client() as client:
        return (await client.get(url, **options)).json()


def ask_instrumented(url: str, **options: Any) -> Any:
    with request_tracking.instrument(httpx.Client(timeout=10)) as client:
        return client.get(url, **options).json()


def ask_requests(url: str) -> Any:
    return requests.get(url, headers=request_tracking.headers(), timeout=10).json()


async def ask_aiohttp(url: str) -> Any:
    headers = request_tracking.headers()
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return await response.json()


@pytest.mark.parametrize("ask", [ask_httpx, ask_httpx_async, ask_instrumented, ask_requests, ask_aiohttp])
async def test_the_other_service_has_the_same_id(ask: Ask, service: str) -> None:
    """With each client the trace arrives as it came; its id is the request id there."""
    with current(REQUEST):
        answer = ask(service)
        answer = await answer if inspect.isawaitable(answer) else answer
    assert tracking_headers(answer) == SENT
    assert answer["trace_id"] == TRACEPARENT.trace_id
    assert answer["id"] == TRACEPARENT.trace_id


@pytest.mark.parametrize("ask", [ask_httpx, ask_httpx_async, ask_instrumented])
async def test_without_a_request(ask: Ask, service: str) -> None:
    """Nothing is added, and the other service makes an id."""
    answer = ask(service)
    answer = await answer if inspect.isawaitable(answer) else answer
    assert tracking_headers(answer) == {}
    assert answer["id"]


@pytest.mark.parametrize("ask", [ask_httpx, ask_httpx_async])
@pytest.mark.parametrize("name", ["X-Request-ID", "x-request-id"])
async def test_a_header_is_never_replaced(ask: Ask, name: str, service: str) -> None:
    with current(RequestContext("mine")):
        answer = ask(service, headers={name: "of the application"})
        answer = await answer if inspect.isawaitable(answer) else answer
    assert tracking_headers(answer) == {"x-request-id": ["of the application"]}


def test_the_trace_of_the_application_is_not_mixed(service: str) -> None:
    """Its `traceparent` gets no `tracestate` of the current request, which is of another trace."""
    own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with current(REQUEST):
        answer = ask_httpx(service, headers={"Traceparent": own})
    assert tracking_headers(answer) == {"x-request-id": SENT["x-request-id"], "traceparent": [own]}


def test_a_hook_of_the_application_comes_first(service: str) -> None:
    def add(request: httpx.Request) -> None:
        request.headers["X-Request-ID"] = "of the hook"

    with (
        current(RequestContext("mine")),
        request_tracking.client(event_hooks={"request": [add]}) as client,
    ):
        assert tracking_headers(client.get(service).json()) == {"x-request-id": ["of the hook"]}


def test_a_span_of_the_sdk_is_the_parent(service: str) -> None:
    """Where an application has set up OpenTelemetry the other service continues its span."""
    tracer = TracerProvider().get_tracer("application")
    with current(REQUEST), tracer.start_as_current_span("work") as span:
        answer = ask_httpx(service)
        ids = span.get_span_context()
    sent = tracking_headers(answer)
    assert sent["traceparent"] == [f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"]
    assert sent["x-request-id"] == ["42 is the answer"]


@pytest.mark.parametrize("setting", ["5", "0.2"])
def test_the_default_timeout(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__REQUEST_TRACKING__DEFAULT_TIMEOUT", setting)
    create_app(config.Settings())
    expected = httpx.Timeout(float(setting))
    assert request_tracking.client().timeout == expected
    assert request_tracking.async_client().timeout == expected
    assert request_tracking.client(timeout=None).timeout == httpx.Timeout(None)
    assert request_tracking.instrument(httpx.Client(timeout=7)).timeout == httpx.Timeout(7)


@pytest.mark.parametrize(
    "start",
    [
        "c2casgiutils.app",
        "asyncio.run(c2casgiutils.startup())",
        "asyncio.run(c2casgiutils.cli.init(argparse.Namespace()))",
    ],
)
def test_whatever_starts_the_process(start: str) -> None:
    """The settings apply in a service, whether it mounts the views or not, and in a script."""
    code = (
        "import argparse, asyncio, httpx, c2casgiutils\n"
        f"{start}\n"
        "assert c2casgiutils.request_tracking.client().timeout == httpx.Timeout(9)\n"
    )
    done = run_fresh(code, env={"C2C__REQUEST_TRACKING__DEFAULT_TIMEOUT": "9"})
    assert done.returncode == 0, done.stderr


async def test_durations(prefix: str, service: str) -> None:
    """Each request counts once, by method, host and status; each of a redirection by itself."""
    with request_tracking.instrument(request_tracking.client(follow_redirects=True)) as client:
        client.get(f"{service}/status/200")
        client.get(f"{service}/status/404")
        client.get(f"{service}/redirect")
        client.request("PROPFIND", f"{service}/status/200")
    async with request_tracking.async_client() as asynchronous:
        await asynchronous.get(f"{service}/status/503")
    assert samples(prefix) == {
        ("GET", "127.0.0.1", "200"): 2,
        ("GET", "127.0.0.1", "404"): 1,
        ("GET", "127.0.0.1", "302"): 1,
        ("GET", "127.0.0.1", "503"): 1,
        ("other", "127.0.0.1", "405"): 1,
    }


async def test_failures_count_too(prefix: str) -> None:
    """A service that does not answer is the one that an operator looks for."""
    url = f"http://127.0.0.1:{free_port()}/"
    with request_tracking.client() as client, pytest.raises(httpx.ConnectError):
        client.get(url)
    async with request_tracking.async_client() as asynchronous:
        with pytest.raises(httpx.ConnectError):
            await asynchronous.get(url)
    assert samples(prefix) == {("GET", "127.0.0.1", "error"): 2}


def test_an_error_of_a_hook_passes() -> None:
    """The application's own exception arrives, also one that names no request."""

    def refuse(request: httpx.Request) -> None:
        raise httpx.RequestError("not today")

    client = request_tracking.client(event_hooks={"request": [refuse]})
    with pytest.raises(httpx.RequestError, match="not today"):
        client.get("http://127.0.0.1/")


def test_the_number_of_hosts_is_bounded(prefix: str) -> None:
    """An application may call hosts that its users choose."""
    transport = httpx.MockTransport(lambda _: httpx.Response(299))
    with request_tracking.client(transport=transport) as client:
        for number in range(60):
            client.get(f"http://host-{number}.example/")
        client.get("http://host-7.example/")
    found = samples(prefix)
    assert len(found) == 51
    assert found["GET", "other", "299"] == 10
    assert found["GET", "host-7.example", "299"] == 2


def test_a_status_that_http_does_not_know(prefix: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(999))
    with request_tracking.client(transport=transport) as client:
        client.get("http://a.example/")
    assert samples(prefix) == {("GET", "a.example", "other"): 1}
