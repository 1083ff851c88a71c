"""The JSON twin of each view: it has the same filters, finds the same rows and refuses the same values."""

import datetime
import html
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from c2casgiutils import config, instances
from c2casgiutils.tools import _process_rows
from tests.support import crowd, twins
from tests.support.clients import signed_in
from tests.support.net import eventually
from tests.support.processes import RedisServer

LOST = "web-7f9c-00000:8:00000001"
"""A process of the crowd, see there."""
LIVING = "web-7f9c-00000:9:00000002"


@pytest.fixture
async def client(redis_server: RedisServer, operations: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator of a process among others, in which something happened."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    async with signed_in(operations, redis_server.url) as http:
        with redis_server.client() as admin:
            crowd.join(admin, processes=6, checks=3)
        await http.put("logging/loggers/c2casgiutils.tools", json={"level": "DEBUG", "reason": "INC-42"})
        await http.put("logging/loggers/c2casgiutils.auth", json={"level": "INFO"})
        await http.delete("logging/loggers/c2casgiutils.auth")
        for path in ("auth/status", "nothing-here", "health_checks"):
            await http.get(path)

        async def is_known() -> bool:
            return f'id="p-{LIVING}"' in (await http.get("")).text

        await eventually(is_known, what="the others")
        yield http


async def twin_of(client: httpx.AsyncClient, page: str) -> httpx.Response:
    """Get what the command of a view gets."""
    return await client.get(twins.address_of(page))


Found = list[Any]


def in_html(pattern: str) -> Callable[[str], Found]:
    return lambda page: [html.unescape(each) for each in re.findall(pattern, page)]


def moments(page: str) -> Found:
    return [
        datetime.datetime.fromisoformat(each)
        for each in re.findall(r'nowrap"><time datetime="([^"]+)"', page)
    ]


def requests_of(body: Any) -> Found:
    return [
        f"{one['instance']}-{datetime.datetime.fromisoformat(one['at']).timestamp()}"
        for one in body["exchanges"]
    ]


def ids(body: Any) -> Found:
    return [one["id"] for one in body.get("instances", body.get("processes"))]


PROCESSES = in_html(r'<tr id="p-([^"]+)">')
ROWS: dict[str, tuple[Callable[[str], Found], Callable[[Any], Found]]] = {
    "./": (PROCESSES, ids),
    "processes": (PROCESSES, ids),
    "process": (in_html(r'Id</th><td class="mono">([^ <]+)'), ids),
    "checks": (in_html(r'<tr id="check-([^"]+)">'), lambda body: [one["name"] for one in body["checks"]]),
    "checks?check": (PROCESSES, lambda body: [id_ for one in body["checks"] for id_ in one["cells"]]),
    "levels": (
        in_html(r'class="level[^>]* aria-label="([^"]+)"'),
        lambda body: [one["name"] for one in body["loggers"]],
    ),
    "requests": (in_html(r'<tr id="r-([^"]+)">'), requests_of),
    "activity": (
        moments,
        lambda body: [datetime.datetime.fromisoformat(one["at"]) for one in body["events"]],
    ),
    "diagnostics?loop": (
        in_html("<h3>([^<]+)</h3>"),
        lambda body: ["{1} on {0}".format(*one["instance"].split(":")) for one in body["processes"]],
    ),
    "diagnostics?memory": (
        in_html("<h3>([^<]+)</h3>"),
        lambda body: [f"{one['pid']} on {one['hostname']}" for one in body["processes"]],
    ),
}
"""How to find the rows of a view in its HTML and in its twin."""
Params = dict[str, str]
FILTERS: list[tuple[str, str, Params]] = [
    *(("./", "./", {"sort": sort}) for sort in _process_rows.COLUMNS),
    *(("processes", "processes", {"sort": sort}) for sort in _process_rows.COLUMNS),
    *(("processes", "processes", {"state": state}) for state in _process_rows.SHAPES),
    *(("processes", "processes", {"q": q}) for q in ("00001:", "WEB-7f9c", "check-01", "ab12cd3", "none")),
    ("processes", "processes", {"q": "web", "state": "degraded", "sort": "memory"}),
    *(("process", "process", {"id": id_}) for id_ in (LOST, LIVING, "{own}")),
    *(("checks", "checks", {"id": id_}) for id_ in (LOST, LIVING)),
    ("checks", "checks?check", {"check": "check-01"}),
    ("checks", "checks?check", {"check": "check-01", "id": LIVING}),
    *(("levels", "levels", {"q": q}) for q in ("c2casgiutils.tools", "AUTH", "no.such.logger")),
    *(
        ("levels", "levels", {"changed": changed, "q": "c2casgiutils"})
        for changed in ("0", "1", "true", "True", "off")
    ),
    *(("requests", "requests", {"status": status}) for status in ("4xx", "404", "503")),
    ("requests", "requests", {"route": "auth/status"}),
    ("requests", "requests", {"route": "auth/status", "instance": "{own}"}),
    ("requests", "requests", {"route": "auth/status", "min_ms": "0.001", "limit": "200"}),
    ("requests", "requests", {"min_ms": "1e10"}),
    ("requests", "requests", {"route": "auth/status", "limit": "7"}),
    # what is pasted may have spaces around it
    ("./", "./", {"sort": " memory "}),
    ("processes", "processes", {"q": " web ", "state": " lost ", "sort": "\tmemory"}),
    ("process", "process", {"id": " {own}\n"}),
    ("checks", "checks", {"id": " {own} "}),
    ("levels", "levels", {"changed": " 1 ", "q": " c2casgiutils "}),
    ("requests", "requests", {"status": " 404 ", "min_ms": " 0 ", "instance": " {own} ", "limit": " 200 "}),
    ("activity", "activity", {"kind": " audit ", "what": " ", "since": " 1h "}),
    ("diagnostics", "diagnostics?loop", {"what": " loop ", "id": " {own} "}),
    *(
        ("activity", "activity", {"kind": kind})
        for kind in ("audit", "AUDIT", "join", "state", "loss", "check")
    ),
    *(("activity", "activity", {"what": what}) for what in ("C2CASGIUTILS.TOOLS", "none", "{own}")),
    *(("activity", "activity", {"who": who}) for who in ("secret", "alice")),
    *(("activity", "activity", {"since": since}) for since in ("1h", "2030-01-01T00:00:00Z")),
    *(("activity", "activity", {"until": until}) for until in ("1h", "2030-01-01T00:00:00Z")),
    *(("diagnostics", "diagnostics?loop", {"what": "loop", "id": id_}) for id_ in ("all", "{own}")),
    ("diagnostics", "diagnostics?memory", {"what": "memory", "id": "{own}", "ask": "1"}),
]


@pytest.mark.parametrize(("view", "rows", "params"), FILTERS, ids=[f"{one[0]}{one[2]}" for one in FILTERS])
async def test_same_rows(client: httpx.AsyncClient, view: str, rows: str, params: Params) -> None:
    """The view and its twin have the same rows, those of processes and of time lines in the same order."""
    params = {name: value.replace("{own}", instances.own_id()) for name, value in params.items()}
    of_page, of_twin = ROWS[rows]
    for _ in range(5):  # the figures of this process change from one to the other
        page = await client.get(view, params=params)
        assert (page.status_code, "is ignored" in page.text) == (200, False)
        twin = await twin_of(client, page.text)
        assert twin.status_code == 200, twin.text
        found = of_page(page.text), of_twin(twin.json())
        if found[0] == found[1]:
            break
    if "sort" in params or view in ("activity", "requests"):
        assert found[0] == found[1]
    else:
        assert sorted(found[0]) == sorted(found[1])


SETTINGS = in_html(r'<tr id="s-([^"]+)">')


@pytest.mark.parametrize("query", ["", "?changed=1"])
async def test_same_settings(client: httpx.AsyncClient, query: str) -> None:
    """Each part of the configuration has its own twin; that of the settings knows the filter."""
    page = (await client.get(f"configuration{query}")).text
    (twin,) = re.findall('href="([^"]+)" aria-label="Settings as JSON"', page)
    body = (await client.get(html.unescape(twin))).json()
    assert SETTINGS(page) == [one["name"] for one in body["settings"]]
    assert ("C2C__PROMETHEUS__PORT" in SETTINGS(page)) != bool(query)


OF_FORMS = {
    "levels": {"logger", "ttl", "scope", "reason"},
    "requests": {"follow"},
    "configuration": {"changed", "grade"},
}
"""What is no filter: it fills a form, or is another part of a view, with a twin of its own."""


@pytest.mark.parametrize(("view", "names"), twins.documented().items(), ids=twins.documented())
def test_every_filter_is_compared(view: str, names: set[str]) -> None:
    tried = {name for other, _, params in FILTERS if other == view for name in params}
    assert names - OF_FORMS.get(view, set()) == tried - {"ask"}


LONG = "x" * 201
BAD: list[tuple[str, Params, int, str]] = [
    ("./", {"sort": "nonsense"}, 422, "sort is state"),
    ("processes", {"sort": "nonsense"}, 422, "sort is state"),
    ("processes", {"state": "asleep"}, 422, "state is ignored"),
    ("processes", {"q": LONG}, 422, "q is longer than 200 characters"),
    ("process", {"id": "left:1:abcdef"}, 404, "No process has this id"),
    ("checks", {"id": "left:1:abcdef"}, 404, "No process has the id"),
    ("levels", {"q": LONG}, 422, "q is longer than 200 characters"),
    ("levels", {"changed": "maybe"}, 422, "changed is 0"),
    ("requests", {"status": "abc"}, 422, "status is ignored"),
    *(("requests", {"min_ms": text}, 422, "min_ms is 0") for text in ("-1", "1e999", "nan", "\u0661")),
    *(("requests", {"limit": text}, 422, "limit is ignored") for text in ("none", "0", "501", "1.5", "1e2")),
    ("requests", {"route": LONG}, 422, "route is longer than 200 characters"),
    ("requests", {"instance": "left:1:abcdef"}, 404, "No process has the id"),
    ("activity", {"kind": "nonsense"}, 422, "kind is ignored"),
    ("activity", {"since": "yesterday"}, 422, "since is ignored"),
    ("activity", {"until": "tomorrow"}, 422, "until is ignored"),
    ("activity", {"what": LONG}, 422, "what is longer than 200 characters"),
    ("activity", {"who": LONG}, 422, "who is longer than 200 characters"),
    ("diagnostics", {"id": "left:1:abcdef"}, 404, "No process has the id"),
]


@pytest.mark.parametrize(
    ("view", "params", "status", "text"), BAD, ids=[f"{one[0]}{one[1]}"[:60] for one in BAD]
)
async def test_same_refusals(
    client: httpx.AsyncClient, view: str, params: Params, status: int, text: str
) -> None:
    """The view says what is wrong and shows the rest; the twin refuses and names the parameter."""
    page = await client.get(view, params=params)
    assert page.status_code == (200 if status == 422 else status)
    assert text in page.text
    twin = await twin_of(client, page.text)
    assert twin.status_code == status
    if status == 422:
        assert [error["loc"] for error in twin.json()["detail"]] == [["query", *params]]


async def test_check_that_only_a_lost_process_has(
    client: httpx.AsyncClient, redis_server: RedisServer
) -> None:
    """Its last word counts, in the view and in its twin."""
    with redis_server.client() as admin:
        crowd.leave(admin, but=LOST)

    async def has_left() -> bool:
        return LIVING not in (await client.get("processes")).text

    await eventually(has_left, what="the others")
    page = await client.get("checks?check=check-01")
    assert (page.status_code, PROCESSES(page.text)) == (200, [LOST])
    twin = await twin_of(client, page.text)
    assert [[*row["cells"]] for row in twin.json()["checks"]] == [[LOST]]


@pytest.mark.parametrize("sort", _process_rows.COLUMNS)
async def test_order_without_samples(client: httpx.AsyncClient, sort: str) -> None:
    """They are left out of the answer, and still known for the order."""
    found = [
        (await client.get("instances", params={"sort": sort, "samples": samples})).json()["instances"]
        for samples in (False, True)
    ]
    assert [[one["id"] for one in each] for each in found] == [ids({"instances": found[1]})] * 2
    assert {len(one["samples"]) for one in found[0]} == {0}
