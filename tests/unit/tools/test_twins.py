"""Each parameter of each view and of its twin, with a right value and wrong ones: both say what is wrong."""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from c2casgiutils import config, instances
from c2casgiutils.health_checks import FACTORY
from tests.support import twins
from tests.unit.health_checks.checks import Fine

TWINS: dict[str, tuple[str, dict[str, str]]] = {
    "./": ("overview", {"sort": "memory"}),
    "processes": ("instances", {"sort": "memory", "q": "x", "state": "ready"}),
    "process": ("instances", {"id": "{own}"}),
    "checks": ("health/cluster", {"check": "fine", "id": "{own}"}),
    "levels": ("logging/loggers", {"q": "x", "changed": "1"}),
    "requests": (
        "debug/exchanges",
        {"status": "5xx", "route": "x", "min_ms": "1.5", "limit": "7", "instance": "{own}"},
    ),
    "diagnostics?what=loop": ("debug/loop", {"id": "{own}"}),
    "diagnostics?what=stacks": ("debug/stacks", {"id": "{own}"}),
    "diagnostics?what=memory&ask=1": ("debug/memory", {"id": "{own}"}),
    "activity": ("events", {"kind": "audit", "what": "x", "who": "x", "since": "1h", "until": "2d"}),
    "configuration": ("settings", {"changed": "1"}),
}
"""The twin of each view, and a right value of each filter."""
IN_TWIN = {"debug/loop": "instance", "debug/stacks": "instance", "debug/memory": "instance"}
"""What the id is called there."""
TEXTS = {"q", "what", "who", "route"}
"""Filters that take any text: it may find nothing."""
IDS = {"id", "instance", "check"}
"""What is there or not: 404, in the view and in the twin."""
LONG = "x" * 10_240
WRONG_TYPES = {
    "limit": "1.5",
    "min_ms": "nan",
    "changed": "2",
    "status": "1e2",
    "since": "-1",
    "until": "31.1.",
}
FILTERS = [(view, name) for view, (_, right) in TWINS.items() for name in right]


@pytest.fixture(autouse=True)
def _service(client: httpx.AsyncClient) -> Iterator[None]:  # it sets the settings
    config.settings.debug.enabled = True
    FACTORY.add(Fine(), name="fine")
    yield
    FACTORY.clear()


def alerts_of(page: httpx.Response) -> list[str]:
    found = re.findall('<p class="notice notice-warn full" role="alert">(.*?)</p>', page.text, re.DOTALL)
    return [html.unescape(re.sub("<[^>]*>", "", each)) for each in found]


def twin_address_of(page: httpx.Response) -> str:
    """The view of the configuration has its versions in its head, and this beside its settings."""
    found = re.search('href="([^"]+)" aria-label="Settings as JSON"', page.text)
    return html.unescape(found[1]) if found else twins.address_of(page.text)


def joined(path: str, values: list[tuple[str, str]]) -> str:
    return f"{path}{'&' if '?' in path else '?'}{urlencode(values)}"


async def refused(client: httpx.AsyncClient, view: str, name: str, values: list[str]) -> bool:
    """Whether the view and its twin refuse the last of these values, in the same sense."""
    twin, _ = TWINS[view]
    other = IN_TWIN.get(twin, name)
    page = await client.get(joined(view, [(name, value) for value in values]))
    direct = await client.get(joined(twin, [(other, value) for value in values]))
    led_to = await client.get(twin_address_of(page))
    alerts = alerts_of(page)
    assert led_to.status_code == direct.status_code
    if direct.status_code == 200:
        assert (page.status_code, alerts) == (200, [])
        return False
    assert values[-1][:200] in html.unescape(page.text)  # what was entered is kept
    if name in IDS:
        assert (page.status_code, direct.status_code) == (404, 404)
        assert direct.json()["detail"].startswith("Unknown")
        assert "No process has" in page.text
        return True
    assert (page.status_code, direct.status_code) == (200, 422)
    assert [(error["loc"], bool(error["msg"])) for error in direct.json()["detail"]] == [
        (["query", other], True)
    ]
    assert {alert.partition(" is ")[0] for alert in alerts} == {name}
    return True


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize(("view", "name"), FILTERS, ids=[" ".join(one) for one in FILTERS])
async def test_filter(client: httpx.AsyncClient, view: str, name: str) -> None:
    """An empty value is none, and of several the last one counts."""
    right = TWINS[view][1][name].replace("{own}", instances.own_id())
    assert not await refused(client, view, name, [right])
    is_text = name in TEXTS
    for value in ("nonsense", WRONG_TYPES.get(name, "[1]<b>\0\u0661")):
        assert await refused(client, view, name, [value]) != is_text
    assert await refused(client, view, name, [LONG])
    assert await refused(client, view, name, [right, "nonsense"]) != is_text
    assert not await refused(client, view, name, ["nonsense", right])
    if view != "process":  # without an id it has no twin
        assert not await refused(client, view, name, [""])
        assert not await refused(client, view, name, [right, ""])


@pytest.mark.parametrize("query", ["", "?id=", "?id=+"])
async def test_process_without_an_id(client: httpx.AsyncClient, query: str) -> None:
    """The view asks which one, and leads to no list as if that was the process."""
    page = await client.get(f"process{query}")
    assert page.status_code == 404
    assert "Which process?" in page.text
    assert twins.address_of(page.text) == ""


@pytest.mark.parametrize("what", ["nonsense", "headers", "../settings", LONG])
async def test_unknown_diagnosis(client: httpx.AsyncClient, what: str) -> None:
    """It chooses the twin, so there is none, rather than that of another diagnosis."""
    page = await client.get("diagnostics", params={"what": what})
    assert page.status_code == 200
    assert "is not one of loop, stacks, memory, profile." in alerts_of(page)[-1]
    assert twins.address_of(page.text) == ""
    right = await client.get("diagnostics?what=stacks&what=loop")
    assert twins.address_of(right.text).endswith("/debug/loop")


FIELDS: list[tuple[str, str]] = [
    *(("ttl", value) for value in ("nonsense", "-5", "8d", "[1]", LONG)),
    *(("scope", value) for value in ("nonsense", "left:1:abcdef", LONG)),
    *(("reason", value) for value in ("a\0b", LONG)),
    *(("logger", value) for value in ("a\0b", LONG)),
]


@pytest.mark.parametrize(("name", "value"), FIELDS, ids=[f"{one[0]} {one[1][:20]!r}" for one in FIELDS])
async def test_field_of_the_levels(client: httpx.AsyncClient, name: str, value: str) -> None:
    """The view says of an entry what the request would be refused for."""
    page = await client.get("levels", params={name: value})
    assert page.status_code == 200
    assert re.match(rf"{name}( is |: )", alerts_of(page)[0])
    body = {"level": "INFO", "ttl": "1m", **({} if name == "logger" else {name: value})}
    logger = quote(value, safe="") if name == "logger" else "c2casgiutils.tools"
    answer = await client.put(f"logging/loggers/{logger}", json=body)
    assert answer.status_code == (404 if name == "scope" else 422)
    assert answer.json()["detail"]


@pytest.mark.parametrize("id_", ["nonsense", "[1]<b>", "a/b", LONG])
async def test_unknown_follow(client: httpx.AsyncClient, id_: str) -> None:
    """The view and the lines say that nothing is followed, or that this is no id."""
    page = await client.get("requests", params={"follow": id_})
    assert page.status_code == 200
    assert "Nothing is followed under this id, or no longer." in alerts_of(page)
    lines = await client.get(twins.address_of(page.text))
    assert lines.status_code == (422 if id_ == LONG else 404)
    assert lines.json()["detail"]


@pytest.mark.parametrize("after", ["nonsense", "1.5", LONG])
async def test_unknown_place(client: httpx.AsyncClient, after: str) -> None:
    begun = (await client.post("logging/follow", json={"level": "INFO"})).json()
    answer = await client.get(f"logging/follow/{begun['id']}", params={"after": after})
    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["nonsense", "[1]<b>", "/\0", f"/{LONG}"])
async def test_path_to_grade(client: httpx.AsyncClient, path: str) -> None:
    """This part of the view has no twin."""
    page = await client.get("configuration", params={"grade": path})
    assert page.status_code == 200
    assert alerts_of(page)[0].startswith("grade ")


async def test_only_in_the_twin(client: httpx.AsyncClient) -> None:
    answer = await client.get("health/cluster?history=nonsense")
    assert [error["loc"] for error in answer.json()["detail"]] == [["query", "history"]]
    assert answer.status_code == 422


async def test_unknown_names(client: httpx.AsyncClient) -> None:
    """They are ignored, as a later release may know them, by views and twins alike."""
    for path in {*TWINS, *(twin for twin, _ in TWINS.values()), "database", "versions", "db/maintenance"}:
        if path == "process":
            continue
        answer = await client.get(joined(path, [("nonsense", "x"), ("nonsense", LONG)]))
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/json" or alerts_of(answer) == []


def test_every_parameter_is_tried() -> None:
    """All that the documentation lists, of the views and of their twins."""
    views: dict[str, Any] = {"diagnostics": {"what"}, "configuration": {"grade"}, "requests": {"follow"}}
    views["levels"] = {name for name, _ in FIELDS}
    of_twins: dict[str, set[str]] = {"logging/follow/{id}": {"after"}}
    for view, (twin, right) in TWINS.items():
        views.setdefault(view.partition("?")[0], set()).update(right)
        of_twins.setdefault(twin, set()).update(IN_TWIN.get(twin, name) for name in right)
    assert {view: set(names) for view, names in views.items()} == twins.documented()
    documented = twins.documented_twins()
    assert {twin: names for twin, names in of_twins.items() if twin not in IN_TWIN} == documented
