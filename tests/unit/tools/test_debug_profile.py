"""The diagnostic views of profiles."""

import asyncio
import contextlib
import html.parser
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config, debug, instances
from c2casgiutils.debug._call_tree import Frame, TreeBuilder
from c2casgiutils.tools import _profile_page
from tests.support.net import eventually
from tests.unit.tools.conftest import SECRET


@pytest.fixture
async def client(operations: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    config.settings = config.Settings(auth={"secret": SECRET}, debug={"enabled": True})
    app = FastAPI()
    app.mount("/c2c", operations)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        c2casgiutils.lifespan(app),
        httpx.AsyncClient(
            transport=transport,
            base_url="http://www.example.com/c2c/debug/",
            headers={"X-API-Key": SECRET},
            timeout=30,
        ) as client,
    ):
        yield client


async def profile(client: httpx.AsyncClient, seconds: float = 0.2) -> str:
    """The id of a profile that is done."""
    answer = await client.post("profile", json={"seconds": seconds, "hz": 200})
    assert answer.status_code == 202
    id_ = answer.json()["id"]

    async def is_done() -> bool:
        return (await client.get(f"profile/{id_}")).status_code == 200

    await eventually(is_done, seconds=30)
    assert isinstance(id_, str)
    return id_


class Page(html.parser.HTMLParser):
    """The elements of a page, which of them are still open, the names of attributes, and the text."""

    VOID = ("meta", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_running_and_done(client: httpx.AsyncClient) -> None:
    """The start tells the id and the address, which answers 202 until the profile is done."""
    started = await client.post("profile", json={"instance": "self", "seconds": 2})
    assert started.status_code == 202
    id_ = started.json()["id"]
    assert str(started.url.join(started.headers["Location"])).endswith(f"/c2c/debug/profile/{id_}")
    running = await client.get(f"profile/{id_}")
    assert running.status_code == 202
    assert running.json()["state"] == "running"
    assert 0 < running.json()["remaining_seconds"] <= 2
    assert running.headers["Retry-After"] in {"1", "2"}

    async def is_done() -> bool:
        return (await client.get(f"profile/{id_}")).status_code == 200

    await eventually(is_done, seconds=30)
    assert instances.own_id() in id_


FORMATS: list[tuple[str | None, str | None, str]] = [  # `Accept`, `format`, and the type of the answer
    (None, None, "text/plain; charset=utf-8"),
    ("*/*", None, "text/plain; charset=utf-8"),
    ("application/json", None, "application/json"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", None, "text/html; charset=utf-8"),
    (None, "collapsed", "text/plain; charset=utf-8"),
    ("text/html", "speedscope", "application/json"),
    ("application/json", "html", "text/html; charset=utf-8"),
]


async def test_formats(client: httpx.AsyncClient) -> None:
    """The parameter wins over `Accept`; without both the answer is text."""
    id_ = await profile(client)
    for accept, format_, expected in FORMATS:
        headers = {"Accept": accept} if accept else {}
        params = {"format": format_} if format_ else {}
        answer = await client.get(f"profile/{id_}", headers=headers, params=params)
        assert (answer.status_code, answer.headers["content-type"]) == (200, expected)
        assert "no-store" in answer.headers["cache-control"]
    collapsed = (await client.get(f"profile/{id_}", params={"format": "collapsed"})).text
    assert all(line.rpartition(" ")[2].isdecimal() for line in collapsed.splitlines())
    assert "(waiting)" in collapsed
    file = (await client.get(f"profile/{id_}", params={"format": "speedscope"})).json()
    assert {one["type"] for one in file["profiles"]} == {"sampled"}
    assert (await client.get(f"profile/{id_}", params={"format": "pdf"})).status_code == 422


async def test_page(client: httpx.AsyncClient) -> None:
    """The page is a tree of elements to unfold, and needs neither a script nor an inline style."""
    answer = await client.get(f"profile/{await profile(client)}", params={"format": "html"})
    page = Page(answer.text)
    assert page.open == []
    assert page.tags.count("details") > 5
    assert not {"script", "style"} & set(page.tags)
    assert not {name for name in page.attributes if name == "style" or name.startswith("on")}
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "samples in 0." in page.text


def test_page_of_hostile_names() -> None:
    """Names of functions are text, a deep tree is closed properly, and very many calls are left out."""
    builder = TreeBuilder(1_000_000)
    node = builder.child(-1, "main", Frame(name="main"))
    for depth in range(200):
        node = builder.child(node, depth, Frame(name=f"<script>alert({depth})</script>", file='"x"', line=1))
    builder.add(node, 10_000_000_000)
    other = builder.child(0, "x", Frame(name="other"))
    for number in range(5000):
        builder.add(builder.child(other, number, Frame(name=f"call{number}")), 1_000_000)
    found = debug.Profile(id="x", instance="<b>", seconds=1, hz=1, samples=1, tree=builder.tree)
    text = _profile_page.render(found)
    page = Page(text)
    assert page.open == []
    assert "script" not in page.tags
    assert page.tags.count("details") + page.tags.count("p") < 2100
    assert len(text) < 1_000_000
    assert "<script>alert(199)</script>" in page.text


def test_page_of_very_many_threads() -> None:
    """A tree that another process sent is not pruned for ever."""
    builder = TreeBuilder(1_000_000)
    for number in range(5000):
        builder.add(builder.child(-1, number, Frame(name=f"thread{number}")), 1)
    found = debug.Profile(id="x", instance="x", seconds=1, hz=1, samples=1, tree=builder.tree)
    assert "(other threads)" in _profile_page.render(found)


WRONG: list[Any] = [
    *({"seconds": value} for value in (0, -1, 61, "nan", "Infinity", "abc", None)),
    *({"hz": value} for value in (0, -1, 1001, 1.5, "abc")),
    {"instance": "all"},
    {"instance": 7},
    [],
    None,
]


@pytest.mark.parametrize("body", WRONG, ids=str)
async def test_wrong_parameters(client: httpx.AsyncClient, body: Any) -> None:
    answer = await client.post("profile", json=body)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], list)
    with debug.heavy().held():
        pass  # nothing was started


async def test_one_at_a_time(client: httpx.AsyncClient) -> None:
    """While a profile runs, other costly diagnostics are refused, and the light ones are not."""
    await client.post("profile", json={"seconds": 20, "hz": 10})
    assert (await client.post("profile", json={})).status_code == 409
    assert (await client.get("memory")).status_code == 409
    assert (await client.get("time")).status_code == 200
    debug.profiles().stop()


async def test_shutdown_ends_a_profile() -> None:
    """The process does not wait for a profile, and its thread ends."""
    config.settings = config.Settings(debug={"enabled": True})
    async with c2casgiutils.lifespan():
        debug.profiles().start(seconds=60, hz=10)

    async def is_free() -> bool:
        with contextlib.suppress(debug.BusyError), debug.heavy().held():
            return True
        return False

    await eventually(is_free, seconds=10)


@pytest.mark.parametrize(
    "id_",
    ["x", "self", "0123456789abcdef.self", "0123456789abcdef.all", "0123456789abcdef.", "../profile", "%00"],
)
async def test_what_is_no_id(client: httpx.AsyncClient, id_: str) -> None:
    assert (await client.get(f"profile/{id_}")).status_code in (404, 405)


async def test_unknown_profile(client: httpx.AsyncClient) -> None:
    """A profile that is not kept is a 404, one of a process that does not exist is gone."""
    unknown = await client.get(f"profile/0123456789abcdef.{instances.own_id()}")
    assert unknown.status_code == 404
    assert "keeps its last 5, for 10 minutes" in unknown.json()["detail"]
    gone = await client.get("profile/0123456789abcdef.host:1:abcdefgh")
    assert gone.status_code == 410
    assert "has ended" in gone.json()["detail"]


async def test_unknown_instance(client: httpx.AsyncClient) -> None:
    answer = await client.post("profile", json={"instance": "nobody:1:abcdefgh"})
    assert answer.status_code == 404
    assert instances.own_id() in answer.text


async def test_switched_off(client: httpx.AsyncClient) -> None:
    config.settings.debug.enabled = False
    assert (await client.post("profile", json={})).status_code == 404
    assert (await client.get("profile/x")).status_code == 404
    del client.headers["X-API-Key"]
    unknown = await client.post("nothing", json={})
    answer = await client.post("profile", json={})
    assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content)


async def test_other_site(client: httpx.AsyncClient) -> None:
    """A page of another site cannot start a profile with the session of its visitor."""
    config.settings.http = True
    await client.post("../auth/login", data={"secret": SECRET})
    del client.headers["X-API-Key"]
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await client.post("profile", json={}, headers=headers)).status_code == 403
    own = {"Origin": "http://www.example.com", "Sec-Fetch-Site": "same-origin"}
    answer = await client.post("profile", json={"seconds": 0.01}, headers=own)
    assert answer.status_code == 202
    await asyncio.sleep(0.1)


async def test_recorded(client: httpx.AsyncClient) -> None:
    await client.post("profile", json={"seconds": 0.01, "hz": 50})
    (event,) = (await client.get("../audit?limit=1")).json()["events"]
    assert (event["action"], event["target"], event["result"]) == ("debug.profile", "self", "ok")
    assert "50" in event["after"]
