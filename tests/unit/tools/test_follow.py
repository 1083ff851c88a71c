"""The views with which somebody follows requests, without Redis."""

import datetime
import logging
import re
from typing import Any

import httpx
import pytest

from c2casgiutils import follow, logs
from tests.support.net import eventually
from tests.unit.follow.test_interception import request


async def start(client: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await client.post("logging/follow", json=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_answer(client: httpx.AsyncClient) -> None:
    """A follow has an id, a token in two forms, and an end ten minutes later."""
    answer = await client.post("logging/follow")
    reply = answer.json()
    assert set(reply) == {"id", "token", "header", "cookie", "expires", "scope", "warning", "cluster"}
    assert len(reply["token"]) >= 32
    assert reply["cookie"] == f"{follow.COOKIE}={reply['token']}"
    left = datetime.datetime.fromisoformat(reply["expires"]) - datetime.datetime.now(datetime.UTC)
    assert 590 < left.total_seconds() <= 600
    assert reply["expires"].endswith("Z")
    assert reply["scope"] == "process"
    assert reply["cluster"]["complete"]
    assert reply["id"] not in reply["token"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({}, "httpx logs"),
        ({"level": "WARNING"}, None),
        ({"logger": "httpx", "level": "info"}, "httpx logs"),
        ({"logger": "sqlalchemy"}, "sqlalchemy.engine logs"),
        ({"logger": "sqlalchemy.engine.Engine"}, "sqlalchemy.engine logs"),
        ({"logger": "my_app"}, None),
        ({"logger": "root"}, "httpx logs"),
    ],
)
async def test_lines_that_may_hold_secrets(
    client: httpx.AsyncClient, wanted: dict[str, str], told: str | None
) -> None:
    """The answer warns of loggers that are known to write them."""
    reply = await start(client, **wanted)
    assert ("warning" in reply) is (told is not None)
    assert (told or "") in reply.get("warning", "")


ACCEPTED = [{"ttl": "1s"}, {"ttl": 3600}, {"ttl": "PT5M"}, {"level": "info"}, {"level": 0}, {"logger": "a.b"}]
REFUSED = [
    ({"ttl": "900ms"}, "1 second to 1 hour"),
    ({"ttl": 3601}, "1 second to 1 hour"),
    ({"ttl": None}, ""),
    ({"ttl": True}, ""),
    ({"ttl": "soon"}, ""),
    ({"level": "LOUD"}, "CRITICAL"),
    ({"level": 51}, "numbers from 0 to 50"),
    ({"level": -1}, "numbers from 0 to 50"),
    ({"logger": "a\nb"}, "printable"),
    ({"logger": "x" * 201}, "200"),
    ({"logger": None}, ""),
    ({"name": "x"}, ""),
    ([], ""),
]


@pytest.mark.parametrize("wanted", ACCEPTED, ids=str)
async def test_accepted(client: httpx.AsyncClient, wanted: dict[str, Any]) -> None:
    reply = await start(client, **wanted)
    ended = await client.delete(f"logging/follow/{reply['id']}")
    assert (ended.status_code, ended.json()["scope"], reply["scope"]) == (200, "process", "process")


@pytest.mark.parametrize(("wanted", "told"), REFUSED, ids=[str(case[0])[:40] for case in REFUSED])
async def test_refused(client: httpx.AsyncClient, wanted: Any, told: str) -> None:
    """What is not accepted is 422 and says what is; nothing is followed."""
    factory = logging.getLogRecordFactory()
    answer = await client.post("logging/follow", json=wanted)
    assert answer.status_code == 422
    assert told in answer.text
    assert logging.getLogRecordFactory() is factory


@pytest.mark.parametrize("after", ["x", "1-", "-1", "1-2-3", "9" * 30])
async def test_places_that_are_none(client: httpx.AsyncClient, after: str) -> None:
    """They are 422, as `after` and as the header of browsers."""
    path = f"logging/follow/{(await start(client))['id']}"
    answer = await client.get(path, params={"after": after})
    assert answer.status_code == 422
    assert "1700000000000-0" in answer.text
    answer = await client.get(path, headers={"Last-Event-ID": after})
    assert answer.status_code == 422


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("id_", ["unknown", "0123456789abcdef", "x" * 100, "%F0%9F%98%80"])
async def test_an_unknown_id(client: httpx.AsyncClient, method: str, id_: str) -> None:
    answer = await client.request(method, f"logging/follow/{id_}?after=")
    assert answer.status_code == 404
    assert "Nothing is followed" in answer.text


async def poll(client: httpx.AsyncClient, id_: str) -> list[dict[str, Any]]:
    """Return the lines, once there are some."""
    lines: list[dict[str, Any]] = []

    async def came() -> bool:
        answer = await client.get(f"logging/follow/{id_}", params={"after": ""})
        assert answer.status_code == 200, answer.text
        lines[:] = answer.json()["lines"]
        return bool(lines)

    await eventually(came, what="the line")
    return lines


async def test_the_root_logger_means_all(client: httpx.AsyncClient) -> None:
    """As a level of the root logger applies to all, `root` follows all, its own lines included."""
    reply = await start(client, logger="root", level="WARNING")
    with request((b"x-c2c-follow", reply["token"].encode())):
        logging.getLogger("followed.child").warning("one")
        logging.root.warning("two")
    assert [line["logger"] for line in await poll(client, reply["id"])] == ["followed.child", "root"]


async def test_any_text(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lone surrogates, as in names of files, are escaped."""
    reply = await start(client, level="WARNING")
    logger = logging.getLogger("followed.files")
    monkeypatch.setattr(logger, "propagate", False)  # pytest-xdist cannot send them in a report
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    with request((b"x-c2c-follow", reply["token"].encode())):
        logger.warning("no file %s", "n\udce9e é")
    (line,) = await poll(client, reply["id"])
    assert line["message"] == "no file n\\udce9e é"


async def test_strangers(anonymous: httpx.AsyncClient) -> None:
    """Without a sign-in all of it is refused, whether or not the id exists."""
    for method, path in (("POST", ""), ("GET", "/x"), ("DELETE", "/x")):
        assert (await anonymous.request(method, f"logging/follow{path}")).status_code == 403


async def test_other_sites(client: httpx.AsyncClient) -> None:
    """A page of another site cannot make a browser follow."""
    answer = await client.post("logging/follow", json={}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 200  # with the secret in a header, which no page of another site can add
    del client.headers["X-API-Key"]
    answer = await client.post("logging/follow", json={}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403


async def test_at_most_20(client: httpx.AsyncClient) -> None:
    """The 21st is refused until one ends; the answer says which there are, whose, and until when."""
    replies = [await start(client, level="CRITICAL", ttl=3600 - number) for number in range(20)]
    answer = await client.post("logging/follow", json={})
    assert answer.status_code == 409
    told = answer.json()["detail"]
    listed = [f"{one['id']} of secret until {one['expires'][:19]}Z" for one in reversed(replies)]
    assert told == f"20 follows are active already; end one of them: {', '.join(listed)}"
    await client.delete(f"logging/follow/{replies[0]['id']}")
    await start(client)


async def test_the_audit(client: httpx.AsyncClient) -> None:
    """Start and end are recorded, without the token."""
    reply = await start(client, level="INFO", logger="my_app", ttl="1m")
    await client.delete(f"logging/follow/{reply['id']}")
    answer = await client.get("audit")
    events = [event for event in answer.json()["events"] if event["target"] == reply["id"]]
    assert [event["action"] for event in events] == ["logging.unfollow", "logging.follow"]
    assert {event["result"] for event in events} == {"ok"}
    assert events[1]["after"] == '{"level": "INFO", "logger": "my_app", "ttl": 60.0}'
    assert reply["token"] not in answer.text


async def test_head_ends(client: httpx.AsyncClient) -> None:
    """The stream is not opened for a request that wants no body."""
    reply = await start(client)
    answer = await client.head(f"logging/follow/{reply['id']}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_levels_that_views_show(client: httpx.AsyncClient) -> None:
    """During a follow all views show the levels that the loggers have, and set and reset them."""
    logger = logging.getLogger("followed_by_views")
    logger.setLevel(logging.ERROR)
    path = f"logging/loggers/{logger.name}"
    reply = await start(client)
    try:
        assert logger.isEnabledFor(logging.DEBUG)
        listed = (await client.get("logging/loggers", params={"q": logger.name})).json()["loggers"]
        assert [(one["level"], one["configured_level"]) for one in listed] == [("ERROR", "ERROR")]
        level = (await client.get("logging/level", params={"name": logger.name})).json()
        assert (level["level"], level["effective_level"]) == ("ERROR", "ERROR")
        changed = (await client.put(path, json={"level": "INFO"})).json()
        assert (changed["previous"], changed["level"]) == ("ERROR", "INFO")
        assert logger.isEnabledFor(logging.DEBUG)
        assert logs.effective_level(logger) == logging.INFO
        reset = (await client.delete(path)).json()
        assert (reset["previous"], reset["level"]) == ("INFO", "ERROR")
        await client.put(path, json={"level": "WARNING"})
    finally:
        await client.delete(f"logging/follow/{reply['id']}")
    assert (type(logger.level), logger.level) == (int, logging.WARNING)
    await client.delete(path)
    assert logger.level == logging.ERROR
    logger.setLevel(logging.NOTSET)


async def test_the_token_is_a_secret(client: httpx.AsyncClient) -> None:
    """The view of the headers does not show it."""
    reply = await start(client)
    headers = {"X-C2C-Follow": reply["token"], "Cookie": reply["cookie"]}
    answer = await client.get("headers/", headers=headers)
    assert answer.status_code == 200
    assert re.search("x-c2c-follow", answer.text, re.IGNORECASE)
    assert reply["token"] not in answer.text
    assert logs.redact(f"got X-C2C-Follow: {reply['token']}") == "got X-C2C-Follow: ***"
    assert logs.redact(f"got {reply['cookie']}") == f"got {follow.COOKIE}=***"
