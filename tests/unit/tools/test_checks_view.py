"""The view of the checks."""

import html
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from c2casgiutils import config, instances
from c2casgiutils.health_checks import FACTORY, JsonCheckError, Result
from tests.unit.health_checks.checks import Fine, Raising, Returning


@pytest.fixture(autouse=True)
def _checks() -> Iterator[None]:
    yield
    FACTORY.clear()


async def test_no_checks(client: httpx.AsyncClient) -> None:
    for path in ("", "checks"):
        page = (await client.get(path)).text
        assert "No check is registered yet" in page
        example = page.partition("<pre>")[2].partition("</pre>")[0]
        exec(html.unescape(example), {})  # noqa: S102  # what the page tells to write
        assert [entry.name for entry in FACTORY.entries] == ["Redis"]
        FACTORY.clear()


async def test_checks_run_when_the_last_results_are_asked_for(client: httpx.AsyncClient) -> None:
    """The lists run nothing, whoever looks at them."""
    check = Fine()
    FACTORY.add(check, name="fine", ttl=0)
    for path in ("", "checks", "processes"):
        page = (await client.get(path)).text
    assert check.runs == 0
    assert "1 without a result yet" in (await client.get("")).text
    page = (await client.get("checks", params={"check": "fine"})).text
    assert check.runs == 1
    assert '<code role="img" aria-label="1 ok">·</code>' in page


async def test_the_last_results_are_one_string(client: httpx.AsyncClient) -> None:
    """The oldest first, and in words for those who do not see them."""
    check = Returning(Result())
    FACTORY.add(check, name="check", ttl=0)
    for result in (Result(), Result(status="warn"), Result(status="skip"), Result(status_code=500)):
        check.value = result
        await FACTORY.check()
    page = (await client.get("checks", params={"check": "check"})).text
    assert ">·!-xx</code>" in page
    assert 'aria-label="2 down, 1 ok, 1 degraded, 1 not configured"' in page
    assert f'id="p-{instances.own_id()}"' in page


@pytest.mark.parametrize("details", ["authorized", "always", "never"])
async def test_details(client: httpx.AsyncClient, details: str) -> None:
    """`C2C__HEALTH__DETAILS` says whether readers see why, here as elsewhere."""
    config.settings.health = config.settings.health.model_copy(update={"details": details})
    FACTORY.add(Raising(JsonCheckError("<b>broken", {"of": ["pool"]})), name="check")
    page = (await client.get("checks", params={"check": "check"})).text
    assert ("&lt;b&gt;broken" in page) is (details != "never")
    assert ("JsonCheckError" in page) is (details != "never")
    assert "state-fail" in page


async def test_large_details_are_shortened(client: httpx.AsyncClient) -> None:
    FACTORY.add(
        Returning(Result(payload={"message": "m" * 20_000, "rows": list(range(5_000))})), name="check"
    )
    body = (await client.get("health/cluster", params={"history": True, "check": "check"})).json()
    (row,) = body["checks"]
    payload = row["cells"][instances.own_id()]["payload"]
    assert set(payload) == {"message", "shortened"}
    assert len(payload["message"]) == 8_192


@pytest.mark.parametrize("name", ["none", "<script>", "x" * 10_240])
async def test_a_check_that_nobody_has(client: httpx.AsyncClient, name: str) -> None:
    FACTORY.add(Fine(), name="fine")
    answer = await client.get("checks", params={"check": name})
    assert answer.status_code == 404
    assert "No process has a health check of the name" in answer.text
    assert 'id="check-fine"' in answer.text
    assert "<script>" not in answer.text


async def test_checks_of_one_process(client: httpx.AsyncClient) -> None:
    FACTORY.add(Fine(), name="fine")
    own = instances.own()
    page = (await client.get("checks", params={"id": own.id})).text
    assert f"1 of {own.pid} on {own.hostname}" in page
    page = (await client.get("checks", params={"id": own.id, "check": "fine"})).text
    assert f'id="p-{own.id}"' in page
    answer = await client.get("checks", params={"id": own.id, "check": "none"})
    assert answer.status_code == 404
    assert f"{own.pid} on {own.hostname} has no health check of the name “none”" in answer.text
    assert f'<a href="checks?id={quote(own.id)}">show all 1</a>' in answer.text


@pytest.mark.parametrize("query", ["", "check=fine&"])
async def test_checks_of_a_process_that_left(client: httpx.AsyncClient, query: str) -> None:
    """The view says so, with a status that says it, too, and shows no other process instead."""
    FACTORY.add(Fine(), name="fine")
    answer = await client.get(f"checks?{query}id=web:1:gone")
    assert answer.status_code == 404
    assert "No process has the id “web:1:gone”: it left, or the id is wrong." in answer.text
    assert f'id="p-{instances.own_id()}"' not in answer.text


async def test_checks_of_a_process_that_cannot_be_seen(client: httpx.AsyncClient) -> None:
    """Without Redis it is not known whether the process left."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    for query in ("id=web:1:aa", "check=none"):
        answer = await client.get(f"checks?{query}")
        assert answer.status_code == 503
        assert "it left" not in answer.text


async def test_one_check_as_json(client: httpx.AsyncClient) -> None:
    """The list stays as it is without `check`; the details are those of one check only."""
    FACTORY.add(Fine(), name="fine")
    FACTORY.add(Fine(), name="other")
    own = instances.own_id()
    every = (await client.get("health/cluster", params={"history": True})).json()
    assert [row["name"] for row in every["checks"]] == ["fine", "other"]
    assert {row["cells"][own]["payload"] for row in every["checks"]} == {None}
    (row,) = (await client.get("health/cluster", params={"check": "fine"})).json()["checks"]
    assert (row["name"], row["cells"][own]["history"]) == ("fine", None)


@pytest.mark.parametrize("history", ["0", "1"])
async def test_a_check_that_nobody_has_as_json(client: httpx.AsyncClient, history: str) -> None:
    """A monitor with a wrong name is told so, and those that there are; it would be green for ever."""
    FACTORY.add(Fine(), name="fine")
    for id_ in ("", instances.own_id()):
        answer = await client.get("health/cluster", params={"check": "none", "history": history, "id": id_})
        assert answer.status_code == 404
        assert answer.json()["detail"] == "Unknown check; known: fine"


async def test_a_check_that_cannot_be_seen(client: httpx.AsyncClient) -> None:
    """Without Redis it is not known whether another process has it."""
    FACTORY.add(Fine(), name="fine")
    config.settings.redis.url = "redis://127.0.0.1:1"
    answer = await client.get("health/cluster", params={"check": "none"})
    assert answer.status_code == 503
    assert "Redis is unreachable" in answer.json()["detail"]
    assert (await client.get("health/cluster", params={"check": "fine"})).status_code == 200
