"""Pages and links that the application adds to the row of links."""

import asyncio
import contextlib
import html
import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException

from c2casgiutils import tools
from c2casgiutils.tools import _registered, _views
from c2casgiutils.tools._state import STATE
from tests.support.net import wait_for
from tests.support.table_of_levels import ROWS
from tests.unit.tools.conftest import SECRET

_ROW = re.compile(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', re.DOTALL)
_NAV = re.compile(r'<nav class="views".*?</nav>', re.DOTALL)


@pytest.fixture(autouse=True)
def _nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STATE, "pages", {})
    monkeypatch.setattr(STATE, "links", {})


def rows(page: str) -> dict[str, str]:
    """The names and values of the table."""
    return {html.unescape(name): html.unescape(value) for name, value in _ROW.findall(page)}


def nav(page: str) -> list[tuple[str, str]]:
    """The addresses and titles of the row of links."""
    found = _NAV.search(page)
    assert found is not None
    return re.findall(r'<a href="([^"]*)"[^>]*>([^<]*?)(?: <span class="muted">\d+</span>)?</a>', found[0])


def template(folder: Path, text: str, name: str = "orders.html") -> Path:
    path = folder / name
    path.write_text(text)
    return path


async def _coroutine() -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"waiting": 3}


class _Callable:
    async def __call__(self) -> dict[str, Any]:
        return await _coroutine()


LOADERS: dict[str, Callable[[], Any]] = {
    "function": lambda: {"waiting": 3},
    "coroutine function": _coroutine,
    "function that returns a coroutine": lambda: _coroutine(),  # noqa: PLW0108  # it is the case
    "object": _Callable(),
}


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
async def test_names_and_values(client: httpx.AsyncClient, loader: Callable[[], Any]) -> None:
    """Without a template, whatever kind of function the loader is."""
    tools.register_page("orders", "Orders", loader)
    answer = await client.get("orders")
    assert answer.status_code == 200
    assert rows(answer.text) == {"waiting": "3"}
    assert "data-live" not in answer.text  # the loader runs for those who ask only
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-cache, no-store"


async def test_function_runs_in_a_thread(client: httpx.AsyncClient) -> None:
    """It may block without holding up others."""
    tools.register_page("thread", "Thread", lambda: {"name": threading.current_thread().name})
    assert rows((await client.get("thread")).text) == {"name": "c2c-page-thread"}


async def test_values_of_all_kinds(client: httpx.AsyncClient) -> None:
    """Values are text, escaped and bounded; secrets are masked."""
    data: Any = {
        "text": "<b>&</b>",
        "none": None,
        "flag": True,
        "list": [1, "a"],
        "nested": {"password": "hush-hush"},
        "url": "postgresql://user:hush-hush@db/orders",
        "object": Path("/a"),
        7: "a number",
        "long": "x" * 10_000,
    }
    tools.register_page("all", "All", lambda: data)
    page = (await client.get("all")).text
    found = rows(page)
    assert found["text"] == "<b>&</b>"
    assert (found["none"], found["flag"], found["list"]) == ("none", "true", '[1, "a"]')
    assert (found["object"], found["7"]) == ("/a", "a number")
    assert found["long"] == "x" * 2000 + "…"
    assert "hush-hush" not in page
    assert "<b>" not in page


async def test_many_values(client: httpx.AsyncClient) -> None:
    tools.register_page("many", "Many", lambda: {str(number): number for number in range(600)})
    page = (await client.get("many")).text
    assert len(rows(page)) == 500
    assert "and 100 more" in page


async def test_empty_mapping(client: httpx.AsyncClient) -> None:
    tools.register_page("none", "None", dict)
    assert "Nothing to show." in (await client.get("none")).text


async def test_own_template(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """It extends ours, uses our macros, includes its neighbours, and escapes."""
    template(tmp_path, "<i>{{ waiting }}</i>", "part.html")
    path = template(
        tmp_path,
        '{% extends "page.html" %}{% from "macros.html" import badge %}'
        '{% block view %}{{ badge("warn", name) }}{{ data["name"] }}{% include "part.html" %}{% endblock %}',
    )
    tools.register_page("orders", "Orders", lambda: {"waiting": 3, "name": "<b>"}, template=path)
    page = (await client.get("orders")).text
    assert 'class="state state-warn"' in page
    assert page.count("&lt;b&gt;") == 2
    assert "<i>3</i>" in page
    assert "<title>OK · Orders · The service</title>" in page
    assert ("orders", "Orders") in nav(page)


async def test_template_with_the_name_of_ours(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """A file `page.html` of the application is its template, and ours is what it extends."""
    path = template(tmp_path, '{% extends "page.html" %}{% block view %}mine{% endblock %}', "page.html")
    tools.register_page("mine", "Mine", dict, template=str(path))
    page = (await client.get("mine")).text
    assert "mine" in page
    assert len(nav(page)) == len(_views.VIEWS) + 1


async def test_data_cannot_break_the_frame(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """Items with the names of variables of the frame are reached by `data`."""
    path = template(tmp_path, '{% extends "page.html" %}{% block view %}{{ data.nav }}{% endblock %}')
    tools.register_page("frame", "Frame", lambda: {"nav": "mine", "view": 1, "caller": 2}, template=path)
    page = (await client.get("frame")).text
    assert "mine" in page
    assert ("frame", "Frame") in nav(page)


def _raise(error: BaseException) -> dict[str, Any]:
    raise error


FAILURES: dict[str, tuple[Callable[[], Any], str]] = {
    "exception": (lambda: _raise(RuntimeError("no orders")), "RuntimeError: no orders"),
    "exit": (lambda: _raise(SystemExit(1)), "ended with SystemExit"),
    "list": (lambda: [1], "returned list, not a mapping"),
    "nothing": (lambda: None, "returned NoneType, not a mapping"),
    "value": (lambda: {"a": _Unprintable()}, "RuntimeError: no text"),
    "secret": (lambda: _raise(RuntimeError(f"wrong: {SECRET} {'x' * 1000}")), "RuntimeError: wrong"),
    "no text": (lambda: _raise(_UnprintableError()), "_UnprintableError: "),
    "markup": (lambda: _raise(RuntimeError("<b>")), "&lt;b&gt;"),
}


class _UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(("loader", "text"), FAILURES.values(), ids=FAILURES)
async def test_loader_that_fails(client: httpx.AsyncClient, loader: Callable[[], Any], text: str) -> None:
    """The page has its frame, and says what is wrong."""
    tools.register_page("broken", "Broken", loader)
    answer = await client.get("broken")
    assert answer.status_code == 503
    assert "This cannot be shown." in answer.text
    assert text in answer.text
    assert ("broken", "Broken") in nav(answer.text)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("status", "expected"), [(404, 404), (599, 599), (200, 500), (302, 500), (600, 500), (0, 500)]
)
async def test_status_of_a_loader(client: httpx.AsyncClient, status: int, expected: int) -> None:
    """Only a status of an error is one: servers cannot send 600."""
    tools.register_page("orders", "Orders", lambda: _raise(HTTPException(status, "no such order")))
    answer = await client.get("orders")
    assert answer.status_code == expected
    assert "no such order" in answer.text


async def test_lone_surrogates(client: httpx.AsyncClient) -> None:
    """Names of files can have them, and no response: they are shown escaped."""
    tools.register_page("files", "Files", lambda: {"a\udcff": "b\ud800"})
    answer = await client.get("files")
    assert answer.status_code == 200
    assert rows(answer.text) == {"a\\udcff": "b\\ud800"}
    assert (await client.get("files", params={"format": "json"})).json() == {"a\udcff": "b\ud800"}


async def test_failure_is_logged(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """With its traceback, for those who repair it."""
    tools.register_page("broken", "Broken", lambda: _raise(RuntimeError("no orders")))
    with caplog.at_level(logging.ERROR):
        await client.get("broken")
    (record,) = [record for record in caplog.records if "The page 'broken'" in record.getMessage()]
    assert record.exc_info is not None


async def test_template_that_fails(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """An error while it is rendered is a message, too."""
    path = template(tmp_path, '{% extends "page.html" %}{% block view %}{{ 1 / zero }}{% endblock %}')
    tools.register_page("broken", "Broken", lambda: {"zero": 0}, template=path)
    answer = await client.get("broken")
    assert answer.status_code == 503
    assert "ZeroDivisionError" in answer.text


async def test_loader_that_hangs(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for, whether it blocks or ignores its cancellation, and cannot use up the threads."""
    monkeypatch.setattr(_registered, "_TIMEOUT_SECONDS", 0.05)
    end, ended = threading.Event(), asyncio.Event()

    async def hang() -> dict[str, Any]:
        while not ended.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await ended.wait()
        return {}

    tools.register_page("blocks", "Blocks", lambda: {"ended": end.wait(300)})
    tools.register_page("hangs", "Hangs", hang)
    for id_ in ("blocks", "hangs"):
        answers = [(await client.get(id_)) for _ in range(7)]
        assert {answer.status_code for answer in answers} == {503}
        assert "did not return within 0.05 s" in answers[0].text
        assert "still runs for others" in answers[-1].text
    threads = [thread for thread in threading.enumerate() if thread.name == "c2c-page-blocks"]
    assert len(threads) == 5
    end.set()
    ended.set()
    wait_for(lambda: not any(thread.is_alive() for thread in threads), what="the end of the threads")
    monkeypatch.setattr(_registered, "_TIMEOUT_SECONDS", 60.0)
    assert rows((await client.get("blocks")).text) == {"ended": "true"}
    assert "Nothing to show." in (await client.get("hangs")).text


async def test_row_of_links(client: httpx.AsyncClient) -> None:
    """Ours, then the pages, then the links; the open page is marked."""
    tools.register_link("Dashboard", "https://grafana.example.com/d/1?a=1&b=2")
    tools.register_page("orders", "Orders <1>", dict)
    page = (await client.get("orders")).text
    assert nav(page)[len(_views.VIEWS) :] == [
        ("orders", "Orders &lt;1&gt;"),
        ("https://grafana.example.com/d/1?a=1&amp;b=2", "Dashboard"),
    ]
    assert '<a href="orders" data-key="" aria-current="page">' in page
    assert '<a href="orders" data-key="">' in (await client.get("activity")).text


async def test_no_key(client: httpx.AsyncClient) -> None:
    """The list of keys has the views that a letter opens, and no others."""
    tools.register_page("orders", "Orders", dict)
    tools.register_link("Dashboard", "https://example.com/")
    keys = re.findall(r"<kbd>g</kbd> (?:<kbd>(\w)</kbd> )?</dt>", (await client.get("")).text)
    assert keys == [view.key for view in _views.VIEWS]


async def test_levels(callers: dict[str, httpx.AsyncClient]) -> None:
    """A page asks for its level; a link is only shown to those who have it."""
    tools.register_page("admins", "Admins", dict, level="admin")
    tools.register_page("writers", "Writers", dict, level="read-write")
    tools.register_link("Secret dashboard", "https://example.com/", level="admin")
    tools.register_link("Common dashboard", "https://example.com/", level="read-write")
    codes = {
        name: [(await client.get(id_)).status_code for id_ in ("admins", "writers")]
        for name, client in callers.items()
    }
    assert codes == {"admin": [200, 200], "push": [403, 200], "pull": [403, 403]}
    titles = {
        name: [title for _, title in nav((await client.get("")).text)] for name, client in callers.items()
    }
    assert ("Secret dashboard" in titles["admin"], "Secret dashboard" in titles["push"]) == (True, False)
    assert "Common dashboard" in titles["push"]
    assert "Common dashboard" not in titles["pull"]
    assert "Admins is for administrators." in (await callers["push"].get("admins")).text
    assert "Writers is for those who may read and write." in (await callers["pull"].get("writers")).text


async def test_strangers_run_no_loader(anonymous: httpx.AsyncClient) -> None:
    """They see the way in, which leads back."""
    ran: list[bool] = []

    def load() -> dict[str, Any]:
        ran.append(True)
        return {}

    tools.register_page("orders", "Orders", load)
    answer = await anonymous.get("orders?x=1")
    assert (answer.status_code, ran) == (403, [])
    assert 'value="orders?x=1"' in answer.text


@pytest.mark.parametrize("path", ["nowhere", "nowhere/", "orders/deeper", "orders/"])
async def test_other_addresses(client: httpx.AsyncClient, path: str) -> None:
    """What is not registered is an unknown path as before."""
    tools.register_page("orders", "Orders", dict)
    answer = await client.get(path)
    assert answer.status_code == (307 if path == "orders/" else 404)
    assert (await client.post("nowhere")).status_code == 404


@pytest.mark.parametrize(
    "id_", ["", "Orders", "a b", "a/b", "../x", "a.html", "-a", "é", "a" * 65, "%61", 7, None]
)
def test_bad_ids(id_: Any) -> None:
    with pytest.raises(ValueError, match="lower-case letters"):
        tools.register_page(id_, "Title", dict)


def test_no_route_can_be_taken() -> None:
    """No id is the first part of the path of one of our routes, whichever they are."""
    first = (
        {row.split("/")[1] for row in ROWS} - {""} | {view.id for view in _views.VIEWS} - {""} | {"static"}
    )
    assert {"activity", "audit", "auth", "debug", "health", "livez"} <= first
    for name in first:
        with pytest.raises(ValueError, match=r"is taken|lower-case letters"):
            tools.register_page(name, "Title", dict)


def test_same_id_twice() -> None:
    tools.register_page("orders", "Orders", dict)
    with pytest.raises(ValueError, match="'orders' is taken by the page 'Orders'"):
        tools.register_page("orders", "Others", dict)
    tools.register_link("Docs", "../docs")
    with pytest.raises(ValueError, match="'Docs' already"):
        tools.register_link("Docs", "../docs")


@pytest.mark.parametrize("title", ["", "  ", "a\nb", "a" * 61, None])
def test_bad_titles(title: Any) -> None:
    with pytest.raises(ValueError, match="title must"):
        tools.register_page("a", title, dict)
    with pytest.raises(ValueError, match="title must"):
        tools.register_link(title, "a")


def test_bad_levels() -> None:
    level: Any = "owner"
    with pytest.raises(ValueError, match="read-only, read-write, admin"):
        tools.register_page("a", "A", dict, level=level)
    with pytest.raises(ValueError, match="read-only, read-write, admin"):
        tools.register_link("A", "a", level=level)


def test_bad_loader() -> None:
    loader: Any = {"a": 1}
    with pytest.raises(TypeError, match="loader of the page 'a' must be callable, not dict"):
        tools.register_page("a", "A", loader)


def test_bad_templates(tmp_path: Path) -> None:
    """They are refused when the page is registered, and it is not."""
    bad = template(tmp_path, "{% block %}")
    for path, problem in (("orders.html", "absolute path"), (tmp_path / "none", "exist"), (bad, "not valid")):
        with pytest.raises(ValueError, match=problem):
            tools.register_page("orders", "Orders", dict, template=path)
    assert STATE.pages == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "https://a.example.com:8443/x?y=1#z",
        "../docs",
        "docs",
        "/docs",
        "?a=1",
        "./a:b",
        "https://[::1]/",
    ],
)
def test_links(url: str) -> None:
    tools.register_link("Link", url)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            None,
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
        ),
        *(
            "data:text/html,x",
            "ftp://a",
            "//evil.example.com",
            "\\\\evil",
            "/\\evil",
            "http:",
            "http://",
            "https:/x",
        ),
        *(
            "http:x",
            "https://user:pw@a",
            "https://user@a",
            "http://a b",
            "http://a:99999",
            "http://[::1",
            "mailto:a",
        ),
        "x" * 2001,
    ],
)
def test_bad_links(url: Any) -> None:
    with pytest.raises(ValueError, match="url must"):
        tools.register_link("Link", url)


async def test_data_as_json(client: httpx.AsyncClient) -> None:
    """A page without a template has a JSON twin, with secrets masked, whose command it shows."""
    tools.register_page(
        "orders", "Orders", lambda: {"waiting": 3, "password": "hidden", "to": "u://me:hunter2@db"}
    )
    page = await client.get("orders")
    assert "http://testserver/c2c/orders?format=json" in page.text
    answer = await client.get("orders?format=json")
    assert answer.json() == {"waiting": 3, "password": "***", "to": "u://***@db"}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert "no-store" in answer.headers["Cache-Control"]


async def test_data_that_cannot_be_loaded_as_json(client: httpx.AsyncClient) -> None:
    def fail() -> dict[str, Any]:
        raise ValueError("no u://me:hunter2@db")

    tools.register_page("orders", "Orders", fail)
    answer = await client.get("orders?format=json")
    assert (answer.status_code, answer.json()["detail"]) == (503, "ValueError: no u://***@db")


@pytest.mark.parametrize("level", ["read-only", "read-write", "admin"])
async def test_data_needs_the_level_of_its_page(callers: dict[str, httpx.AsyncClient], level: Any) -> None:
    """Who may not open the page gets no data either."""
    tools.register_page("orders", "Orders", lambda: {"waiting": 3}, level=level)
    for caller in callers.values():
        page, data = await caller.get("/orders"), await caller.get("/orders?format=json")
        assert page.status_code == data.status_code
        assert ("waiting" in data.text) == (data.status_code == 200)


async def test_data_of_a_template_stay_inside(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """A template shows what its author chose, so there is no JSON of the rest; the command gets the page."""
    path = template(tmp_path, '{% extends "page.html" %}{% block view %}{{ waiting }} wait{% endblock %}')
    tools.register_page("orders", "Orders", lambda: {"waiting": 3, "customer": "Ann"}, template=path)
    page = await client.get("orders?format=json")
    assert "3 wait" in page.text
    assert "Ann" not in page.text
    assert 'aria-label="curl: Orders">' in page.text
