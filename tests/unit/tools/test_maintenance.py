"""The views of the maintenance of the databases, in one process without Redis."""

import datetime
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from c2casgiutils import db, instances, switches
from tests.support.db_app import execute

PATH = "db/maintenance"
JSON = {"Content-Type": "application/json"}


def seconds_until(text: str) -> float:
    assert text.endswith("Z")
    return (datetime.datetime.fromisoformat(text) - datetime.datetime.now(datetime.UTC)).total_seconds()


def off(cluster: dict[str, Any]) -> dict[str, Any]:
    """The answer of one process without maintenance."""
    nothing = dict.fromkeys(("since", "expires", "by", "reason"))
    own = {"id": instances.own_id(), "readonly": False, "transactions": 0}
    return {"readonly": False, **nothing, "processes": [own], "cluster": cluster}


async def test_begin_and_end(client: httpx.AsyncClient) -> None:
    """Each answer has the state, who began it and why, and what each process has; each may be repeated."""
    answer = (await client.get(PATH)).json()
    cluster = answer["cluster"]
    assert (cluster["complete"], cluster["applied"], cluster["of"]) == (True, 1, 1)
    assert answer == off(cluster)
    for reason in ("first", "second"):
        begun = await client.put(PATH, json={"readonly": True, "ttl": "1h", "reason": reason})
        assert begun.status_code == 200
        assert begun.json() == (await client.get(PATH)).json()
        told = begun.json()
        assert 3590 < seconds_until(told["expires"]) <= 3600
        assert -10 < seconds_until(told["since"]) <= 0.1
        own = {"id": instances.own_id(), "readonly": True, "transactions": 0}
        assert told == {
            **off(told["cluster"]),
            "readonly": True,
            "since": told["since"],
            "expires": told["expires"],
            "by": "secret",
            "reason": reason,
            "processes": [own],
        }
    for request in (client.delete(PATH), client.delete(PATH)):
        ended = await request
        assert (ended.status_code, ended.json()) == (200, off(cluster))
    assert (await client.put(PATH, json={"readonly": False})).json() == off(cluster)


async def test_no_end_by_default(client: httpx.AsyncClient) -> None:
    """Nor with null, and a second beginning replaces the end of the first."""
    for body, is_endless in (({}, True), ({"ttl": 60}, False), ({"ttl": None}, True)):
        answer = (await client.put(PATH, json={"readonly": True, **body})).json()
        assert (answer["expires"] is None) is is_endless
        assert answer["reason"] is None


TTL = "a ttl must be from 1 second to 7 days, or null for no end"
WAIT = "a wait must be from 0 seconds to 5 minutes"
REASON = "a reason must have at most 200 printable characters"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Field required"),
        ({"readonly": "yes"}, "valid boolean"),
        ({"readonly": "true"}, "valid boolean"),
        ({"readonly": 1}, "valid boolean"),
        ({"readonly": None}, "valid boolean"),
        ({"readonly": True, "ttl": 0.9}, TTL),
        ({"readonly": True, "ttl": 7 * 86400 + 1}, TTL),
        ({"readonly": True, "ttl": -5}, "Invalid time delta"),
        ({"readonly": True, "ttl": "8d"}, TTL),
        ({"readonly": True, "ttl": 10**400}, "ttl"),
        ({"readonly": True, "ttl": True}, "Invalid time delta"),
        ({"readonly": True, "ttl": [60]}, "Invalid time delta"),
        ({"readonly": True, "ttl": "\udcff"}, "Invalid time delta"),
        ({"readonly": True, "wait": 301}, WAIT),
        ({"readonly": True, "wait": -1}, "Invalid time delta"),
        ({"readonly": True, "wait": 10**400}, "wait"),
        ({"readonly": True, "wait": "soon"}, "Invalid time delta"),
        ({"readonly": True, "reason": "x" * 201}, REASON),
        ({"readonly": True, "reason": "a\nb"}, REASON),
        ({"readonly": True, "reason": "\udcff"}, REASON),
        ({"readonly": True, "until": "tomorrow"}, "Extra inputs are not permitted"),
        ({"readonly": False, "ttl": 60}, "ttl and wait are only for the beginning (readonly true)"),
        ({"readonly": False, "wait": 60}, "ttl and wait are only for the beginning (readonly true)"),
    ],
)
async def test_bad_requests(client: httpx.AsyncClient, body: dict[str, Any], text: str) -> None:
    """422 says what is accepted, and nothing changes."""
    answer = await client.put(PATH, content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422
    assert text in answer.text
    assert db.maintenance() is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_that_are_none(client: httpx.AsyncClient, number: str) -> None:
    """They are refused as well."""
    for field in ("ttl", "wait"):
        body = f'{{"readonly": true, "{field}": {number}}}'
        answer = await client.put(PATH, content=body, headers=JSON)
        assert answer.status_code == 422, answer.text


async def test_a_reason_with_a_secret(client: httpx.AsyncClient) -> None:
    """It is masked before it is stored, shown and recorded."""
    password = "hunter2hunter2"
    body = {"readonly": True, "reason": f"see postgresql://admin:{password}@host/db"}
    answer = await client.put(PATH, json=body)
    assert answer.json()["reason"].startswith("see postgresql://")
    texts = [answer.text, (await client.get("audit")).text, (await client.get(PATH)).text]
    assert all(password not in text for text in texts)


async def test_transactions_that_run(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """They are counted in every answer; a wait ends after its time, and says how many are left."""
    database = db.Database(f"sqlite:///{tmp_path}/test.db")
    async with database.session_scope(read_write=True) as session:
        await execute(session, "CREATE TABLE item (name text)")
        for body in ({}, {"wait": 0.1}, {"wait": "PT0.1S"}):
            answer = await client.put(PATH, json={"readonly": True, **body})
            assert [process["transactions"] for process in answer.json()["processes"]] == [1]
    answer = await client.put(PATH, json={"readonly": True, "wait": "5m"})
    assert [process["transactions"] for process in answer.json()["processes"]] == [0]
    await database.aclose()


async def test_the_audit_log(client: httpx.AsyncClient) -> None:
    """It has who, the state before and after, and the result."""
    await client.put(PATH, json={"readonly": True, "reason": "new disks", "ttl": 60})
    await client.delete(PATH)
    ended, begun = (await client.get("audit")).json()["events"][:2]
    assert (begun["action"], begun["who"], begun["result"]) == ("db.maintenance", "secret", "ok")
    assert (begun["before"], begun["after"]) == (
        '{"readonly": false}',
        '{"readonly": true, "ttl": 60.0, "reason": "new disks"}',
    )
    assert ended["after"] == '{"readonly": false}'
    assert ended["before"].startswith('{"readonly": true, "by": "secret", "reason": "new disks", "expires": ')


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_strangers(anonymous: httpx.AsyncClient, method: str) -> None:
    """They see and change nothing."""
    await switches.put("maintenance", "", value=True)
    answer = await anonymous.request(method, PATH, json={"readonly": False})
    assert answer.status_code == 403
    assert db.maintenance() is not None
