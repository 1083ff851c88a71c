"""The view of the last requests, and of followed ones."""

import re
from typing import Any

import httpx
import pytest

from c2casgiutils import instances


def text_of(page: httpx.Response) -> str:
    """The text of a page, without the markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.text).split())


async def test_filters(client: httpx.AsyncClient) -> None:
    """The requests are filtered by the query, which the form keeps."""
    await client.get("auth/status")
    await client.get("nothing-here")
    page = await client.get("requests?route=&status=4xx&min_ms=&limit=200")
    assert page.status_code == 200
    assert "1 of 1 process answered." in text_of(page)
    assert '<option value="4xx" selected>' in page.text
    assert '<option value="200" selected>' in page.text
    page = await client.get("requests?route=no%22such<b>")
    assert "No request matches." in page.text
    assert 'value="no&#34;such&lt;b&gt;"' in page.text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("status=abc", "status is ignored: “abc” is not 503, or 5xx for a whole class."),
        ("min_ms=-1", "min_ms is 0: “-1” is not a number"),
        ("limit=7", "limit is 100: “7” is not one of 100, 200, 500."),
        ("route=" + "x" * 10_240, "route is longer than 200 characters and was cut."),
        ("follow=unknown", "Nothing is followed under this id, or no longer."),
    ],
)
async def test_wrong_queries(client: httpx.AsyncClient, query: str, text: str) -> None:
    """The view says what was wrong, and shows the rest."""
    page = await client.get(f"requests?{query}")
    assert page.status_code == 200
    assert text in text_of(page)


async def test_one_process(client: httpx.AsyncClient) -> None:
    """The requests of one process; an unknown one is named as such."""
    page = await client.get(f"requests?instance={instances.own_id()}")
    assert (page.status_code, f'<option value="{instances.own_id()}" selected>' in page.text) == (200, True)
    page = await client.get("requests?instance=left:1:abcdef&status=5xx&route=kept")
    assert page.status_code == 404
    assert "No process has the id “left:1:abcdef”: it left, or the id is wrong." in page.text
    for kept in ('value="kept"', '<option value="5xx" selected>', '<option value="left:1:abcdef" selected>'):
        assert kept in page.text


async def test_a_status_of_a_link(client: httpx.AsyncClient) -> None:
    """A status that the form does not list stays chosen."""
    assert '<option value="503" selected>' in (await client.get("requests?status=503")).text


async def test_follow(client: httpx.AsyncClient) -> None:
    """The token is in the answer to the form alone; the lines are read under the id, and forgotten."""
    page = await client.post("requests", data={"level": "INFO", "ttl": "1m", "logger": "app.x"})
    assert page.status_code == 200
    (token,) = re.findall(r"X-C2C-Follow: (\S+?)</dd>", page.text)
    (id_,) = set(re.findall(r'name="end" value="([^"]+)"', page.text))
    lines = await client.get(f"requests?follow={id_}")
    assert "No line came yet." in lines.text
    assert token not in lines.text
    answer = await client.post("requests", data={"end": id_})
    assert (answer.status_code, answer.headers["Location"]) == (303, "requests")
    assert "Nothing is followed under this id" in (await client.get(f"requests?follow={id_}")).text


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"ttl": "2h", "logger": "kept"}, 422, "ttl: "),
        ({"level": "LOUD", "logger": "kept"}, 422, "level: "),
        ({"end": "unknown", "logger": "kept"}, 404, "Nothing is followed under this id"),
    ],
)
async def test_bad_forms(client: httpx.AsyncClient, fields: dict[str, Any], status: int, text: str) -> None:
    """The view says what is accepted, and keeps what was entered."""
    page = await client.post("requests", data=fields)
    assert page.status_code == status
    assert text in text_of(page)
    assert 'value="kept"' in page.text


async def test_who_is_no_admin(callers: dict[str, httpx.AsyncClient]) -> None:
    """Others learn whom the view is for, and cannot follow."""
    page = await callers["push"].get("/requests")
    assert page.status_code == 403
    assert "Requests is for administrators." in page.text
    assert (await callers["push"].post("/requests", data={"level": "INFO"})).status_code == 403
    assert (await callers["admin"].get("/requests")).status_code == 200
