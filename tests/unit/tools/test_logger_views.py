"""Levels with an end: the list of the loggers, and changes of one of them, in one process."""

import datetime
import logging
import uuid
from typing import Any

import httpx
import pytest

from c2casgiutils import config, instances, switches
from c2casgiutils.tools import _levels
from tests.support.net import eventually
from tests.unit.tools.test_logging import ALONE


@pytest.fixture
def name() -> str:
    """The name of a logger that exists and that no other test uses."""
    logger = f"tests.{uuid.uuid4().hex}"
    logging.getLogger(logger)
    return logger


async def put(client: httpx.AsyncClient, name: str, **body: Any) -> httpx.Response:
    return await client.put(f"logging/loggers/{name}", json=body)


async def listed(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("logging/loggers", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["loggers"]
    return found


def seconds_until(text: str) -> float:
    assert text.endswith("Z")
    return (datetime.datetime.fromisoformat(text) - datetime.datetime.now(datetime.UTC)).total_seconds()


# The list


async def test_list(client: httpx.AsyncClient, name: str) -> None:
    """The root comes first, then the others by name, each with its levels."""
    logging.getLogger(name).setLevel(logging.ERROR)
    found = await listed(client)
    names = [logger["name"] for logger in found]
    assert names[0] == "root"
    assert names[1:] == sorted(names[1:])
    (own,) = await listed(client, q=name.upper()[7:])
    assert own == {
        "name": name,
        "level": "ERROR",
        "effective_level": "ERROR",
        "configured_level": "ERROR",
        "override": None,
    }


async def test_list_creates_nothing(client: httpx.AsyncClient, name: str) -> None:
    """A name between two dots is no logger, and asking for it makes none."""
    child = f"{name}.between.child"
    logging.getLogger(child)
    before = dict(logging.root.manager.loggerDict)
    assert [logger["name"] for logger in await listed(client, q=name)] == [name, child]
    assert await listed(client, q=f"{name}.none") == []
    assert logging.root.manager.loggerDict == before


async def test_list_of_changed_ones(client: httpx.AsyncClient, name: str) -> None:
    """An override is told with who, why, since when and until when."""
    logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger(f"{name}.child")
    await put(client, name, level="DEBUG", reason="INC-42", ttl="1h")
    (changed,) = await listed(client, changed=True, q=name)
    override = changed.pop("override")
    assert changed == {
        "name": name,
        "level": "DEBUG",
        "effective_level": "DEBUG",
        "configured_level": "ERROR",
    }
    assert 3500 < seconds_until(override.pop("expires")) <= 3600
    assert -100 < seconds_until(override.pop("since")) <= 0.1
    assert override == {"level": "DEBUG", "by": "secret", "reason": "INC-42", "scope": "cluster"}


async def test_list_is_bounded(client: httpx.AsyncClient, name: str) -> None:
    """500 are shown, and how many there are is told."""
    for number in range(510):
        logging.getLogger(f"{name}.{number:03}")
    answer = (await client.get("logging/loggers", params={"q": f"{name}."})).json()
    assert (answer["total"], answer["shown"], len(answer["loggers"])) == (510, 500, 500)


@pytest.mark.parametrize("part", ["n\udce9e", "a\nb"])
async def test_list_of_names_that_no_view_accepts(client: httpx.AsyncClient, name: str, part: str) -> None:
    """Loggers with an unprintable name, such as a lone surrogate, are left out of the list."""
    for last in ("file", part):
        logging.getLogger(f"{name}.{last}")
    try:
        answer = await client.get("logging/loggers", params={"q": f"{name}."})
        assert answer.status_code == 200
        assert [one["name"] for one in answer.json()["loggers"]] == [f"{name}.file"]
    finally:
        del logging.root.manager.loggerDict[f"{name}.{part}"]


@pytest.mark.parametrize(
    ("instance", "status"), [("self", 200), ("own", 200), ("no-such", 404), ("all", 422), ("", 200)]
)
async def test_list_of_an_instance(client: httpx.AsyncClient, instance: str, status: int) -> None:
    """It is named by its id; an unknown one is not found, and the answer names those that are known."""
    own = instances.own_id()
    params = {"instance": own if instance == "own" else instance}
    answer = await client.get("logging/loggers", params=params)
    assert answer.status_code == status
    if status == 404:
        assert own in answer.json()["detail"]


@pytest.mark.parametrize("scope", ["cluster", "process"])
async def test_a_reason_is_shown_masked(client: httpx.AsyncClient, name: str, scope: str) -> None:
    """A secret in it is in no list and not on the page."""
    token = "ghp_" + "a1B2" * 9
    await put(client, name, level="DEBUG", reason=f"INC-42 token {token} password=hunter2", scope=scope)
    for path in ("logging/loggers?changed=true", "logging/overrides", "levels", "audit"):
        answer = await client.get(path)
        assert "INC-42" in answer.text
        assert token not in answer.text
        assert "hunter2" not in answer.text


# A level with an end


async def test_put_and_delete(client: httpx.AsyncClient, name: str) -> None:
    """A level is set, told with what was before, and the one of the configuration comes back.

    Without Redis no other process has it, and the answers say so.
    """
    logging.getLogger(name).setLevel(logging.ERROR)
    answer = (await put(client, name, level="info")).json()
    assert answer == {
        "name": name,
        "level": "INFO",
        "effective_level": "INFO",
        "previous": "ERROR",
        "expires": None,
        "scope": "process",
        "cluster": ALONE,
    }
    assert logging.getLogger(name).level == logging.INFO
    for previous in ("INFO", "ERROR"):  # twice is no error
        answer = (await client.delete(f"logging/loggers/{name}")).json()
        assert answer == {
            "name": name,
            "level": "ERROR",
            "effective_level": "ERROR",
            "previous": previous,
            "expires": None,
            "scope": "process",
            "cluster": ALONE,
        }
    assert logging.getLogger(name).level == logging.ERROR
    assert await listed(client, changed=True, q=name) == []


async def test_a_level_ends_by_itself(client: httpx.AsyncClient, name: str) -> None:
    answer = (await put(client, name, level="DEBUG", ttl=2)).json()
    assert 0 < seconds_until(answer["expires"]) <= 2
    assert logging.getLogger(name).level == logging.DEBUG

    async def has_ended() -> bool:
        return logging.getLogger(name).level == logging.NOTSET

    await eventually(has_ended, what="the end of the level")
    assert await listed(client, changed=True, q=name) == []


@pytest.mark.parametrize(
    ("body", "default", "expected"),
    [
        pytest.param({"level": "DEBUG"}, "10m", 600, id="below INFO: the default"),
        pytest.param({"level": 19}, "1h", 3600, id="a number below INFO"),
        pytest.param({"level": "DEBUG"}, "0", None, id="the default is no end"),
        pytest.param({"level": "INFO"}, "10m", None, id="INFO: no end"),
        pytest.param({"level": "ERROR"}, "10m", None, id="above INFO: no end"),
        pytest.param({"level": "DEBUG", "ttl": None}, "10m", None, id="null: no end"),
        pytest.param({"level": "ERROR", "ttl": 60}, "10m", 60, id="any level may have an end"),
        pytest.param({"level": "DEBUG", "ttl": "PT2H"}, "10m", 7200, id="ISO 8601"),
        pytest.param({"level": "DEBUG", "ttl": "2h30"}, "10m", 9000, id="short"),
        pytest.param({"level": "DEBUG", "ttl": 90.5}, "10m", 90.5, id="half a second"),
        pytest.param({"level": "DEBUG", "ttl": 1}, "10m", 1, id="the shortest"),
        pytest.param({"level": "DEBUG", "ttl": "7d"}, "10m", 604800, id="the longest"),
    ],
)
async def test_how_long(
    client: httpx.AsyncClient, name: str, body: dict[str, Any], default: str, expected: float | None
) -> None:
    config.settings.tools.logging = config.Settings(tools={"logging": {"ttl": default}}).tools.logging
    answer = (await put(client, name, **body)).json()
    if expected is None:
        assert answer["expires"] is None
    else:
        assert expected - 60 < seconds_until(answer["expires"]) <= expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("Trace-Of-Tests", 7),
        ("TRACE-OF-TESTS", 7),
        (7, 7),
        (15, 15),
        ("level 15", 15),
        (50, 50),
        (0, 0),
        ("warn", 30),
    ],
)
async def test_names_and_numbers(
    client: httpx.AsyncClient, name: str, level: str | int, expected: int
) -> None:
    """Standard and registered names in any case, and numbers; the answer has the name of the number."""
    logging.addLevelName(7, "Trace-Of-Tests")
    answer = (await put(client, name, level=level)).json()
    assert answer["level"] == logging.getLevelName(expected)
    assert logging.getLogger(name).level == expected
    overrides = (await client.get("logging/overrides")).json()["overrides"]
    assert [item["level"] for item in overrides if item["name"] == name] == [answer["level"]]
    assert (await put(client, name, level=answer["level"])).json()["level"] == answer["level"]


async def test_renamed_levels(client: httpx.AsyncClient, name: str) -> None:
    """Names that an application gave the levels, with colours for example, are for answers only."""
    before = logging.getLevelName(logging.ERROR)
    logging.addLevelName(logging.ERROR, "\x1b[31mERR\x1b[0m")
    try:
        answer = await put(client, name, level="error")
        assert answer.json()["level"] == "\x1b[31mERR\x1b[0m"
        assert switches.current("level")[name].value == "ERROR"
    finally:
        logging.addLevelName(logging.ERROR, before)


BAD = [
    pytest.param({"level": "LOUD"}, "accepted: CRITICAL", id="unknown level"),
    pytest.param({"level": ""}, "accepted: CRITICAL", id="empty level"),
    pytest.param({"level": "Level 51"}, "accepted: CRITICAL", id="level above 50 by name"),
    pytest.param({"level": 51}, "numbers from 0 to 50", id="level above 50"),
    pytest.param({"level": -1}, "numbers from 0 to 50", id="negative level"),
    pytest.param({"level": True}, "numbers from 0 to 50", id="boolean as level"),
    pytest.param({"level": 10.5}, "numbers from 0 to 50", id="half a level"),
    pytest.param({"level": None}, "numbers from 0 to 50", id="null as level"),
    pytest.param({}, "level", id="no level"),
    pytest.param({"level": "DEBUG", "ttl": 0}, "1 second to 7 days", id="ttl 0"),
    pytest.param({"level": "DEBUG", "ttl": 0.9}, "1 second to 7 days", id="ttl too short"),
    pytest.param({"level": "DEBUG", "ttl": "7d1s"}, "1 second to 7 days", id="ttl too long"),
    pytest.param({"level": "DEBUG", "ttl": -5}, "accepted are ISO 8601", id="negative ttl"),
    pytest.param({"level": "DEBUG", "ttl": 10**30}, "1 second to 7 days|accepted are", id="huge ttl"),
    pytest.param({"level": "DEBUG", "ttl": "soon"}, "accepted are ISO 8601", id="ttl as text"),
    pytest.param({"level": "DEBUG", "ttl": True}, "accepted are ISO 8601", id="ttl as boolean"),
    pytest.param({"level": "DEBUG", "ttl": []}, "accepted are ISO 8601", id="ttl as list"),
    pytest.param({"level": "DEBUG", "reason": "x" * 201}, "200 printable", id="long reason"),
    pytest.param({"level": "DEBUG", "reason": "a\nb"}, "200 printable", id="reason of two lines"),
    pytest.param({"level": "DEBUG", "reason": "a\x1b[2Jb"}, "200 printable", id="terminal escape"),
    pytest.param({"level": "DEBUG", "reason": 5}, "string", id="reason as number"),
    pytest.param({"level": "DEBUG", "scope": ""}, "at least 1", id="empty scope"),
    pytest.param({"level": "DEBUG", "scope": None}, "string", id="null as scope"),
    pytest.param({"level": "DEBUG", "ttl_s": 5}, "ttl_s", id="unknown field"),
]


@pytest.mark.parametrize(("body", "text"), BAD)
async def test_bad_input_changes_nothing(
    client: httpx.AsyncClient, name: str, body: dict[str, Any], text: str
) -> None:
    """The answer says what is accepted."""
    before = _levels.in_force()
    answer = await put(client, name, **body)
    assert answer.status_code == 422
    assert any(part in answer.text for part in text.split("|"))
    assert _levels.in_force() == before
    assert logging.getLogger(name).level == logging.NOTSET


@pytest.mark.parametrize("scope", ["all", "self", "no:such:one"])
async def test_unknown_scope(client: httpx.AsyncClient, name: str, scope: str) -> None:
    """It is the id of no process: those that are known are named, and nothing is changed."""
    answers = [
        await put(client, name, level="DEBUG", scope=scope),
        await client.delete(f"logging/loggers/{name}", params={"scope": scope}),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert all(instances.own_id() in answer.json()["detail"] for answer in answers)
    assert logging.getLogger(name).level == logging.NOTSET


async def test_a_name_that_was_mistyped(client: httpx.AsyncClient, name: str) -> None:
    """The level is set, as the logger may be made later, and the answer says that there is none yet."""
    logging.getLogger(f"{name}.below.child")
    mistyped = (await put(client, f"{name}x", level="ERROR")).json()
    assert mistyped["level"] == "ERROR"
    assert mistyped["warning"].startswith("the process that answers has no logger of this name, or not yet")
    assert f"did you mean {name}" in mistyped["warning"]
    for known in (name, f"{name}.below", "root"):
        assert "no logger" not in (await put(client, known, level="WARNING")).json().get("warning", "")
    ended = await client.delete(f"logging/loggers/{name}y")
    assert "warning" not in ended.json()


@pytest.mark.parametrize("scope", ["process", "own"])
async def test_level_of_one_process(client: httpx.AsyncClient, name: str, scope: str) -> None:
    """It wins over that of the cluster, which is back when it ends; removing all of it ends it, too."""
    own = instances.own_id()
    scope = own if scope == "own" else scope
    await put(client, name, level="ERROR")
    answer = (await put(client, name, level="DEBUG", scope=scope)).json()
    assert (answer["level"], answer["previous"], answer["scope"]) == ("DEBUG", "ERROR", scope)
    answer = (await put(client, name, level="INFO")).json()
    assert answer["level"] == "DEBUG"
    assert "a level of its own" in answer["warning"]
    (logger,) = await listed(client, changed=True, q=name)
    assert (logger["level"], logger["override"]["scope"]) == ("DEBUG", own)
    answer = (await client.delete(f"logging/loggers/{name}", params={"scope": scope})).json()
    assert (answer["level"], answer["previous"]) == ("INFO", "DEBUG")
    await put(client, name, level="DEBUG", scope=scope)
    answer = (await client.delete(f"logging/loggers/{name}")).json()
    assert (answer["level"], answer["previous"]) == ("NOTSET", "DEBUG")
    assert logging.getLogger(name).level == logging.NOTSET


@pytest.mark.parametrize("path", ["root", "a%20b", "with.dots", "%C3%BC"])
async def test_names_in_the_path(client: httpx.AsyncClient, path: str) -> None:
    before = logging.root.level
    answer = await put(client, path, level="ERROR")
    assert answer.status_code == 200
    assert answer.json()["name"] == httpx.URL(f"http://a/{path}").path[1:]
    await client.delete(f"logging/loggers/{path}")
    assert logging.root.level == before


@pytest.mark.parametrize(("path", "status"), [("a%1Bb", 422), ("x" * 201, 422), ("a/b", 404), ("a%2Fb", 404)])
async def test_bad_names_in_the_path(client: httpx.AsyncClient, path: str, status: int) -> None:
    """A name has 200 printable characters at most, and no slash."""
    assert (await put(client, path, level="DEBUG")).status_code == status
    assert (await client.delete(f"logging/loggers/{path}")).status_code == status


async def test_the_root_logger_inherits_from_nobody(client: httpx.AsyncClient) -> None:
    for level in ("NOTSET", 0):
        answer = await put(client, "root", level=level)
        assert (answer.status_code, "no parent" in answer.text) == (422, True)


async def test_anonymous_callers(anonymous: httpx.AsyncClient, name: str) -> None:
    answers = [
        await anonymous.get("logging/loggers"),
        await put(anonymous, name, level="DEBUG"),
        await anonymous.delete(f"logging/loggers/{name}"),
        await anonymous.get("logging/level", params={"name": name, "level": "DEBUG"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert logging.getLogger(name).level == logging.NOTSET


@pytest.mark.parametrize("params", [{"name": "a", "level": "DEBUG"}, {"level": "INFO"}])
async def test_get_changes_nothing(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    """Whoever sets a level with GET, as c2cwsgiutils does, is told to use POST."""
    before = _levels.in_force()
    answer = await client.get("logging/level", params=params)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"].split(", ")
    assert "POST" in answer.json()["detail"]
    assert _levels.in_force() == before


async def test_made_up_names_have_a_quota(client: httpx.AsyncClient, name: str) -> None:
    """As with POST, whatever the scope is; removing what was never set makes no logger."""
    _levels.kind().overrides.made_up.update(f"made-up-{number}" for number in range(200))
    made_up = f"{name}.made-up"
    for scope in ("cluster", "process", instances.own_id()):
        answer = await put(client, made_up, level="INFO", scope=scope)
        assert (answer.status_code, "200 loggers" in answer.text) == (422, True)
    assert (await client.delete(f"logging/loggers/{made_up}")).status_code == 200
    assert made_up not in logging.root.manager.loggerDict


async def test_changes_are_audited(client: httpx.AsyncClient, name: str) -> None:
    """With what was before, what is after, why and until when."""
    await put(client, name, level="DEBUG", reason="INC-42", ttl=60)
    await client.delete(f"logging/loggers/{name}")
    events = (await client.get("audit")).json()["events"]
    removed, was_set = [event for event in events if event["target"] == name]
    assert {was_set["action"], removed["action"]} == {"logging.level"}
    assert (was_set["before"], removed["before"]) == ("NOTSET", "DEBUG")
    for part in ('"level": "DEBUG"', '"reason": "INC-42"', '"expires": "20', '"scope": "process"'):
        assert part in was_set["after"]
    assert '"level": null' in removed["after"]


async def test_values_of_other_releases_are_left_out(client: httpx.AsyncClient, name: str) -> None:
    """What this release cannot apply breaks no view."""

    class Newer(switches.Kind):
        name = "level"

        def apply(self, changes: Any) -> None:
            pass

    present = _levels.kind()
    switches.register(Newer())
    await switches.put("level", name, {"level": "DEBUG", "of": "a newer release"})
    switches.register(present)
    assert (await client.get("logging/overrides")).json()["overrides"] == []
    assert await listed(client, changed=True) == []
    assert name not in (await client.get("")).text
