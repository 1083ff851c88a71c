"""The page of the SQL profiler."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from c2casgiutils import db


@pytest.fixture
async def database(tmp_path: Path, client: httpx.AsyncClient) -> AsyncIterator[db.Database]:
    """Empty; the profiler is off at the end."""
    database = db.Database(f"sqlite:///{tmp_path}/test.db")
    yield database
    await client.delete("sql_profiler")
    await database.aclose()


async def test_start_and_end(client: httpx.AsyncClient, database: db.Database) -> None:
    """The form starts and ends the profiler, and the page shows the statements."""
    page = await client.get("statements")
    assert "Nothing is recorded" in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]
    answer = await client.post("statements", data={"ttl": "1m", "plans": "explain"})
    assert (answer.status_code, answer.headers["location"]) == (303, "statements")
    async with database.session_scope() as session:
        await session.execute(text("SELECT 1 AS \"<script>\", 'hunter2'"))
    page = await client.get("statements")
    assert html.escape('SELECT ? AS "<script>", ?', quote=False) in page.text.replace("&#34;", '"')
    assert "<script>" not in page.text
    assert "hunter2" not in page.text
    assert "<pre>SCAN CONSTANT ROW</pre>" in page.text
    assert re.search(r"\(<time [^>]*>(1 min|\d\d s)", page.text)
    assert (await client.post("statements", data={"end": "1"})).status_code == 303
    assert "Nothing is recorded" in (await client.get("statements")).text


@pytest.mark.parametrize("form", [{"ttl": "2h"}, {"ttl": "x"}, {"plans": "y"}])
async def test_refused(client: httpx.AsyncClient, form: dict[str, str]) -> None:
    """What is not accepted is said on the page, and nothing is started."""
    answer = await client.post("statements", data=form)
    assert answer.status_code == 422
    assert "Not changed." in answer.text
    assert not (await client.get("sql_profiler")).json()["enabled"]


async def test_link(client: httpx.AsyncClient) -> None:
    """The view of the databases links to it."""
    assert 'href="statements"' in (await client.get("database")).text


async def test_strangers(anonymous: httpx.AsyncClient) -> None:
    """Only administrators see it, or change anything."""
    assert (await anonymous.get("statements")).status_code == 403
    assert (await anonymous.post("statements", data={"ttl": "1m"})).status_code == 403
