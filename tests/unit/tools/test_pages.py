"""What all pages have in common, and the queries that keep their filters."""

import gzip
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import httpx
import pytest
from fastapi import Request
from fastapi.routing import iter_route_contexts

import c2casgiutils
from c2casgiutils import config, db, instances, switches, tools
from c2casgiutils.db import _registry
from c2casgiutils.health_checks import FACTORY, Check, Result
from c2casgiutils.tools import _pages, _static, _summary
from c2casgiutils.tools._query import Query
from tests.unit.tools.conftest import SECRET


@pytest.fixture(autouse=True)
def _checks() -> Iterator[None]:
    yield
    FACTORY.clear()


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
        ("ms=1e9", 1e9, 0),
        ("ms=1e999", 5, 1),
        ("ms=\u0661", 5, 1),
        ("ms=many", 5, 1),
    ],
)
def test_numbers(text: str, value: float, refused: int) -> None:
    """A number that is too small, infinite or in other digits is the default, and the view says so."""
    found = query(text)
    assert found.number("ms", default=5, least=0) == value
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


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("PUT", "levels", 405, "Method Not Allowed."),
        ("POST", "", 405, "Method Not Allowed."),
        ("GET", "debug/profile", 405, "Method Not Allowed."),
        ("GET", "nothing", 404, "Not Found."),
        ("GET", "debug/exchanges?limit=x", 422, "limit: Input should be a valid integer"),
        ("GET", "debug/stacks?instance=left:1:aa", 404, "Unknown instance"),
    ],
)
async def test_errors_in_a_browser(
    client: httpx.AsyncClient, method: str, path: str, status: int, text: str
) -> None:
    """A browser gets a page with a link to the views, other clients JSON."""
    page = await client.request(method, path, headers=BROWSER)
    answer = await client.request(method, path)
    assert (page.status_code, answer.status_code) == (status, status)
    assert page.headers.get("allow") == answer.headers.get("allow")
    assert page.headers["content-type"].startswith("text/html")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert text in page.text
    assert f'<a href="{"../" * path.partition("?")[0].count("/") or "./"}">All views</a>' in page.text
    assert 'name="secret"' not in page.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "leads_to", "action"),
    [
        ("GET", "instances", "instances", "auth/login"),
        ("GET", "health/cluster?check=db", "health/cluster?check=db", "../auth/login"),
        ("POST", "debug/dump", "", "../auth/login"),
    ],
)
async def test_refusals_in_a_browser(
    anonymous: httpx.AsyncClient, method: str, path: str, leads_to: str, action: str
) -> None:
    """Whoever is not signed in gets the sign-in, which leads back to what was requested."""
    page = await anonymous.request(method, path, headers=BROWSER)
    assert page.status_code == 403
    assert f'action="{action}"' in page.text
    assert came_from(page.text) == leads_to
    assert "The service" not in page.text
    assert (await anonymous.request(method, path)).json()["status"] == 403


async def test_row_of_links(client: httpx.AsyncClient) -> None:
    """The row of links is on each view, and marks the open one."""
    page = (await client.get("")).text
    assert '<a href="./" data-key="o" aria-current="page">Overview</a>' in page
    assert '<a href="./" data-key="o">Overview</a>' in (await client.get("statements")).text


async def test_row_of_links_has_numbers(client: httpx.AsyncClient) -> None:
    """How many processes and checks there are, and levels that are set, if any."""

    async def counts() -> dict[str, str]:
        page = (await client.get("activity")).text
        return dict(re.findall(r'data-key="(\w)"[^>]*>[^<]*<span class="muted">(\d+)</span>', page))

    assert await counts() == {"p": "1", "c": "0"}
    await client.put("logging/loggers/c2c.of.the.test", json={"level": "ERROR"})
    assert await counts() == {"p": "1", "c": "0", "l": "1"}


def came_from(page: str) -> str:
    """Where the sign-in form of a page leads to."""
    (value,) = re.findall('name="came_from" value="([^"]*)"', page)
    return html.unescape(value)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ""),
        ("?logger=a.b&x=%2F", "?logger=a.b&x=%2F"),
        ("?sign_in=wrong&secret=wrong&logger=a", "?logger=a"),
        ("statements", "statements"),
        ("statements?q=%22%3E&empty=", "statements?q=%22%3E"),
        ("statements?q=" + "x" * 3000, "statements"),
    ],
)
async def test_sign_in_leads_back(anonymous: httpx.AsyncClient, path: str, expected: str) -> None:
    """A link to a view survives the sign-in; the secret and the result of the last attempt do not."""
    assert came_from((await anonymous.get(path)).text) == expected


@pytest.mark.parametrize(
    ("path", "fields", "expected", "filled"),
    [
        (
            "levels",
            {"q": "a.b", "reason": "INC-42", "secret": "x"},
            "levels?q=a.b&reason=INC-42&not_done=1",
            ['type="search" value="a.b"', 'name="reason" value="INC-42"', "Press the button again"],
        ),
        *(
            (
                "levels",
                {name: f"{sent} a.b"},
                f"levels?{name}={quote(sent)}+a.b&not_done=1",
                [f"Press “{word}” of a.b again"],
            )
            for name, sent, word in (
                ("set", "10", "DEBUG"),
                ("set", "0", "inherit"),
                ("set", "²", "²"),
                ("end", "cluster", "End"),
                ("extend", "cluster", "+10 min"),
                ("equal", "own", "make equal"),
            )
        ),
        (
            "process?id=web%3A1%3Aaa&seconds=60",
            {"seconds": "600", "drain": "begin"},
            "process?id=web%3A1%3Aaa&seconds=600&drain=begin&not_done=1",
            ["web:1:aa", "Press “Drain” again"],
        ),
        (
            "process?id=web%3A1%3Aaa",
            {"drain": "end"},
            "process?id=web%3A1%3Aaa&drain=end&not_done=1",
            ["Press “Undrain” again"],
        ),
        (
            "database",
            {"maintenance": "begin", "ttl": "1h", "reason": "INC-42"},
            "database?maintenance=begin&ttl=1h&reason=INC-42&not_done=1",
            ['"1h" selected', 'value="INC-42"', "Press “Begin maintenance” again"],
        ),
        (
            "database",
            {"maintenance": "end"},
            "database?maintenance=end&not_done=1",
            ["Press “End maintenance” again"],
        ),
        (
            "diagnostics?what=profile",
            {"id": "web:1:aa", "seconds": "30"},
            "diagnostics?what=profile&id=web%3A1%3Aaa&seconds=30&not_done=1",
            ['"30" selected', "Press “Profile” again"],
        ),
        (
            "requests",
            {"level": "INFO", "logger": "a.b", "ttl": "1h"},
            "requests?level=INFO&logger=a.b&ttl=1h&not_done=1",
            ['"INFO" selected', 'value="a.b"', '"1h" selected', "Press “Follow” again"],
        ),
        (
            "statements",
            {"end": "1"},
            "statements?end=1&not_done=1",
            ["Press “End and forget” again"],
        ),
        (
            "statements",
            {"ttl": "1h", "plans": "explain"},
            "statements?ttl=1h&plans=explain&not_done=1",
            ['"1h" selected', '"explain" selected', "Press “Start” again"],
        ),
    ],
)
async def test_entry_survives_the_end_of_a_session(
    anonymous: httpx.AsyncClient, path: str, fields: dict[str, str], expected: str, filled: list[str]
) -> None:
    """A form that is sent without a session changes nothing; the sign-in fills it again, and says so."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    answer = await anonymous.post(path, data=fields)
    assert answer.status_code == 403
    pressed = re.search("“(.*?)”(?: of (.*?))? again", filled[-1])
    kept = f" ({', '.join(filter(None, reversed(pressed.groups())))})" if pressed else ""
    assert f"Your session ended.</strong> Sign in again: your entry{kept} is kept." in answer.text
    assert came_from(answer.text) == expected
    anonymous.headers["X-API-Key"] = SECRET
    page = (await anonymous.get(expected)).text
    assert [text for text in ("Not done yet.", *filled) if text not in page] == []
    assert await changes(anonymous) == []


async def changes(client: httpx.AsyncClient) -> list[str]:
    """Return what was changed, for the audit."""
    found = (await client.get("events?kind=audit")).json()["events"]
    return [event["what"] for event in found if event["what"] != "login"]


BAD_TTL = "ttl is ignored: invalid time delta"
LONG_TTL = "ttl is ignored: a ttl must be from 1 second to"
BAD_REASON = "reason is ignored: a reason must have at most 200 printable characters"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("levels?ttl=bad", BAD_TTL),
        ("levels?ttl=8d", LONG_TTL),
        ("levels?reason=%1b", BAD_REASON),
        ("levels?logger=%1b", "logger is ignored: "),
        ("levels?scope=web:1:gone", "scope: No process has the id “web:1:gone”"),
        ("levels?changed=maybe", "changed is 0: “maybe” is not one of 0, 1."),
        ("database?ttl=bad", BAD_TTL),
        ("database?reason=%1b", BAD_REASON),
        ("database?result=none", "result is ignored: “none” is not one of"),
        ("diagnostics?what=profile&seconds=bad", "seconds is ignored: input should be a valid number"),
        ("process?seconds=-1", "seconds is ignored: input should be greater than 0"),
        ("requests?ttl=2h", LONG_TTL),
        ("requests?level=loud", "level is ignored: "),
        ("statements?ttl=bad", BAD_TTL),
        ("statements?plans=all", "plans is ignored: “all” is not one of"),
    ],
)
async def test_values_that_cannot_be_read(client: httpx.AsyncClient, path: str, text: str) -> None:
    """The view says what is wrong with a value in its address, and what is accepted."""
    page = (await client.get(path)).text
    notices = re.findall(r'role="alert">([^<]*)</p>', page)
    assert [notice for notice in notices if text in html.unescape(notice)] != []


@pytest.mark.parametrize(
    "path",
    ["levels?ttl=20m", "levels?ttl=none", "database?ttl=20m", "database?ttl=none", "requests?ttl=20m"],
)
async def test_durations_that_the_form_does_not_list(client: httpx.AsyncClient, path: str) -> None:
    """What is accepted stays chosen."""
    page = (await client.get(path)).text
    assert " is ignored" not in page
    assert re.search(f'<option (value="{path.partition("=")[2]}" )?selected>', page)


VIEWS_WITH_FORMS = {
    "database": {"maintenance": "begin", "reazon": "x"},
    "diagnostics": {"id": "self", "reazon": "x"},
    "levels": {"set": "10 a.b", "reazon": "x"},
    "process": {"drain": "begin", "force": "1", "reazon": "x"},
    "requests": {"logger": "a.b", "reazon": "x"},
    "statements": {"ttl": "1h", "reazon": "x"},
}
"""A form of each view, with a field that it does not have."""


def test_all_forms_are_known() -> None:
    """The table of forms is complete."""
    forms = {
        route.path
        for route in iter_route_contexts(tools.router.routes)
        if "POST" in (route.methods or ()) and not getattr(route.original_route, "include_in_schema", True)
    }
    assert forms == {f"/{view}" for view in VIEWS_WITH_FORMS}


@pytest.mark.parametrize("view", VIEWS_WITH_FORMS)
async def test_fields_that_a_form_does_not_have(client: httpx.AsyncClient, view: str) -> None:
    """A typing error is refused, with the names of the fields, and nothing is changed."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    answer = await client.post(view, params={"id": instances.own_id()}, data=VIEWS_WITH_FORMS[view])
    assert answer.status_code == 422
    assert "There is no field “reazon”: accepted are " in answer.text
    assert await changes(client) == []


async def test_long_names_of_fields_are_cut(client: httpx.AsyncClient) -> None:
    """A name of 10 kB is not repeated."""
    answer = await client.post("statements", data={"x" * 10_240: "1"})
    assert f"There is no field “{'x' * 80}…”" in answer.text


@pytest.mark.parametrize(
    ("view", "data"),
    [("process", {"drain": "begin", "force": "perhaps"}), ("statements", {"end": "0"})],
)
async def test_boxes_that_say_neither(client: httpx.AsyncClient, view: str, data: dict[str, str]) -> None:
    """The presence of a field is not yet a yes."""
    answer = await client.post(view, params={"id": instances.own_id()}, data=data)
    assert answer.status_code == 422
    assert await changes(client) == []


@pytest.mark.parametrize(("secret", "error"), [(SECRET, ""), ("wrong", "sign_in=wrong")])
@pytest.mark.parametrize("view", ["", "processes", "statements"])
async def test_secret_in_the_address(
    anonymous: httpx.AsyncClient, view: str, secret: str, error: str
) -> None:
    """A browser is sent to the same view without the secret, which no history or referrer has then."""
    config.settings.http = True
    headers = {"Accept": "text/html"}
    answer = await anonymous.get(view, params={"q": "a&b", "secret": secret}, headers=headers)
    assert answer.status_code == 303
    assert answer.next_request is not None
    query = "&".join(filter(None, ["q=a%26b", error]))
    assert answer.next_request.url == f"http://testserver/c2c/{view}?{query}"
    assert ("set-cookie" in answer.headers) is not bool(error)
    assert "secret" not in answer.text


async def test_sign_in_with_github_leads_back(callers: dict[str, httpx.AsyncClient]) -> None:
    """The link to GitHub leads to the view, its query, and what was entered in a form."""
    stranger = callers["admin"]
    del stranger.headers["Authorization"]
    link = 'href="auth/github/login?came_from={}"'
    assert link.format("statements%3Fq%3Da%2526b") in (await stranger.get("/statements?q=a%26b")).text
    answer = await stranger.post("/statements", data={"ttl": "1h"})
    assert "your entry (Start) is kept" in answer.text
    assert link.format("statements%3Fttl%3D1h%26not_done%3D1") in answer.text


@pytest.mark.parametrize("path", ["levels", "statements"])
@pytest.mark.parametrize("size", [3_000, 20_000])
async def test_entry_that_is_too_long(anonymous: httpx.AsyncClient, path: str, size: int) -> None:
    """What does not fit into an address is not kept, and the page says so."""
    answer = await anonymous.post(path, data={"name": "x" * size})
    assert answer.status_code == 403
    assert "Sign in again. Your entry is too long to be kept." in answer.text
    assert came_from(answer.text) == path


async def test_entry_that_is_too_long_keeps_the_address(anonymous: httpx.AsyncClient) -> None:
    """The view is still the one of the process."""
    answer = await anonymous.post("process?id=web:1:aa", data={"seconds": "x" * 3_000})
    assert came_from(answer.text) == "process?id=web%3A1%3Aaa"


async def test_entry_is_kept_while_rights_cannot_be_checked(
    callers: dict[str, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that meets an outage of GitHub is filled again by the link to try again."""
    monkeypatch.setattr("c2casgiutils.auth.github._client._REST_SECONDS", 0)
    github = config.settings.auth.github
    url, github.repo_url = github.repo_url, "http://127.0.0.1:1"
    fields = {"maintenance": "begin", "ttl": "1h", "reason": "INC-42 &"}
    answer = await callers["admin"].post("database", data=fields)
    assert answer.status_code == 503
    assert "Not changed.</strong> GitHub is unavailable." in answer.text
    (again,) = re.findall(r'<a href="([^"]*)">Try again</a>', answer.text)
    github.repo_url = url
    page = await callers["admin"].get(html.unescape(again))
    assert page.status_code == 200
    assert "Press “Begin maintenance” again." in page.text
    assert 'value="INC-42 &amp;"' in page.text
    assert db.maintenance() is None


@pytest.mark.parametrize(("name", "least"), [("c2c.js", 6_000), ("c2c.css", 6_000)], ids=["script", "styles"])
def test_budget(name: str, least: int) -> None:
    """The files that each visitor loads stay small, compressed as a proxy does it."""
    content = (Path(c2casgiutils.__file__).parent / "static" / name).read_bytes()
    assert len(gzip.compress(content, 6)) < least


async def test_script_is_for_those_who_are_signed_in(client: httpx.AsyncClient) -> None:
    """The start page of strangers runs none; an answer to a form is not replaced by the next refresh."""
    assert "<script" in (await client.get("")).text
    assert " data-live>" in (await client.get("")).text
    refused = (await client.post("levels", data={"set": "nonsense a"})).text
    assert "<script" in refused
    assert " data-live>" not in refused
    del client.headers["X-API-Key"]
    for path in ("", "statements"):
        page = (await client.get(path)).text
        assert "<script" not in page
        assert " data-live>" not in page


class Broken(Check):
    """A check that fails."""

    async def check(self) -> Result:
        """Fail."""
        raise RuntimeError("made up")


@pytest.mark.parametrize(
    ("severity", "icon", "word"),
    [(None, "c2c", "OK"), ("degrading", "c2c-warn", "Degraded"), ("critical", "c2c-fail", "Down")],
)
async def test_icon_of_the_state(
    client: httpx.AsyncClient, severity: Literal["degrading", "critical"] | None, icon: str, word: str
) -> None:
    """Who watches the tab sees the state by shape, colour and word."""
    if severity is not None:
        FACTORY.add(Broken(), severity=severity)
        await FACTORY.check()
    page = (await client.get("")).text
    assert f'href="static/{_static.hashed_name(f"{icon}.svg")}"' in page
    assert f"<title>{word} · The service</title>" in page


async def test_title_of_what_somebody_wanted(client: httpx.AsyncClient) -> None:
    """A service in maintenance, or with a process that drains, is not just OK."""
    instances.set_state("ready")
    await switches.put("maintenance", "", value=True)
    page = (await client.get("processes")).text
    assert "<title>Maintenance · Processes · The service</title>" in page
    assert _static.hashed_name("c2c-warn.svg") in page
    assert (await client.post("drain", json={"force": True})).status_code == 200
    FACTORY.add(Broken(), severity="critical")
    await FACTORY.check()
    _summary.forget(at_once=True)
    title = "Down, maintenance, 1 of 1 draining"
    assert f"<title>{title} · The service</title>" in (await client.get("")).text
    config.settings.redis.url = "redis://127.0.0.1:1"
    assert "<title>Down, maintenance, this process draining · " in (await client.get("")).text
    del client.headers["X-API-Key"]
    assert "<title>Down, maintenance · Operations</title>" in (await client.get("")).text


async def test_unchanged_page(client: httpx.AsyncClient) -> None:
    """Who polls gets a page again when something changed, not when only its time did."""
    first = await client.get("database")
    tag = first.headers["ETag"]
    again = await client.get("database", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert "content-length" not in again.headers
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    await client.put("db/maintenance", json={"readonly": True, "ttl": "1h"})
    changed = await client.get("database", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] == tag) == (200, False)
    await client.delete("db/maintenance")
    del client.headers["X-API-Key"]
    closed = await client.get("database", headers={"If-None-Match": tag})
    assert closed.status_code == 403
    assert "ETag" not in closed.headers


@pytest.mark.parametrize(
    ("view", "is_live"),
    [
        *[(view, True) for view in ("", "processes", "checks", "activity", "database")],
        *[
            (view, False)
            for view in ("requests", "diagnostics", "configuration", "statements", "checks?check=x")
        ],
    ],
)
async def test_views_that_refresh_themselves(client: httpx.AsyncClient, view: str, is_live: bool) -> None:
    """A tab that nobody looks at does not make one process ask all others again and again."""
    FACTORY.add(Broken(), name="x")
    page = (await client.get(view)).text
    assert (" data-live>" in page, 'id="every"' in page) == (is_live, is_live)


@pytest.mark.parametrize(
    ("one", "other", "is_equal"),
    [
        ('<time id="at" datetime="1">1</time>', '<time id="at" datetime="2">2</time>', True),
        ('<time class="age" datetime="1">4 s</time>', '<time class="age" datetime="1">5 s</time>', True),
        ('<time class="left" datetime="1">4 s</time>', '<time class="left" datetime="1">5 s</time>', True),
        ('<time class="age" datetime="1">4 s</time>', '<time class="age" datetime="2">4 s</time>', False),
        ('<time datetime="1">4 s</time>', '<time datetime="1">5 s</time>', False),
    ],
)
def test_what_counts_as_a_change(one: str, other: str, is_equal: bool) -> None:
    """Texts that the script keeps current do not count; the times that they refer to do."""
    assert (_pages.tag_of(one.encode()) == _pages.tag_of(other.encode())) is is_equal


@pytest.mark.parametrize("view", ["requests", "diagnostics", "configuration", "statements"])
async def test_views_that_ask_all_processes(client: httpx.AsyncClient, view: str) -> None:
    """They are refreshed by their visitor alone, as each refresh asks all processes."""
    page = await client.get(view)
    assert page.status_code == 200
    assert " data-live>" not in page.text
    assert " data-live>" in (await client.get("database")).text


async def test_view_that_is_off(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its place in the row of links, with what switches it on, and can be opened."""
    monkeypatch.setattr(_registry, "known", list)  # other tests create databases, which are never forgotten
    page = (await client.get("")).text
    assert '<a href="database" data-key="d" class="off" title="Set C2C__DB__URL, or' in page
    assert "The process that answered has no database" in (await client.get("database")).text
