"""What needs attention, as lines of the page."""

import datetime
import re
from collections.abc import Collection
from typing import Any

import httpx
import pytest

from c2casgiutils import auth, config, instances
from c2casgiutils.tools import _attention, _problems
from c2casgiutils.tools._caller import Caller

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def item(
    kind: _attention.Kind, subject: str, state: _attention.State = "degraded", **fields: Any
) -> _attention.Attention:
    given = {"since": NOW, "text": f"{subject} is {kind}", "processes": [subject], **fields}
    return _attention.Attention(kind=kind, state=state, subject=subject, **given)


def lines(
    *attention: _attention.Attention, remedies: Collection[str] = ("loop", "stacks", "memory", "undrain")
) -> list[_problems.Problem]:
    return _problems.lines(attention, remedies)


def test_what_the_other_lines_do_not_know_comes_first() -> None:
    """Twelve checks that are down do not fold it away; the others follow, the worst first."""
    found = lines(item("check", "a", "down"), item("lost", "b"), item("redis", ""), item("roster", ""))
    assert [line.word for line in found] == ["redis", "roster", "down", "lost"]


PROCESS = "process?id=a%26b%2Fc"
LEVEL = "levels?logger=a%26b%2Fc#level-a%26b%2Fc"
LAST_KNOWN = (PROCESS, "last known")


@pytest.mark.parametrize(
    ("kind", "links"),
    [
        ("check", [("checks?check=a%26b%2Fc", "open")]),
        ("late", [(PROCESS, "open")]),
        ("lost", [LAST_KNOWN]),
        ("draining", [(PROCESS, "open")]),
        ("unlike", [(PROCESS, "open")]),
        ("versions", [("processes?sort=version", "which")]),
        ("partial", [("processes?state=behind", "which")]),
        ("level", [(LEVEL, "open")]),
        ("unwritten", [(LEVEL, "open")]),
        ("maintenance", [("database#maintenance", "open")]),
        ("proxy", []),
        ("redis", []),
        ("roster", []),
    ],
)
def test_each_line_leads_to_where_one_can_act(kind: _attention.Kind, links: list[tuple[str, str]]) -> None:
    (line,) = lines(item(kind, "a&b/c"))
    assert (list(line.links), line.since) == (links, NOW)


@pytest.mark.parametrize(
    ("kind", "remedy", "word", "others"),
    [
        ("late", "stacks", "stacks", []),
        ("lost", "stacks", "stacks", [LAST_KNOWN]),
        ("unlike", "memory", "memory", []),
        ("unlike", "loop", "event loop", []),
    ],
)
def test_a_line_leads_to_what_helps(
    kind: _attention.Kind, remedy: str, word: str, others: list[tuple[str, str]]
) -> None:
    """Those who may not use it are led to the process."""
    (line,) = lines(item(kind, "a&b/c", remedy=remedy))
    assert line.links == [*others, (f"diagnostics?what={remedy}&id=a%26b%2Fc", word)]
    assert line.twin == f"debug/{remedy}?instance=a%26b%2Fc" or kind == "lost"
    (line,) = lines(item(kind, "a&b/c", remedy=remedy), remedies=())
    assert line.links == (others or [(PROCESS, "open")])
    assert line.twin == "instances?id=a%26b%2Fc"


@pytest.mark.parametrize("remedy", ["", "undrain"])
def test_who_may_undrain_can_do_it_in_the_line(remedy: str) -> None:
    """Not while the process stops, which nothing can undo."""
    (line,) = lines(item("draining", "a:1", "ok", remedy=remedy))
    assert line.undrains is (remedy == "undrain")
    (line,) = lines(item("draining", "a:1", "ok", remedy=remedy), remedies=())
    assert not line.undrains


@pytest.mark.parametrize(
    ("is_admin", "is_enabled", "expected"),
    [
        (False, True, {"loop"}),
        (True, False, {"loop", "stacks", "undrain"}),
        (True, True, {"loop", "stacks", "undrain", "memory"}),
    ],
    ids=["reader", "administrator", "administrator, heavy diagnostics on"],
)
def test_what_is_offered_to_whom(
    is_admin: bool, is_enabled: bool, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what the view that it leads to shows."""
    monkeypatch.setattr(config.settings.debug, "enabled", is_enabled)
    info = auth.AuthInfo(session_payload=None)
    caller = Caller(info, "SECRET", can_read=True, can_write=is_admin, is_admin=is_admin)
    assert _problems.remedies_of(caller) == expected


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (3, 3), (4, 1), (50, 1)])
def test_many_lost_processes_are_one_line(number: int, shown: int) -> None:
    """One cause is one line, with the oldest beginning and a link to all of them."""
    found = lines(*(item("lost", f"web:{pid}:aa") for pid in range(number)))
    assert len(found) == shown
    if shown == 1 < number:
        assert found[0].text == f"{number} processes: web:0:aa, web:1:aa, web:2:aa and {number - 3} more"
        assert found[0].links == [("processes?state=lost", "which")]


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
