"""What all pages have in common, and the queries that keep their filters."""

import httpx
import pytest
from fastapi import Request

from c2casgiutils.tools._query import Query


def query(text: str) -> Query:
    return Query(Request({"type": "http", "query_string": text.encode()}))


@pytest.mark.parametrize(
    ("text", "value", "refused"),
    [
        pytest.param("", "state", 0, id="absent"),
        pytest.param("sort=", "state", 0, id="empty, as a form sends it"),
        pytest.param("sort=lag", "lag", 0, id="accepted"),
        pytest.param("sort=nonsense", "state", 1, id="unknown"),
        pytest.param("sort=" + "x" * 10_240, "state", 2, id="10 kB"),
    ],
)
def test_choices(text: str, value: str, refused: int) -> None:
    """An unknown choice is the default, and the view says so."""
    found = query(text)
    assert found.choice("sort", ("state", "lag"), "state") == value
    assert len(found.refused) == refused
    assert sum(map(len, found.refused)) < 600


@pytest.mark.parametrize(
    ("text", "value", "refused"),
    [
        ("", 5, 0),
        ("ms=", 5, 0),
        ("ms=7.5", 7.5, 0),
        ("ms=-1", 5, 1),
        ("ms=nan", 5, 1),
        ("ms=inf", 5, 1),
        ("ms=1e9", 5, 1),
        ("ms=many", 5, 1),
    ],
)
def test_numbers(text: str, value: float, refused: int) -> None:
    """A number out of its bounds is the default, and the view says so."""
    found = query(text)
    assert found.number("ms", default=5, least=0, most=100) == value
    assert len(found.refused) == refused


def test_long_texts_are_cut() -> None:
    """A text of 10 kB is cut, and the view says so."""
    found = query("q=" + "x" * 10_240)
    assert found.text("q") == "x" * 200
    assert found.refused == ["q is longer than 200 characters and was cut."]


async def test_closed_view(anonymous: httpx.AsyncClient) -> None:
    """A view that the caller may not see shows the way in, and which view it will lead to."""
    answer = await anonymous.get("statements?x=1")
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert 'name="secret"' in answer.text
    assert 'aria-label="Views"' not in answer.text


async def test_row_of_links(client: httpx.AsyncClient) -> None:
    """The row of links is on each view, and marks the open one."""
    page = (await client.get("")).text
    assert '<a href="./" aria-current="page">Overview</a>' in page
    assert '<a href="./">Overview</a>' in (await client.get("statements")).text
