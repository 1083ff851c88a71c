"""The probes at the root of an application."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException

import c2casgiutils
from c2casgiutils import config, health_checks
from c2casgiutils.health_checks import FACTORY, Result, Wrong
from tests.unit.health_checks.checks import Fine, Hanging, Raising, Returning

SECRET = "a-secret-of-the-test"
PROBES = ["livez", "readyz", "startupz"]


def _refuse() -> None:
    raise HTTPException(418)


@pytest.fixture
async def started() -> AsyncIterator[httpx.AsyncClient]:
    """A started application that refuses everything but its probes."""
    config.settings = config.Settings(auth={"secret": SECRET})
    app = FastAPI(dependencies=[Depends(_refuse)])

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    health_checks.probes(app)
    app.mount("/c2c", c2casgiutils.app)
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        yield client


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_passes(started: httpx.AsyncClient, probe: str, method: str) -> None:
    reply = await started.request(method, f"/{probe}")
    assert (reply.status_code, reply.text) == (200, "ok" if method == "GET" else "")
    assert reply.headers["cache-control"] == "no-cache, no-store"
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("probe", PROBES)
async def test_other_methods(started: httpx.AsyncClient, probe: str) -> None:
    reply = await started.post(f"/{probe}")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")
    assert reply.json()["detail"] == "Method Not Allowed"


@pytest.mark.parametrize("probe", PROBES)
async def test_under_the_mount(probe: str) -> None:
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        replies = [await client.request(method, f"/c2c/{probe}") for method in ("GET", "HEAD")]
    assert [reply.status_code for reply in replies] == [200, 200]


async def test_not_started() -> None:
    """Without `startup` the process is alive and no more."""
    app = FastAPI()
    health_checks.probes(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        replies = {probe: await client.get(f"/{probe}") for probe in PROBES}
    assert {probe: (reply.status_code, reply.text) for probe, reply in replies.items()} == {
        "livez": (200, "ok"),
        "readyz": (503, "starting"),
        "startupz": (503, "starting"),
    }


async def test_livez_runs_no_check(started: httpx.AsyncClient) -> None:
    FACTORY.add(Hanging(), groups=["ready", "startup", "live"], timeout=60)
    async with asyncio.timeout(20):
        assert (await started.get("/livez?verbose&exclude=nobody")).text == "[+]ping ok\nlivez check passed\n"


async def test_readyz_runs_its_group(started: httpx.AsyncClient) -> None:
    FACTORY.add(Wrong())
    assert (await started.get("/readyz")).status_code == 200
    FACTORY.add(Wrong(), groups=["ready"])
    reply = await started.get("/readyz")
    assert (reply.status_code, reply.text) == (
        503,
        "[+]ping ok\n[-]Wrong_2 failed: reason withheld\nreadyz check failed\n",
    )


async def test_degraded_is_ready(started: httpx.AsyncClient) -> None:
    FACTORY.add(Wrong(), groups=["ready"], severity="degrading")
    assert (await started.get("/readyz")).status_code == 200


async def test_not_run_yet_is_not_ready(started: httpx.AsyncClient) -> None:
    FACTORY.add(Hanging(), groups=["ready"], every=60, timeout=10)
    assert (await started.get("/readyz")).status_code == 503


async def test_startupz_is_latched(started: httpx.AsyncClient) -> None:
    check = Returning(Result(status_code=503))
    FACTORY.add(check, groups=["startup"], ttl=0)
    assert (await started.get("/startupz")).status_code == 503
    check.value = Result()
    assert (await started.get("/startupz")).status_code == 200
    check.value = Result(status_code=503)
    assert (await started.get("/startupz")).status_code == 200


async def test_verbose_names_the_checks(started: httpx.AsyncClient) -> None:
    FACTORY.add(Fine(), groups=["ready"], name="db")
    assert (await started.get("/readyz?verbose")).text == "[+]ping ok\n[+]db ok\nreadyz check passed\n"


async def test_verbose_gives_reasons_to_readers(started: httpx.AsyncClient) -> None:
    FACTORY.add(Raising(ValueError("it is broken")), groups=["ready"], name="db")
    anonymous = await started.get("/readyz?verbose")
    reader = await started.get("/readyz?verbose", headers={"X-API-Key": SECRET})
    assert "broken" not in anonymous.text
    assert "[-]db failed: it is broken\n" in reader.text


async def test_exclude(started: httpx.AsyncClient) -> None:
    FACTORY.add(Wrong(), groups=["ready"], name="a")
    FACTORY.add(Wrong(), groups=["ready"], name="b")
    assert (await started.get("/readyz?exclude=a&exclude=b")).text == "ok"
    assert (await started.get("/readyz?exclude=a")).status_code == 503


async def test_exclude_unknown(started: httpx.AsyncClient) -> None:
    FACTORY.add(Fine(), groups=["ready"], name="a")
    anonymous = await started.get("/readyz?exclude=x")
    reader = await started.get("/readyz?exclude=x", headers={"X-API-Key": SECRET})
    assert (anonymous.status_code, anonymous.text) == (404, "unknown check to exclude")
    assert (reader.status_code, reader.text) == (404, "unknown check to exclude; known: a")


async def test_exclude_where_there_is_no_check(started: httpx.AsyncClient) -> None:
    reader = await started.get("/readyz?exclude=x", headers={"X-API-Key": SECRET})
    assert (reader.status_code, reader.text) == (404, "unknown check to exclude; known: none")


async def test_a_failure_gives_reasons_to_readers(started: httpx.AsyncClient) -> None:
    """Without `verbose` too, since the failed checks are listed then as well."""
    FACTORY.add(Raising(ValueError("it is broken")), groups=["ready"], name="db")
    assert "[-]db failed: reason withheld\n" in (await started.get("/readyz")).text
    reader = await started.get("/readyz", headers={"X-API-Key": SECRET})
    assert "[-]db failed: it is broken\n" in reader.text


async def test_health_json(started: httpx.AsyncClient) -> None:
    FACTORY.add(Raising(ValueError("it is broken")), groups=["ready"], name="db", severity="degrading")
    accept = {"Accept": "application/health+json"}
    anonymous = await started.get("/readyz", headers=accept)
    reader = await started.get("/readyz", headers={**accept, "X-API-Key": SECRET})
    assert anonymous.headers["content-type"] == "application/health+json"
    assert anonymous.json()["status"] == "warn"
    (component,) = anonymous.json()["checks"]["db:responseTime"]
    assert component["status"] == "fail"
    assert component["observedUnit"] == "ms"
    assert "output" not in component
    assert reader.json()["checks"]["db:responseTime"][0]["output"] == "it is broken"


async def test_health_json_of_livez(started: httpx.AsyncClient) -> None:
    reply = await started.get("/livez", headers={"Accept": "application/health+json"})
    assert reply.json() == {"status": "pass"}


async def test_query_that_is_no_text(started: httpx.AsyncClient) -> None:
    assert (await started.get("/readyz?%ff=%00&exclude")).status_code in {200, 404}


async def test_a_message_forges_no_line(started: httpx.AsyncClient) -> None:
    FACTORY.add(Raising(ValueError("bad\n[+]other ok")), groups=["ready"], name="db")
    reply = await started.get("/readyz?verbose", headers={"X-API-Key": SECRET})
    assert reply.text == "[+]ping ok\n[-]db failed: bad [+]other ok\nreadyz check failed\n"


async def test_requests_with_cookies_take_the_long_way() -> None:
    """A bad session is cleared on the very answer, also by the checks; the state is told all the same."""
    config.settings = config.Settings(auth={"secret": SECRET, "jwt": {"secret": "k" * 40}})
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        headers = {"Cookie": "c2c-jwt-auth=garbage"}
        replies = [await client.get(f"/c2c/{path}", headers=headers) for path in ("livez", "health/")]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert "c2c-jwt-auth=" in replies[1].headers["set-cookie"]
