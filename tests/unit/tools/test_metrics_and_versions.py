"""The views `/metrics` and `/versions.json`."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from c2casgiutils import config
from c2casgiutils._app import create_app

BEARER = "token-of-the-scraper"


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("C2C__AUTH__SECRET", "s3cret-of-the-test")
    monkeypatch.setenv("C2C__PROMETHEUS__BEARER", BEARER)
    config.settings = config.Settings()
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


ALLOWED = [
    pytest.param({"X-API-Key": "s3cret-of-the-test"}, id="read-only level"),
    pytest.param({"Authorization": f"Bearer {BEARER}"}, id="bearer"),
    pytest.param({"Authorization": f"bearer  {BEARER} "}, id="bearer in lower case"),
]
REFUSED = [
    pytest.param({}, id="anonymous"),
    pytest.param({"Authorization": "Bearer wrong"}, id="wrong bearer"),
    pytest.param({"Authorization": f"Basic {BEARER}"}, id="other scheme"),
    pytest.param({"Authorization": "Bearer"}, id="no token"),
    pytest.param({"Authorization": "Bearer \xe9"}, id="not ASCII"),
]


@pytest.mark.parametrize("headers", ALLOWED)
async def test_metrics(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "no-store" in response.headers["cache-control"]
    names = {family.name for family in text_string_to_metric_families(response.text)}
    assert {"c2casgiutils_build_info", "c2casgiutils_process_threads", "python_info"} <= names


@pytest.mark.parametrize("headers", REFUSED)
async def test_metrics_are_refused(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.get("/metrics", headers=httpx.Headers(headers, encoding="latin-1"))
    assert response.status_code == 403


async def test_guessing_the_bearer_is_slow(client: httpx.AsyncClient) -> None:
    """After 20 wrong ones the address waits, also with the right one."""
    guesses = [
        (await client.get("/metrics", headers={"Authorization": f"Bearer wrong-{number}"})).status_code
        for number in range(21)
    ]
    assert guesses == [403] * 20 + [429]
    answer = await client.get("/metrics", headers={"Authorization": f"Bearer {BEARER}"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_guess_of_the_bearer_is_recorded(client: httpx.AsyncClient) -> None:
    """A wrong bearer leaves a record, without the token, and its sender is told what is wrong."""
    answer = await client.get("/metrics", headers={"Authorization": "Bearer guess-of-mine"})
    assert answer.json()["detail"] == "The bearer token is wrong"
    record = await client.get("/audit?kind=refusals", headers={"X-API-Key": "s3cret-of-the-test"})
    latest = record.json()["events"][0]
    assert (latest["action"], latest["target"]) == ("auth.sign_in", "metrics_bearer")
    assert latest["result"] == "refused"
    assert "guess-of-mine" not in record.text


GITHUB = {"repository": "org/repo", "client_id": "i", "client_secret": "s", "bearer": True}
MODES: dict[str, dict[str, object]] = {
    "none": {},
    "secret": {"secret": "s3cret-of-the-test"},
    "secret, bearer of GitHub set too": {"secret": "s3cret-of-the-test", "github": GITHUB},
    "github": {"jwt": {"secret": "0123456789abcdef" * 2}, "github": {**GITHUB, "bearer": False}},
    "github with bearer": {"jwt": {"secret": "0123456789abcdef" * 2}, "github": GITHUB},
}


@pytest.mark.parametrize("auth", MODES.values(), ids=MODES)
async def test_each_guess_counts_once(client: httpx.AsyncClient, auth: dict[str, object]) -> None:
    """However callers sign in, each wrong bearer counts, and no more than once."""
    config.settings = config.Settings(auth={**auth, "throttle_per_client": 3}, prometheus={"bearer": BEARER})
    guesses = [await client.get("/metrics", headers={"Authorization": f"Bearer {n}"}) for n in range(4)]
    assert [guess.status_code for guess in guesses] == [403, 403, 403, 429]
    assert guesses[0].json()["detail"] == "The bearer token is wrong"


async def test_without_a_bearer_setting_no_bearer_opens(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("C2C__PROMETHEUS__BEARER")
    config.settings = config.Settings()
    for given in ("None", "", "null"):
        response = await client.get("/metrics", headers={"Authorization": f"Bearer {given}"})
        assert response.status_code == 403


async def test_openmetrics_for_those_who_ask(client: httpx.AsyncClient) -> None:
    response = await client.get(
        "/metrics",
        headers={
            "Authorization": f"Bearer {BEARER}",
            "Accept": "application/openmetrics-text; version=1.0.0",
        },
    )
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


async def test_versions(client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"main": {"git_hash": "abc"}, "packages": {"fastapi": "1"}}
    (tmp_path / "versions.json").write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    response = await client.get("/versions.json", headers={"X-API-Key": "s3cret-of-the-test"})
    assert response.json() == content
    head = await client.head("/versions.json", headers={"X-API-Key": "s3cret-of-the-test"})
    assert (head.status_code, head.content) == (200, b"")


async def test_versions_without_a_file(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    response = await client.get("/versions.json", headers={"X-API-Key": "s3cret-of-the-test"})
    assert response.status_code == 404
    assert "c2casgiutils-genversion" in response.json()["detail"]


async def test_versions_are_refused(client: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {BEARER}"}
    assert (await client.get("/versions.json", headers=headers)).status_code == 403
