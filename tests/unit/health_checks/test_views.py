"""The contract's endpoint."""

import asyncio

import httpx
import prometheus_client
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config, health_checks
from c2casgiutils.health_checks import FACTORY, Result, Wrong
from tests.unit.health_checks.checks import Fine, Hanging, Raising, Returning

PATHS = ["/health/", "/health", "/health_checks", "/health_checks/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_paths_answer(client: httpx.AsyncClient, path: str, method: str) -> None:
    """Each path gives the same headers; HEAD gives the length of the body without it."""
    reply = await client.request(method, path)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-cache, no-store"
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert int(reply.headers["content-length"]) > 0
    assert (reply.content == b"") == (method == "HEAD")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
async def test_other_methods_under_the_mount(path: str, method: str) -> None:
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        reply = await client.request(method, f"/c2c{path}")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")
    assert reply.json()["detail"] == "Method Not Allowed"
    assert reply.headers["cache-control"] == "no-cache, no-store"


@pytest.mark.parametrize("path", ["/health/", "/health", "/health/cluster"])
async def test_other_methods_of_an_included_router(client: httpx.AsyncClient, path: str) -> None:
    """Without the mount, too, the response lists all methods of the path (RFC 9110, 15.5.6)."""
    reply = await client.request("DELETE", path)
    assert reply.status_code == 405
    assert sorted(reply.headers["allow"].split(", ")) == ["GET", "HEAD"]


async def test_nothing_selected(client: httpx.AsyncClient) -> None:
    FACTORY.add(Fine(tags=["a"]))
    reply = await client.get("/health/", params={"tags": "b"})
    assert reply.status_code == 200
    assert reply.json()["entities"] == []


async def test_shape(client: httpx.AsyncClient) -> None:
    config.settings.health.details = "always"
    FACTORY.add(Returning(Result(payload={"message": "fine"})), tags=["a", "b"])
    body = (await client.get("/health/")).json()
    assert body["status_code"] == 200
    assert body["time_taken"] >= 0
    (entity,) = body["entities"]
    assert entity["age"] >= 0
    assert entity["time_taken"] >= 0
    del entity["age"], entity["time_taken"]
    assert entity == {
        "name": "Returning",
        "tags": ["a", "b"],
        "status_code": 200,
        "payload": {"message": "fine"},
        "status": "pass",
        "level": 1,
        "severity": "critical",
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({}, ["Fine", "Wrong"], id="all"),
        pytest.param({"name": "Fine"}, ["Fine"], id="name"),
        pytest.param({"tags": "b"}, ["Fine", "Wrong"], id="tag"),
        pytest.param({"tags": "a,x"}, ["Fine"], id="any-tag"),
        pytest.param({"tags": " c , x "}, ["Wrong"], id="blanks"),
        pytest.param({"name": "Fine", "tags": "c"}, [], id="both-must-match"),
        pytest.param({"name": "None"}, [], id="unknown"),
        pytest.param({"name": "", "tags": ""}, ["Fine", "Wrong"], id="empty"),
    ],
)
async def test_selection(client: httpx.AsyncClient, query: dict[str, str], names: list[str]) -> None:
    FACTORY.add(Fine(tags=["a", "b"]))
    FACTORY.add(Wrong(tags=["b", "c"]))
    reply = await client.get("/health/", params=query)
    assert [entity["name"] for entity in reply.json()["entities"]] == names
    assert reply.status_code == (500 if "Wrong" in names else 200)


SECRET = "a-secret-of-the-test"


@pytest.mark.parametrize("path", ["/health/", "/health"], ids=["endpoint", "view"])
@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [
        pytest.param("name=Typo", 200, None, id="not-strict"),
        pytest.param("name=Typo&strict=0", 200, None, id="off"),
        pytest.param("name=Fine&strict=1", 200, None, id="known-name"),
        pytest.param("tags=a,b&strict=true", 200, None, id="known-tags"),
        pytest.param("strict=1", 200, None, id="all"),
        pytest.param("name=Typo&strict=1", 404, "Unknown check: Typo", id="name"),
        pytest.param("tags=a,typo&strict=1", 404, "Unknown tag: typo", id="tag"),
        pytest.param(
            "name=Fine&tags=c&strict=1", 404, "No check has this name and one of these tags", id="both"
        ),
    ],
)
async def test_strict_selection(
    client: httpx.AsyncClient, path: str, query: str, status: int, problem: str | None
) -> None:
    """What is not known is no entity, as in 0.x, and 404 with `strict`."""
    FACTORY.add(Fine(tags=["a", "b"]))
    FACTORY.add(Returning(Result()), tags=["c"])
    reply = await client.get(f"{path}?{query}")
    assert reply.status_code == status
    assert reply.json().get("detail") == problem


async def test_strict_selection_names_the_known_ones_to_readers(client: httpx.AsyncClient) -> None:
    """Readers learn what they may have meant."""
    config.settings = config.Settings(auth={"secret": SECRET})
    FACTORY.add(Fine(tags=["a", "b"]))
    for query, text in {
        "name=x": "Unknown check: x; known: Fine",
        "tags=x": "Unknown tag: x; known: a, b",
    }.items():
        reply = await client.get(f"/health/?strict=1&{query}", headers={"X-API-Key": SECRET})
        assert (reply.status_code, reply.json()["detail"]) == (404, text)


async def test_hanging_check_is_one_failed_entity(client: httpx.AsyncClient) -> None:
    FACTORY.add(Fine())
    FACTORY.add(Hanging(), timeout=0.2)
    async with asyncio.timeout(20):
        reply = await client.get("/health/")
    assert reply.status_code == 500
    assert [entity["status_code"] for entity in reply.json()["entities"]] == [200, 500]


async def test_anonymous_callers_see_no_text(client: httpx.AsyncClient) -> None:
    FACTORY.add(Raising(ValueError("postgresql://me:hush-hush@db.internal/x")))
    reply = await client.get("/health/")
    assert reply.status_code == 500
    assert reply.json()["entities"][0]["payload"] == {}


async def test_details_hold_no_password(client: httpx.AsyncClient) -> None:
    config.settings.health.details = "always"
    FACTORY.add(Raising(ValueError("postgresql://me:hush-hush@db.internal/x")))
    reply = await client.get("/health/")
    payload = reply.json()["entities"][0]["payload"]
    assert payload["error"] == "ValueError"
    assert payload["message"] == "postgresql://***@db.internal/x"
    assert "hush" not in reply.text


async def test_gauge_is_zero_or_one(client: httpx.AsyncClient) -> None:
    FACTORY.add(Fine())
    FACTORY.add(Wrong())
    await client.get("/health/")
    prefix = config.settings.prometheus.prefix
    values = [
        prometheus_client.REGISTRY.get_sample_value(f"{prefix}health_checks_failure", {"name": name})
        for name in ("Fine", "Wrong")
    ]
    assert values == [0, 1]


async def test_route_name(app: FastAPI) -> None:
    assert app.url_path_for("c2c_health_checks") == "/health/"


def test_schema_has_no_warning(app: FastAPI) -> None:
    """Two methods on one function must not make two operations of one name."""
    paths = {"/health/", "/health/cluster", "/health_checks", "/health_check", "/drain"}
    assert set(app.openapi()["paths"]) == paths


async def test_check_in_code() -> None:
    FACTORY.add(Fine(tags=["a"]))
    result = await FACTORY.check(None, "a")
    assert isinstance(result, health_checks.GlobalResult)
    assert result.entities[0].payload == {"run": 1}
    assert (await FACTORY.check("Fine", "b")).entities == []


async def test_the_secret_opens_details(client: httpx.AsyncClient) -> None:
    config.settings = config.Settings(auth={"secret": "a-secret-of-the-test"})
    FACTORY.add(Fine())
    anonymous = await client.get("/health/")
    known = await client.get("/health/", headers={"X-API-Key": "a-secret-of-the-test"})
    wrong = await client.get("/health/", headers={"X-API-Key": "another"})
    assert [reply.json()["entities"][0]["payload"] for reply in (anonymous, known, wrong)] == [
        {},
        {"run": 1},
        {},
    ]


async def test_never_means_never(client: httpx.AsyncClient) -> None:
    config.settings = config.Settings(auth={"secret": "a-secret-of-the-test"}, health={"details": "never"})
    FACTORY.add(Fine())
    reply = await client.get("/health/", headers={"X-API-Key": "a-secret-of-the-test"})
    assert reply.json()["entities"][0]["payload"] == {}


async def test_many_probes_are_one_run_each(client: httpx.AsyncClient) -> None:
    checks = [Fine(seconds=0.05) for _ in range(10)]
    for number, check in enumerate(checks):
        FACTORY.add(check, name=f"check-{number}", ttl=600, timeout=30)
    replies = await asyncio.gather(*(client.get("/health/") for _ in range(200)))
    assert {reply.status_code for reply in replies} == {200}
    assert {check.runs for check in checks} == {1}


async def test_many_probes_of_a_hanging_check(client: httpx.AsyncClient) -> None:
    FACTORY.add(Hanging(), timeout=0.5, ttl=600)
    async with asyncio.timeout(40):  # one run each would take a hundred seconds
        replies = await asyncio.gather(*(client.get("/health/") for _ in range(200)))
    assert {reply.status_code for reply in replies} == {500}


async def test_cluster_of_one(client: httpx.AsyncClient) -> None:
    """Without Redis and without a start this process speaks for itself."""
    config.settings = config.Settings(auth={"secret": "a-secret-of-the-test"})
    FACTORY.add(Fine())
    assert (await client.get("/health/cluster")).status_code == 403
    reply = await client.get("/health/cluster", headers={"X-API-Key": "a-secret-of-the-test"})
    body = reply.json()
    assert (body["status"], body["scope"]) == ("pass", "process")
    (instance,) = body["instances"]
    assert instance["answered"] is True
    assert body["checks"][0]["cells"][instance["id"]]["status"] == "pass"
    assert body["cluster"]["complete"] is True
