"""The page of a service with 50 processes and 40 checks, from entries as real processes write them."""

import gzip
import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.support import crowd
from tests.support.clients import signed_in
from tests.support.processes import RedisServer
from tests.support.starting import connected

PAGE_SIZE, OVERVIEW_SIZE = 15_000, 50_000
"""In bytes, compressed."""
VIEWS = (
    "",
    "?sort=lag",
    "processes",
    "checks",
    "checks?check=check-00",
    "process?id={}",
    "levels",
    "configuration",
)


@pytest.fixture
async def client(redis_server: RedisServer, operations: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A signed-in client of a started application, with an empty Redis."""
    async with signed_in(operations, redis_server.url) as http:
        await connected()
        yield http


def join(redis_server: RedisServer, *, worst: bool = False) -> list[str]:
    with redis_server.client() as admin:
        return crowd.join(admin, worst=worst)


@pytest.mark.no_cover
@pytest.mark.parametrize("worst", [False, True], ids=["usual trouble", "each check differs"])
async def test_sizes(client: httpx.AsyncClient, redis_server: RedisServer, worst: bool) -> None:
    """Each view stays within its budget, also when nothing can be left out."""
    ids = join(redis_server, worst=worst)
    sizes = {}
    for view in VIEWS:
        answer = await client.get(view.format(ids[5]))
        assert answer.status_code == 200
        sizes[view] = len(gzip.compress(answer.content))
    assert {view: size for view, size in sizes.items() if size > PAGE_SIZE} == {}
    body = (await client.get("overview")).content
    assert len(gzip.compress(body)) <= OVERVIEW_SIZE


async def test_trouble_is_found_at_a_glance(client: httpx.AsyncClient, redis_server: RedisServer) -> None:
    """The sick processes are named, and those that are well are squares."""
    ids = join(redis_server)
    page = html.unescape((await client.get("")).text)
    for text in (
        "Health check check-00 is down in 1 of 49",
        "Health check check-01 is degraded everywhere (49 of 49): no result within 2 s",
        f"process?id={ids[0].replace(':', '%3A')}",
        "no clean shutdown",
        "rss 190",
        "all 51 processes",
        "38 others ok",
    ):
        assert text in page, text
    assert page.count('class="square ') == crowd.PROCESSES + 1
    rows = re.findall(r'<tr id="p-([^"]+)">', page)
    assert len(rows) == 10
    assert rows[:3] == [ids[5], ids[1], ids[0]]  # down, lost, late


async def test_trouble_everywhere(client: httpx.AsyncClient, redis_server: RedisServer) -> None:
    """The worst twelve lines leave the processes in view; of the others it is said what they are."""
    join(redis_server, worst=True)
    page = (await client.get("")).text
    (attention,) = re.findall(r'<section [^>]*aria-labelledby="attention">(.*?)</section>', page, re.DOTALL)
    shown, more, hidden = attention.partition("<details>\n    <summary>")
    assert more
    assert shown.count("<li>") == 12
    number, words = re.findall(r"^(\d+) more: (.*?)</summary>", hidden)[0]
    assert int(number) == hidden.count("<li>")
    assert {"40 degraded", "1 lost"} <= set(words.split(", "))


@pytest.mark.parametrize(
    ("sort", "line"),
    [
        ("", r"Memory 8\d MiB 1\.9 GiB median 8\d MiB"),
        ("?sort=in_flight", r"In flight 0 4 median \d"),
    ],
    ids=["by state", "by a figure"],
)
async def test_spread_of_a_figure(
    client: httpx.AsyncClient, redis_server: RedisServer, sort: str, line: str
) -> None:
    """The least, the most and the median of all processes, with links to the first two."""
    ids = join(redis_server)
    (found,) = re.findall(r'<p class="spread">(.*?)</p>', (await client.get(sort)).text, re.DOTALL)
    text = " ".join(re.sub(r"<[^>]+>", " ", found).split())
    assert re.fullmatch(line, text)
    if not sort:
        label = f'aria-label="1.9 GiB, the most: 9 on {ids[2].partition(":")[0]}"'
        assert f'<a href="process?id={ids[2].replace(":", "%3A")}" {label}>' in found


async def test_a_letter_for_each_process(client: httpx.AsyncClient, redis_server: RedisServer) -> None:
    """Fifty columns would be no help: those of a host stand together, and the lost one is left out."""
    join(redis_server)
    for view in ("", "checks"):
        page = (await client.get(view)).text
        row = re.search(r'<tr id="check-check-00">(.*?)</tr>', page, re.DOTALL)
        assert row is not None
        states = re.search(r'<code role="img" aria-label="([^"]*)">([^<]*)</code>', row[1])
        assert states is not None
        assert states[1].startswith("48 ok, 1 down")
        hosts = states[2].split()
        assert [host for host in hosts if "x" in host] == ["·x··"]
        assert sorted(len(host) for host in hosts if "_" not in host) == [2, 3, *[4] * 11]
        assert "One letter for each process: · ok, ! degraded, x down" in page


async def test_orders_and_filters(client: httpx.AsyncClient, redis_server: RedisServer) -> None:
    """The largest figure is first on the overview, too."""
    ids = join(redis_server)
    for view in ("?sort=memory", "processes?sort=memory"):
        assert re.findall(r'<tr id="p-([^"]+)">', (await client.get(view)).text)[0] == ids[2]
    lost = (await client.get("processes?state=lost")).text
    assert re.findall(r'<tr id="p-([^"]+)">', lost) == [ids[1]]
    assert "1 of 51" in lost


async def test_more_than_the_browser_should_draw(
    client: httpx.AsyncClient, redis_server: RedisServer
) -> None:
    """The worst sixty are shown, it is said that there are others, and the search finds those."""
    with redis_server.client() as admin:
        ids = crowd.join(admin, processes=80, checks=2)
    page = (await client.get("processes")).text
    shown = re.findall(r'<tr id="p-([^"]+)">', page)
    assert len(shown) == 60
    assert set(shown) > {ids[0], ids[1], ids[5]}
    assert "Shown: the first 60 by state." in page
    (hidden, *_) = set(ids) - set(shown)
    assert f'<tr id="p-{hidden}">' in (await client.get("processes", params={"q": hidden})).text


async def test_last_word_of_a_lost_process(client: httpx.AsyncClient, redis_server: RedisServer) -> None:
    """Its checks and figures are shown, and that it cannot be drained."""
    ids = join(redis_server)
    page = (await client.get("process", params={"id": ids[1]})).text
    assert "<strong>Lost:</strong> no heartbeat since" in page
    assert "2.4.1" in page
    assert page.count('id="check-') == crowd.CHECKS
    assert 'name="drain"' not in page
