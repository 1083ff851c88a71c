"""The time line of one process, without Redis."""

import datetime

import httpx
import pytest

from c2casgiutils import auth, config, instances
from c2casgiutils.health_checks import FACTORY, Check, Result

FIELDS = {"at", "kind", "who", "what", "before", "after", "reason", "instance"}


class Switched(Check):
    """A check that works when its test wants it."""

    works = True

    async def check(self) -> Result:
        """Fail or pass."""
        if not self.works:
            raise RuntimeError("made up\nin two lines")
        return Result()


@pytest.fixture
def check() -> Switched:
    check = Switched()
    FACTORY.clear()
    FACTORY.add(check, name="switched", ttl=0)
    return check


async def test_start_of_the_process(client: httpx.AsyncClient) -> None:
    """A process joins and becomes ready; the newest event is the first."""
    instances.note_serving()
    body = (await client.get("events")).json()
    own = instances.own_id()
    assert [set(event) for event in body["events"]] == [FIELDS] * 2
    told = [(event["kind"], event["before"], event["after"]) for event in body["events"]]
    assert told == [("state", "starting", "ready"), ("join", None, "starting")]
    assert {(event["what"], event["instance"], event["who"]) for event in body["events"]} == {
        (own, own, None)
    }
    assert (body["scope"], body["complete"], body["more"]) == ("process", True, False)


async def test_change_is_an_event_with_its_reason(client: httpx.AsyncClient) -> None:
    await client.put("logging/loggers/c2c.of.the.test", json={"level": "DEBUG", "reason": "INC-1"})
    (event,) = (await client.get("events?kind=audit")).json()["events"]
    assert (event["kind"], event["who"], event["reason"]) == ("audit", "secret", "INC-1")
    assert event["what"] == "logging.level c2c.of.the.test"
    assert "level DEBUG" in event["after"]
    assert "INC-1" not in event["after"]
    assert event["instance"] == instances.own_id()


async def test_event_without_values(client: httpx.AsyncClient) -> None:
    """What is not there is null."""
    await auth.audit.record("test")
    (event,) = (await client.get("events?kind=audit")).json()["events"]
    assert (event["what"], event["before"], event["after"], event["reason"]) == ("test", None, None, None)


async def test_changes_of_a_check(client: httpx.AsyncClient, check: Switched) -> None:
    """A first success is no event; what follows is, once for each change."""
    for works in (True, False, False, True):
        check.works = works
        await FACTORY.check()
    found = (await client.get("events?kind=check")).json()["events"]
    assert [(event["what"], event["before"], event["after"], event["reason"]) for event in found] == [
        ("switched", "fail", "pass", None),
        ("switched", "pass", "fail", "made up"),
    ]


async def test_hidden_details_of_checks(client: httpx.AsyncClient, check: Switched) -> None:
    """The reason is a detail of the check."""
    config.settings.health.details = "never"
    check.works = False
    await FACTORY.check()
    (event,) = (await client.get("events?kind=check")).json()["events"]
    assert (event["after"], event["reason"]) == ("fail", None)


async def test_names_are_for_administrators(callers: dict[str, httpx.AsyncClient]) -> None:
    for client in callers.values():
        await client.put("logging/loggers/c2c.of.the.test", json={"level": "DEBUG"})
    for name, seen in (("admin", {"admin", "push"}), ("push", {"somebody"})):
        answer = await callers[name].get("events?kind=audit")
        assert {event["who"] for event in answer.json()["events"]} == seen


async def test_names_in_values_are_for_administrators(callers: dict[str, httpx.AsyncClient]) -> None:
    """The maintenance names who began it in its value before."""
    await callers["admin"].put("db/maintenance", json={"readonly": True, "reason": "INC-2"})
    await callers["admin"].delete("db/maintenance")
    for name, is_told in (("admin", True), ("push", False)):
        found = (await callers[name].get("events?kind=audit")).json()["events"]
        assert [event["what"] for event in found] == ["db.maintenance", "db.maintenance"]
        assert ("by admin" in found[0]["before"]) is is_told
        assert found[1]["reason"] == "INC-2"
        assert any("admin" in str(value) for value in found[0].values()) is is_told


async def test_anonymous_callers(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("events")).status_code == 403


@pytest.mark.parametrize(
    ("since", "is_shown"),
    [
        ("", True),
        ("1h", True),
        ("PT1H", True),
        ("2000-01-01", True),
        ("2000-01-01T00:00:00Z", True),
        ("2000-01-01T00:00:00+01:00", True),
        ("2000-01-01T00:00:00%2B01:00", True),
        ("9999-12-31T23:59:59-12:00", False),
        ("0001-01-01T00:00:00%2B12:00", True),
        ("0", False),
    ],
)
async def test_since(client: httpx.AsyncClient, since: str, is_shown: bool) -> None:
    """A time or a duration; an empty one is absent."""
    answer = await client.get(f"events?since={since}&kind=")
    assert answer.status_code == 200
    assert bool(answer.json()["events"]) is is_shown


async def test_since_the_last_event(client: httpx.AsyncClient) -> None:
    """A client that polls passes the time of the last event, which it gets again."""
    await auth.audit.record("test", target="first")
    (event,) = (await client.get("events?kind=audit")).json()["events"]
    await auth.audit.record("test", target="second")
    found = (await client.get("events", params={"since": event["at"], "kind": "audit"})).json()["events"]
    assert [each["what"] for each in found] == ["test second", "test first"]


async def test_until(client: httpx.AsyncClient) -> None:
    """The events up to a moment, that one included: the way to those that are not in an answer."""
    for number in range(3):
        instances.record_event("check", f"check {number}", after="fail")
    events = (await client.get("events?kind=check")).json()["events"]
    older = await client.get("events", params={"kind": "check", "until": events[1]["at"]})
    assert older.json()["events"] == events[1:]
    assert (await client.get("events?until=1h")).json()["events"] == []


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("since=yesterday", "90m"),
        ("until=yesterday", "90m"),
        ("since=-5m", "90m"),
        ("since=2025-13-01", "90m"),
        ("since=" + "9" * 400, "90m"),
        ("kind=party", "loss"),
        ("kind=%00", "loss"),
    ],
)
async def test_bad_values(client: httpx.AsyncClient, query: str, accepted: str) -> None:
    """422 says what is accepted."""
    answer = await client.get(f"events?{query}")
    assert answer.status_code == 422
    assert accepted in answer.text


async def test_bounded(client: httpx.AsyncClient) -> None:
    """At most 500 events are shown, and the answer says that there are more."""
    for number in range(600):
        instances.record_event("check", f"check {number}", after="fail")
    body = (await client.get("events?kind=check")).json()
    assert (len(body["events"]), body["more"]) == (500, True)
    assert body["events"][0]["what"] == "check 599"


async def test_flood_does_not_displace_others(client: httpx.AsyncClient) -> None:
    for number in range(3000):
        instances.record_event("check", "flapping", after=str(number))
    assert [event["kind"] for event in (await client.get("events?kind=join")).json()["events"]] == ["join"]


async def test_long_and_hostile_texts(client: httpx.AsyncClient) -> None:
    """Texts are cut, and cannot inject lines."""
    instances.record_event("check", "a" * 1000, after="\x1b[2J", reason="b" * 1000)
    (event,) = (await client.get("events?kind=check")).json()["events"]
    assert (len(event["what"]), len(event["reason"]), event["after"]) == (300, 300, "\ufffd[2J")


async def test_changes_of_the_state(client: httpx.AsyncClient) -> None:
    """The same state again is no event."""
    before = datetime.datetime.now(datetime.UTC).isoformat()
    instances.set_state("draining")
    instances.set_state("draining")
    found = (await client.get("events", params={"since": before, "kind": "state"})).json()["events"]
    assert [event["after"] for event in found] == ["draining"]
