"""The view of the last requests, and of followed ones."""

import logging
import re
from typing import Any

import httpx
import pytest

from c2casgiutils import instances
from tests.support.net import eventually
from tests.unit.follow.test_interception import request


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
        ("limit=0", "limit is ignored: “0” is not a whole number from 1 to 500."),
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
    own = f"{instances.own().pid} on {instances.own().hostname}"
    assert page.status_code == 200
    assert f'<option value="{instances.own_id()}" selected>{own}</option>' in page.text
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
    ended = (await client.get(f"requests?follow={id_}")).text
    assert "Nothing is followed under this id" in ended
    assert "data-live" not in ended


async def start(client: httpx.AsyncClient) -> tuple[str, str]:
    """Follow; return the id and the token."""
    reply = (await client.post("logging/follow", json={"level": "WARNING", "logger": "followed"})).json()
    return reply["id"], reply["token"]


def lines_of(page: httpx.Response) -> list[str]:
    """The messages of the lines that a page shows."""
    return re.findall(r'<tr id="line-[0-9]+-[0-9]+">\s*<td>WARNING</td><th [^>]*>([^<]*)</th>', page.text)


async def test_lines_come_by_themselves(client: httpx.AsyncClient) -> None:
    """The view refreshes itself, asks no other process, and is the same until a line comes."""
    id_, token = await start(client)
    page = await client.get(f"requests?follow={id_}&status=5xx")
    assert f' data-live="requests?follow={id_}">' in page.text
    assert "Last requests</h2>" not in page.text
    known = {"If-None-Match": page.headers["ETag"]}
    assert (await client.get(f"requests?follow={id_}&status=5xx", headers=known)).status_code == 304
    with request((b"x-c2c-follow", token.encode())):
        logging.getLogger("followed").warning("first & second")

    async def came() -> bool:
        answer = await client.get(f"requests?follow={id_}", headers=known)
        return answer.status_code == 200 and lines_of(answer) == ["first &amp; second"]

    await eventually(came, what="the line")


async def test_answer_to_the_form_is_refreshed_from_the_view(client: httpx.AsyncClient) -> None:
    """The token stays in the page, as no later answer has it."""
    page = await client.post("requests", data={"level": "INFO", "ttl": "1m"})
    (id_,) = set(re.findall(r'name="end" value="([^"]+)"', page.text))
    assert f' data-live="requests?follow={id_}">' in page.text
    assert 'id="started" role="status" tabindex="-1" data-once' in page.text
    assert "ETag" not in page.headers


async def test_the_last_lines(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has a bounded number of lines, the last ones."""
    monkeypatch.setattr("c2casgiutils.tools._requests_view._MAX_LINES", 3)
    id_, token = await start(client)
    with request((b"x-c2c-follow", token.encode())):
        for number in range(5):
            logging.getLogger("followed").warning("line %s", number)
    page = httpx.Response(200)

    async def came() -> bool:
        nonlocal page
        page = await client.get(f"requests?follow={id_}")
        return bool(lines_of(page))

    await eventually(came, what="the lines")
    assert lines_of(page) == ["line 2", "line 3", "line 4"]
    assert "The last 3 lines." in page.text


async def test_refreshes_are_not_followed(client: httpx.AsyncClient) -> None:
    """A browser may have the cookie for the whole site: each refresh would add lines."""
    reply = (await client.post("logging/follow", json={"level": "DEBUG"})).json()
    cookie = {"Cookie": reply["cookie"]}
    for _ in range(2):
        page = await client.get(f"requests?follow={reply['id']}", headers=cookie)
    assert 'id="line-' not in page.text


async def test_lines_of_a_follow_that_ended_by_itself(client: httpx.AsyncClient) -> None:
    """They stay for a while, as somebody reads them; the page says that no more will come."""
    answer = await client.post("logging/follow", json={"level": "WARNING", "logger": "followed", "ttl": "1s"})
    reply = answer.json()
    with request((b"x-c2c-follow", reply["token"].encode())):
        logging.getLogger("followed").warning("read me")

    async def has_ended() -> bool:
        page = await client.get(f"requests?follow={reply['id']}")
        is_over = "Nothing is followed under this id, or no longer." in page.text
        return is_over and lines_of(page) == ["read me"] and "data-live" not in page.text

    await eventually(has_ended, what="the end of the follow")


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
