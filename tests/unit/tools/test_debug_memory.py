"""The diagnostic views of the memory."""

import asyncio
import contextlib
import re
import types
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

import c2casgiutils
from c2casgiutils import auth, config, debug, instances
from c2casgiutils._app import create_app
from tests.unit.tools.conftest import SECRET

pytestmark = pytest.mark.usefixtures("small_heap")

HOST = "www.example.com"


class LeakedObject:
    """What the endpoint of the tests leaks, one at each request."""


class Calls:
    """The requests that the application of the test received."""

    def __init__(self) -> None:
        self.leaked: list[LeakedObject] = []
        self.requests: list[Request] = []


def create_application(calls: Calls) -> FastAPI:
    app = FastAPI()
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST])

    @app.get("/api/ping")
    async def ping(request: Request, toto: str = "") -> str:
        calls.requests.append(request)
        calls.leaked.append(LeakedObject())
        return toto

    @app.get("/private")
    async def private(context: Annotated[auth.AccessContext, Depends(auth.get_access_context)]) -> str:
        await context.require_admin_access()
        return "secret"

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @app.post("/change")
    async def change() -> None:
        calls.leaked.clear()

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def beats() -> AsyncIterator[str]:
            while True:
                yield "beat"
                await asyncio.sleep(0.01)

        return StreamingResponse(beats())

    app.mount("/c2c", create_app())
    return app


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def client(calls: Calls) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator of an application that leaks."""
    config.settings = config.Settings(auth={"secret": SECRET}, debug={"enabled": True})
    app = create_application(calls)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"X-API-Key": SECRET}
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(
            transport=transport, base_url=f"http://{HOST}/c2c/debug/", headers=headers, timeout=30
        ) as client,
    ):
        yield client


async def measure(client: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    answer = await client.get("memory_diff", params={"path": path, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def growth_of(found: dict[str, Any], kind: type) -> int | None:
    name = f"{kind.__module__}.{kind.__qualname__}"
    return next((delta for type_, _, delta in found["objgraph.growth"] if type_ == name), None)


async def test_a_leak_of_one_object_for_each_request(client: httpx.AsyncClient, calls: Calls) -> None:
    """The leaked class grows by exactly one, each time, and is in the list with the number of its objects."""
    for number in (2, 4, 6):
        found = await measure(client, "/api/ping?toto=tutu")
        assert growth_of(found, LeakedObject) == 1
        row = next(row for row in found["objgraph.growth"] if row[0].endswith(".LeakedObject"))
        assert row[1] >= len(calls.leaked) == number  # other tests may keep some, too
    assert found["status"] == 200
    assert 0 < found["elapsed_time"] < 30
    assert found["instance"] == instances.own_id()
    kinds = ("rss", "vms", "shared", "text", "lib", "data", "dirty")
    assert set(found["memory.growth"]) == {f"{kind}_kb" for kind in kinds}
    assert calls.requests[-1].query_params["toto"] == "tutu"


async def test_no_leak_of_what_does_not_leak(client: httpx.AsyncClient) -> None:
    """One of five requests leaves nothing: beside the others, a task of the library may."""
    for _ in range(5):
        found = await measure(client, "/private")
        if growth_of(found, dict) is None and sum(delta for _, _, delta in found["objgraph.growth"]) <= 5:
            break
    else:
        pytest.fail(f"each request left {found['objgraph.growth']}")
    assert growth_of(found, LeakedObject) is None


@pytest.mark.parametrize(
    ("flag", "number"),
    [("", 2), ("&no_warmup", 1), ("&no_warmup=1", 1), ("&no_warmup=0", 2), ("&no_warmup=", 2)],
    ids=["default", "flag", "true", "false", "empty"],
)
async def test_warm_up(client: httpx.AsyncClient, calls: Calls, flag: str, number: int) -> None:
    """h/D10: there is a request that is not measured, unless `no_warmup` is set."""
    assert (await client.get(f"memory_diff?path=/api/ping{flag}")).status_code == 200
    assert len(calls.requests) == number


async def test_the_request_carries_the_credentials_of_the_caller(
    client: httpx.AsyncClient, calls: Calls
) -> None:
    """However they were sent; no other header is passed on."""
    client.headers["X-Other"] = "1"
    assert (await measure(client, "/private"))["status"] == 200
    await measure(client, "/api/ping")
    assert {*calls.requests[-1].headers} == {"host", "x-api-key"}
    assert calls.requests[-1].client == calls.requests[0].client
    del client.headers["X-API-Key"]
    assert (await measure(client, "/private", secret=SECRET))["status"] == 200
    config.settings.http = True
    answer = await client.post("../auth/login", data={"secret": SECRET})
    assert answer.status_code < 400
    assert (await measure(client, "/private"))["status"] == 200


async def test_an_application_that_fails(client: httpx.AsyncClient) -> None:
    """An exception of the application is the status 500 of its request, and the view answers."""
    assert (await measure(client, "/broken"))["status"] == 500


async def test_only_get_requests_are_sent(client: httpx.AsyncClient, calls: Calls) -> None:
    await measure(client, "/api/ping")
    assert (await measure(client, "/change"))["status"] == 405
    assert calls.leaked


@pytest.mark.parametrize(
    "path",
    [
        "http://other.example/",
        "//other.example/",
        "/\\other.example",
        "api/ping",
        "/api/ping#part",
        "/api/ping\r\nHost: x",
        "/" + "x" * 2000,
    ],
)
async def test_what_is_no_path(client: httpx.AsyncClient, calls: Calls, path: str) -> None:
    """h/D09: only a path of the application is asked, never another host."""
    answer = await client.get("memory_diff", params={"path": path})
    assert answer.status_code == 422
    assert "must be a path of the application" in answer.text
    assert calls.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "/c2c/debug/memory_diff?path=/api/ping",
        "/c2c//debug/memory",
        "/c2c/%64ebug/memory",
        "/c2c/debug",
        "//c2c/debug/memory",
    ],
)
async def test_the_diagnostics_are_not_measured(client: httpx.AsyncClient, calls: Calls, path: str) -> None:
    """h/D09: they do not ask themselves."""
    answer = await client.get("memory_diff", params={"path": path})
    assert answer.status_code == 422
    assert calls.requests == []


async def test_unknown_path(client: httpx.AsyncClient) -> None:
    answer = await client.get("memory_diff", params={"path": "/nothing"})
    assert (answer.status_code, answer.json()["detail"]) == (404, "The application has no such path")


async def test_an_answer_without_an_end(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is cancelled, and the next diagnosis can start."""
    monkeypatch.setattr("c2casgiutils.tools._debug_memory_diff._SECONDS", 0.3)
    answer = await client.get("memory_diff", params={"path": "/endless"})
    assert answer.status_code == 504
    assert "more than 0.3 seconds" in answer.json()["detail"]
    monkeypatch.undo()
    assert (await measure(client, "/api/ping"))["status"] == 200


async def test_without_the_application() -> None:
    """The view says what is missing if `startup` was not given the application."""
    config.settings = config.Settings(auth={"secret": SECRET}, debug={"enabled": True})
    async with (
        c2casgiutils.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app()),
            base_url="http://testserver",
            headers={"X-API-Key": SECRET},
        ) as client,
    ):
        answer = await client.get("/debug/memory_diff", params={"path": "/api/ping"})
    assert answer.status_code == 501
    assert "c2casgiutils.startup(app)" in answer.json()["detail"]


VIEWS = {
    "memory": "memory",
    "memory_maps": "memory_maps",
    "memory_diff": "memory_diff?path=/api/ping",
    "show_refs.dot": f"show_refs.dot?analyze_type={__name__}.Calls",
}


@pytest.mark.parametrize("url", VIEWS.values(), ids=VIEWS)
async def test_one_at_a_time(client: httpx.AsyncClient, url: str) -> None:
    """While a costly diagnosis runs, another one is refused; the application still answers."""
    with debug.heavy().held():
        answer = await client.get(url)
        assert answer.status_code == 409
        assert "already running" in answer.json()["detail"]
        assert (await client.get(f"http://{HOST}/api/ping")).status_code == 200
    assert (await client.get(url)).status_code == 200


async def test_two_at_the_same_time(client: httpx.AsyncClient) -> None:
    """h/D08: all but one are refused."""
    answers = await asyncio.gather(*(client.get("memory?analyze_type=builtins.dict") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


@pytest.mark.parametrize("url", VIEWS.values(), ids=VIEWS)
async def test_the_event_loop_goes_on(client: httpx.AsyncClient, url: str) -> None:
    """While a diagnosis runs, the event loop runs other tasks."""
    many: list[object] = [[[]] for _ in range(100_000)]  # for some tenths of a second
    waits: list[float] = []

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            waits.append(loop.time() - before)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    waits.clear()
    await client.get(url)
    rounds = len(waits)
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher
    assert len(many) == 100_000
    assert rounds > 3


@pytest.mark.parametrize("url", VIEWS.values(), ids=VIEWS)
async def test_switched_off(client: httpx.AsyncClient, url: str) -> None:
    config.settings.debug.enabled = False
    answer = await client.get(url)
    assert answer.status_code == 404
    assert "C2C__DEBUG__ENABLED" in answer.text
    with pytest.raises(debug.DisabledError):
        await debug.run_heavy(lambda: None)


@pytest.mark.parametrize("url", VIEWS.values(), ids=VIEWS)
async def test_recorded(client: httpx.AsyncClient, url: str) -> None:
    """Who looked is in the audit log."""
    await client.get(url)
    (event,) = (await client.get("../audit?limit=1")).json()["events"]
    assert event["action"] == "debug." + re.split(r"[.?]", url)[0]
    assert event["result"] == "ok"


async def test_memory(client: httpx.AsyncClient) -> None:
    """One element for each process, with the lists of c2cwsgiutils."""
    body = (await client.get("memory?limit=3&analyze_type=builtins.function")).json()
    assert set(body) == {"processes", "cluster"}
    (process,) = body["processes"]
    assert (process["instance"], body["cluster"]["complete"]) == (instances.own_id(), True)
    assert len(process["nb_collected"]) == len(process["most_common_types"]) == 3
    assert len(process["leaking_objects"]) <= 3
    assert len(process["builtins.function"]["modules"]) == 3
    assert "timeout" not in process


@pytest.mark.parametrize("flag", ["", "=1", "=true", "=on"])
async def test_namespaces_of_modules(client: httpx.AsyncClient, flag: str) -> None:
    module = types.ModuleType("made_up")
    vars(module)["things"] = []  # so that the garbage collector tracks its namespace
    body = (await client.get(f"memory?python_internals_map{flag}&limit=1")).json()
    assert len(body["processes"][0]["builtins.dict"]["biggest_objects"]) == 1


WRONG = [
    *(f"memory?limit={value}" for value in ("0", "101", "1000000000", "-1", "abc", "nan")),
    *("memory?analyze_type=dict", "memory?analyze_type=" + "x." * 101, "memory?analyze_type=a%00.b"),
    "memory?python_internals_map=perhaps",
    "memory_diff",
    "memory_diff?path=/api/ping&limit=101",
    "memory_diff?path=/api/ping&no_warmup=perhaps",
    "show_refs.dot",
    "show_refs.dot?analyze_type=a.b&analyze_id=1",
    "show_refs.dot?analyze_id=-1",
    "show_refs.dot?analyze_id=abc",
    *(f"show_refs.dot?analyze_id=1&max_depth={value}" for value in ("0", "6", "1000000")),
    *(f"show_refs.dot?analyze_id=1&too_many={value}" for value in ("0", "101", "1000000")),
    *(f"show_refs.dot?analyze_id=1&min_size_kb={value}" for value in ("-1", "nan", "inf")),
    "show_refs.dot?analyze_id=1&instance=all",
]


@pytest.mark.parametrize("url", WRONG)
async def test_wrong_parameters(client: httpx.AsyncClient, url: str) -> None:
    """h/D06: what is out of range is a 422, before anything is counted."""
    answer = await client.get(url)
    assert answer.status_code == 422, answer.text
    assert isinstance(answer.json()["detail"], list)


async def test_memory_maps(client: httpx.AsyncClient) -> None:
    """The maps of this process, whichever id of a process is asked for."""
    (process,) = (await client.get("memory_maps?pid=1")).json()["processes"]
    maps = process["memory_maps"]
    assert "python" in " ".join(one["name"] for one in maps)
    assert all(one["size_kb"] >= one["rss_kb"] >= one["pss_kb"] > 0 for one in maps)
    assert [one["pss_kb"] for one in maps] == sorted((one["pss_kb"] for one in maps), reverse=True)
    assert process["left_out"] == 0


async def test_graph(client: httpx.AsyncClient, calls: Calls) -> None:
    """The graph is a file for Graphviz that a browser does not show."""
    answer = await client.get(
        f"show_refs.dot?analyze_type={__name__}.Calls&max_depth=3&too_many=10&no_extra_info&backrefs="
    )
    assert answer.status_code == 200
    assert f"{__name__}.Calls" in answer.text
    assert "kB" not in answer.text
    assert answer.headers["content-type"] == "text/vnd.graphviz; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="references.dot"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]
    number = re.search(r"id (\d+)", answer.text)
    assert number is not None
    assert (await client.get(f"show_refs.dot?analyze_id={number[1]}")).status_code == 200


@pytest.mark.parametrize("query", ["analyze_id=1", "analyze_type=no.such"])
async def test_graph_of_what_does_not_exist(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"show_refs.dot?{query}")
    assert answer.status_code == 404
    assert "tracks no such object" in answer.json()["detail"]


@pytest.mark.parametrize("url", ["memory", "memory_maps", "show_refs.dot?analyze_id=1"])
async def test_unknown_instance(client: httpx.AsyncClient, url: str) -> None:
    answer = await client.get(url, params={**httpx.URL(url).params, "instance": "nobody:1:abc"})
    assert answer.status_code == 404
    assert instances.own_id() in answer.text
