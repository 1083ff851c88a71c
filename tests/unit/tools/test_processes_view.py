"""The view of all processes."""

import httpx
import pytest

from c2casgiutils import instances
from c2casgiutils.tools import _process_rows


async def test_table(client: httpx.AsyncClient) -> None:
    """A row leads to the process, has an anchor, and the table says how it is sorted."""
    page = (await client.get("processes", params={"sort": "memory"})).text
    own = instances.own_id()
    assert f'<tr id="p-{own}">' in page
    assert f'<a href="process?id={own.replace(":", "%3A")}">' in page
    assert page.count("aria-sort") == 1
    assert 'aria-sort="descending"><a href="processes?sort=memory">' in page
    assert '<option value="memory" selected>' in page
    assert 'href="instances?sort=memory" aria-label="Processes as JSON"' in page


async def test_a_filter_stays_in_the_links(client: httpx.AsyncClient) -> None:
    own = instances.own()
    page = (await client.get("processes", params={"q": own.hostname, "state": "ready"})).text
    assert '<h2 id="processes">Processes <span class="muted">1 of 1</span></h2>' in page
    assert f"processes?q={own.hostname}&amp;state=ready&amp;sort=lag" in page
    assert f'value="{own.hostname}"' in page


async def test_a_filter_that_finds_nothing(client: httpx.AsyncClient) -> None:
    """The page says what was looked for and leads back to all."""
    page = (await client.get("processes", params={"state": "lost"})).text
    assert "No process matches “state=lost”." in page
    assert '<a href="processes?sort=state">show all 1</a>' in page
    page = (await client.get("processes", params={"q": "<b>none", "state": "late"})).text
    assert "No process matches “q=&lt;b&gt;none state=late”." in page


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"sort": "nonsense"}, "sort is state"),
        ({"state": "asleep"}, "state is ignored"),
        ({"q": "x" * 10_240}, "q is longer than 200 characters and was cut."),
    ],
)
async def test_a_query_that_cannot_be_used(
    client: httpx.AsyncClient, params: dict[str, str], text: str
) -> None:
    """The view says so and shows the rest."""
    answer = await client.get("processes", params=params)
    assert answer.status_code == 200
    assert text in answer.text


@pytest.mark.parametrize("sort", _process_rows.COLUMNS)
async def test_each_sort(client: httpx.AsyncClient, sort: str) -> None:
    page = (await client.get("processes", params={"sort": sort})).text
    assert 'role="alert"' not in page
    assert page.count("aria-sort") == 1


async def test_strangers(anonymous: httpx.AsyncClient) -> None:
    """They see the way in only."""
    for path in ("processes", "process?id=x", "checks"):
        answer = await anonymous.get(path)
        assert answer.status_code == 403
        assert 'name="secret"' in answer.text
        assert "Search" not in answer.text
