"""The view of what happened."""

import html
import re
import time
from typing import Literal
from urllib.parse import quote

import httpx
import pytest

from c2casgiutils import config, instances
from c2casgiutils.health_checks import FACTORY, Check, JsonCheckError, Result


class Broken(Check):
    """It fails."""

    async def check(self) -> Result:
        """Fail."""
        raise JsonCheckError("HTTP 503", {})


_ROW = re.compile(r'<tr id="(e-\w+)">(.*?)</tr>', re.DOTALL)


def rows(page: str) -> list[str]:
    """The texts of the rows, without their tags."""
    return [
        " ".join(html.unescape(re.sub("<[^>]*>", " ", content)).split()) for _, content in _ROW.findall(page)
    ]


async def test_rows(client: httpx.AsyncClient) -> None:
    """A row says who did what, from which value to which, why, and in which process."""
    await client.put("logging/loggers/c2c.of.the.test", json={"level": "DEBUG", "reason": "INC-1"})
    instances.record_event("check", "db", before="pass", after="fail", reason="no route")
    page = (await client.get("activity")).text
    check, change, *others = rows(page)
    own = f"{instances.own().pid} on {instances.own().hostname}"
    assert re.fullmatch(rf"\d\d-\d\d \d\d:\d\d:\d\d check db ok → to down no route {own}", check)
    assert "change logging.level c2c.of.the.test" in change
    assert "level DEBUG" in change
    assert f"secret INC-1 {own}" in change
    assert f"joined {own} starting" in others[-1]


@pytest.mark.parametrize(
    ("severity", "shape", "word"),
    [
        ("critical", "fail", "down"),
        ("degrading", "warn", "down, degrading"),
        ("info", "skip", "down, for information"),
    ],
)
async def test_severity(
    client: httpx.AsyncClient, severity: Literal["critical", "degrading", "info"], shape: str, word: str
) -> None:
    """A check that is not critical is never red, and its states have the words of the other views."""
    FACTORY.add(Broken(), name="geocoder", severity=severity)
    try:
        await FACTORY.check()
        page = (await client.get("activity?kind=check")).text
    finally:
        FACTORY.clear()
    (row,) = rows(page)
    assert f"check geocoder no result yet → to {word} " in row
    assert re.findall('class="state state-([a-z]+)"', page.partition("<tbody>")[2]) == [shape]


async def test_rows_keep_their_id(client: httpx.AsyncClient) -> None:
    """A page that is refreshed finds its rows again, and each has an id of its own."""
    for number in range(5):
        instances.record_event("check", f"check {number}", after="fail")
    first, second = [dict(_ROW.findall((await client.get("activity")).text)) for _ in range(2)]
    assert list(first) == list(second)
    assert len(first) >= 6


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"a check", "other"}),
        ("kind=check", {"a check", "other"}),
        ("kind=join", set()),
        ("what=A+Che", {"a check"}),
        ("what=a%20check&since=1h&kind=check&who=", {"a check"}),
        ("what=nothing", set()),
        ("who=secret", set()),
        ("since=0", set()),
    ],
)
async def test_filters(client: httpx.AsyncClient, query: str, shown: set[str]) -> None:
    """Filters are parts of texts in any case, and remain in the form."""
    for what in ("a check", "other"):
        instances.record_event("check", what, after="fail")
    page = (await client.get(f"activity?{query}")).text
    assert {what for what in ("a check", "other") if any(what in row for row in rows(page))} == shown


async def test_form_keeps_the_filters(client: httpx.AsyncClient) -> None:
    page = (await client.get("activity?kind=loss&what=%3Cb%3E&who=alice&since=3d")).text
    assert '<option value="loss" selected>' in page
    assert '<option value="3d" selected>' in page
    assert 'value="&lt;b&gt;"' in page
    assert 'value="alice"' in page
    assert '<a class="skip" href="#what">Skip to the search</a>' in page


async def test_events_of_one_process(client: httpx.AsyncClient) -> None:
    """The id of a process selects what happened to it and in it; each row links to that."""
    own = instances.own_id()
    instances.record_event("check", "db", after="fail")
    page = (await client.get(f"activity?what={quote(own)}")).text
    assert len(rows(page)) >= 2
    assert f'href="activity?what={quote(own, safe="")}"' in page


@pytest.mark.parametrize("id_", ["", "gone:1:abc"])
async def test_view_of_a_process_leads_here(client: httpx.AsyncClient, id_: str) -> None:
    """Of one that left, too: it is no longer listed, but its events are."""
    id_ = id_ or instances.own_id()
    page = (await client.get("process", params={"id": id_})).text
    assert f'href="activity?what={quote(id_)}"' in page


async def test_nothing_matches(client: httpx.AsyncClient) -> None:
    page = (await client.get("activity?kind=loss&what=x")).text
    assert "No event matches “kind=loss&amp;what=x”." in page
    assert re.search(r'<a href="activity">show all \d+</a>', page)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("kind=party", "kind is ignored: “party” is not one of audit, check"),
        ("until=tomorrow", "until is ignored: “tomorrow” must be a time"),
        ("since=yesterday", "since is ignored: “yesterday” must be a time"),
        ("what=" + "x" * 10_240, "what is longer than 200 characters and was cut."),
        ("kind=%3Cscript%3E", "kind is ignored: “&lt;script&gt;”"),
    ],
)
async def test_bad_query(client: httpx.AsyncClient, query: str, text: str) -> None:
    """The view says what it ignores, and shows the rest."""
    answer = await client.get(f"activity?{query}")
    assert answer.status_code == 200
    assert text in answer.text


async def test_names_are_for_administrators(callers: dict[str, httpx.AsyncClient]) -> None:
    """Others see somebody, and cannot find out who by the filter."""
    await callers["push"].put("logging/loggers/c2c.of.the.test", json={"level": "DEBUG"})
    assert any(" push " in row for row in rows((await callers["admin"].get("activity?who=push")).text))
    pages = [(await callers["push"].get(f"activity?kind=audit&who={who}")).text for who in ("push", "admin")]
    assert rows(pages[0]) == rows(pages[1])
    assert " somebody " in rows(pages[0])[0]
    assert "who is ignored: names are for administrators." in pages[0]
    assert 'name="who"' not in pages[0]


async def test_hostile_texts_are_escaped(client: httpx.AsyncClient) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    instances.record_event("check", hostile, before=hostile, after=hostile, reason=hostile)
    page = (await client.get("activity")).text
    assert "<img" not in page
    assert max(row.count(hostile) for row in rows(page)) == 4


async def test_long_list(client: httpx.AsyncClient) -> None:
    """A link leads to those before, filtered in the same way, and another one back to the newest."""
    for number in range(300):
        instances.record_event("check", f"check {number} of the test", after="fail")
    page = (await client.get("activity?what=of+the+test&kind=check")).text
    assert "Newest events" not in page
    seen = rows(page)
    assert len(seen) == 100
    while older := re.search(r'<a href="(activity[^"]*)">Older events</a>', page):
        page = (await client.get(html.unescape(older[1]))).text
        seen += rows(page)
        assert '<a href="activity?kind=check&amp;what=of+the+test">Newest events</a>' in page
    shown = [re.search(r"check (\d+) of the test", row) for row in seen]
    assert {int(found[1]) for found in shown if found} == set(range(300))


async def test_many_at_the_same_moment(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """No link leads back to the same page."""
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
    for number in range(300):
        instances.record_event("check", f"check {number}", after="fail")
    page = (await client.get("activity?kind=check")).text
    assert "Older events" not in page
    assert "Narrow the filters for more." in page


async def test_one_process(client: httpx.AsyncClient) -> None:
    """Without Redis the view says that there may be others."""
    own = instances.own()
    page = (await client.get("activity")).text
    assert f"This is one process, {own.pid} on {own.hostname}. Others are not known" in page


async def test_closed(anonymous: httpx.AsyncClient) -> None:
    """The way in leads back to the filtered view."""
    answer = await anonymous.get("activity?kind=loss")
    assert answer.status_code == 403
    assert 'value="activity?kind=loss"' in answer.text
    assert rows(answer.text) == []


async def test_unreachable_redis(client: httpx.AsyncClient) -> None:
    """The view shows the events of this process, and says that the others are missing."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    page = (await client.get("activity")).text
    assert "Redis cannot be reached" in page
    assert rows(page)


async def test_twin_refuses_names(callers: dict[str, httpx.AsyncClient]) -> None:
    """Others may not look for a name: the view ignores it, and its twin refuses it."""
    page = await callers["pull"].get("/activity?who=admin")
    assert "who is ignored: names are for administrators." in page.text
    twin = await callers["pull"].get("/events?who=admin")
    assert (twin.status_code, twin.json()["detail"]) == (403, "who: names are for administrators")
    assert (await callers["admin"].get("/events?who=admin")).status_code == 200
