"""The view of the databases: the maintenance, its form, the pools."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from c2casgiutils import config, db, switches
from tests.support.db_app import execute
from tests.unit.tools.conftest import SECRET


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[db.Database]:
    database = db.Database(f"sqlite:///{tmp_path}/test.db", name="of_the_page")
    yield database
    await database.aclose()


async def submit(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """Send the form, and follow where it leads."""
    answer = await client.post("database", data=fields)
    if answer.status_code != 303:
        return answer
    return await client.get(str(answer.url.join(answer.headers["Location"])))


def section_of(page: httpx.Response, name: str = "maintenance") -> str:
    """The text of a section, without the markup."""
    (section,) = re.findall(
        rf'<section class="card full" aria-labelledby="{name}">.*?</section>', page.text, re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]*>", " ", section).split())


async def test_begin_and_end(client: httpx.AsyncClient, database: db.Database) -> None:
    """It says until when, who and why, also where attention is needed; a button ends it."""
    page = await submit(client, maintenance="begin", ttl="1h", reason="INC-42 <b>")
    assert "The databases are in maintenance." in page.text
    assert re.search(
        r"maintenance read-only, until \d\d:\d\d:\d\d UTC \( 59 min [^)]*\), by secret: INC-42 &lt;b&gt;",
        section_of(page),
    )
    overview = await client.get("")
    assert "The database is in maintenance, read-only: INC-42 &lt;b&gt;" in overview.text
    page = await submit(client, maintenance="begin", ttl="none", reason="")
    assert "maintenance read-only, without an end, by secret 0 running" in section_of(page)
    page = await submit(client, maintenance="end", ttl="none", reason="")
    assert "The databases can be written." in page.text
    assert section_of(page).startswith("Maintenance read-write 0 running")
    assert "End maintenance" not in page.text
    assert db.maintenance() is None


async def test_transactions_and_pools(client: httpx.AsyncClient, database: db.Database) -> None:
    """Of the process that answers."""
    assert re.search(r"has not used [\w, ]*of_the_page", section_of(await client.get("database"), "pools"))
    async with database.session_scope(read_write=True) as session:
        await execute(session, "SELECT 1")
        page = await client.get("database")
    assert "1 running transactions may write in this process." in section_of(page)
    assert re.search(r"of_the_page read_write 1 \d+ 0", section_of(page, "pools"))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"ttl": "8d", "reason": "a reason to keep"}, "ttl: a ttl must be from 1 second to 7 days"),
        ({"ttl": "soon"}, "ttl: Invalid time delta"),
        ({"reason": "x" * 201}, "reason: a reason must have at most 200 printable characters"),
        ({"reason": "a\x1bb"}, "200 printable characters"),
    ],
)
async def test_bad_forms(
    client: httpx.AsyncClient, database: db.Database, fields: dict[str, str], text: str
) -> None:
    """The page says what is accepted, keeps what was entered, and nothing is changed."""
    page = await submit(client, maintenance="begin", **fields)
    assert page.status_code == 422
    assert text in page.text
    assert ('value="a reason to keep"' in page.text) is (fields.get("reason") == "a reason to keep")
    assert db.maintenance() is None


async def test_who_is_no_admin(callers: dict[str, httpx.AsyncClient], database: db.Database) -> None:
    """Whoever may set log levels sees the maintenance, and cannot begin or end it."""
    for name, status in (("push", 403), ("admin", 303)):
        page = await callers[name].get("/database")
        assert ("Begin maintenance" in page.text) is (name == "admin")
        assert "read-write" in section_of(page)
        assert (await callers[name].post("/database", data={"maintenance": "begin"})).status_code == status
        assert (db.maintenance() is None) is (name == "push")
    assert (await callers["push"].post("/database", data={"maintenance": "end"})).status_code == 403
    assert (await callers["push"].put("/db/maintenance", json={"readonly": False})).status_code == 403
    assert db.maintenance() is not None


async def test_strangers(client: httpx.AsyncClient, database: db.Database) -> None:
    """They see and change nothing."""
    await switches.put("maintenance", "", value=True)
    del client.headers["X-API-Key"]
    answer = await client.post("database", data={"maintenance": "end"})
    assert answer.status_code == 403
    assert db.maintenance() is not None
    assert 'id="maintenance"' not in answer.text


@pytest.mark.parametrize("fields", [{}, {"maintenance": ""}, {"maintenance": "start"}, {"reason": "x"}])
async def test_a_form_without_an_action(
    client: httpx.AsyncClient, database: db.Database, fields: dict[str, str]
) -> None:
    """It changes nothing, and the page says which actions there are."""
    page = await submit(client, **fields)
    assert page.status_code == 422
    assert "The action must be begin or end." in page.text
    assert db.maintenance() is None


async def test_a_reason_with_the_secret(client: httpx.AsyncClient, database: db.Database) -> None:
    """It is refused, so that nobody else reads it."""
    page = await submit(client, maintenance="begin", reason=f"see {SECRET}")
    assert page.status_code == 422
    assert "reason: a reason must not contain the secret" in page.text
    assert db.maintenance() is None


@pytest.mark.parametrize("view", ["database", "configuration", "checks", "processes"])
async def test_redis_that_cannot_be_reached(client: httpx.AsyncClient, view: str) -> None:
    """The views of all processes say that only this one is known."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    page = await client.get(view)
    assert page.status_code == 200
    assert "; others are not known." in page.text
    assert "equal everywhere" not in page.text
