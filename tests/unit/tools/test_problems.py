"""What needs attention, as lines of the page."""

import datetime
import re

import httpx
import pytest

from c2casgiutils import instances
from c2casgiutils.tools import _attention, _problems

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def item(kind: _attention.Kind, subject: str, state: _attention.State = "degraded") -> _attention.Attention:
    return _attention.Attention(
        kind=kind, state=state, subject=subject, since=NOW, text=f"{subject} is {kind}", processes=[subject]
    )


def lines(*attention: _attention.Attention) -> list[_problems.Problem]:
    return _problems.lines(attention)


@pytest.mark.parametrize(
    ("kind", "href"),
    [
        ("check", "checks?check=a%26b%2Fc"),
        ("late", "process?id=a%26b%2Fc"),
        ("lost", "process?id=a%26b%2Fc"),
        ("draining", "process?id=a%26b%2Fc"),
        ("unlike", "process?id=a%26b%2Fc"),
        ("versions", "processes?sort=version"),
        ("partial", "processes?state=behind"),
        ("level", "levels?logger=a%26b%2Fc#level-a%26b%2Fc"),
        ("unwritten", "levels?logger=a%26b%2Fc#level-a%26b%2Fc"),
        ("maintenance", "database#maintenance"),
        ("proxy", ""),
        ("redis", ""),
        ("roster", ""),
    ],
)
def test_each_line_leads_to_where_one_can_act(kind: _attention.Kind, href: str) -> None:
    (line,) = lines(item(kind, "a&b/c"))
    assert (line.href, line.since) == (href, NOW)


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (3, 3), (4, 1), (50, 1)])
def test_many_lost_processes_are_one_line(number: int, shown: int) -> None:
    """One cause is one line, with the oldest beginning and a link to all of them."""
    found = lines(*(item("lost", f"web:{pid}:aa") for pid in range(number)))
    assert len(found) == shown
    if shown == 1 < number:
        assert found[0].text == f"{number} processes: web:0:aa, web:1:aa, web:2:aa and {number - 3} more"
        assert found[0].href == "processes?state=lost"


def test_states() -> None:
    """The worst first; what somebody wanted is no warning."""
    found = lines(item("level", "app", "ok"), item("late", "web:1:aa"), item("check", "pool", "down"))
    assert [(line.state, line.word) for line in found] == [
        ("fail", "down"),
        ("warn", "late"),
        ("skip", "level"),
    ]


async def test_nothing_needs_attention(client: httpx.AsyncClient) -> None:
    """The page says what it knows, and what it cannot know without Redis."""
    page = (await client.get("")).text
    assert re.search(r"Nothing needs attention\. 1 of 1 process answered at \d\d:\d\d:\d\d UTC\.", page)
    own = instances.own()
    assert f"This is one process, {own.pid} on {own.hostname}. Others are not known: set" in page


async def test_level_that_is_set(client: httpx.AsyncClient) -> None:
    await client.put("logging/loggers/c2c.of.the.test", json={"level": "DEBUG", "reason": "INC-1"})
    page = (await client.get("")).text
    assert "Logger c2c.of.the.test is at DEBUG by secret" in page
    assert 'aria-label="Open c2c.of.the.test"' in page


async def test_header_of_a_proxy_that_is_ignored(client: httpx.AsyncClient) -> None:
    page = (await client.get("", headers={"X-Forwarded-For": "192.0.2.1"})).text
    assert "X-Forwarded-For sent by a proxy is ignored" in page
