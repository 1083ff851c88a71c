"""Which events make room for later ones."""

import datetime

import pytest

from c2casgiutils.auth import _audit_lists
from c2casgiutils.auth._audit_lists import AuditEvent

FULL = _audit_lists.MAX_EVENTS
LEFT = 900
NOW = datetime.datetime.now(datetime.UTC)


def event(
    target: str, *, who: str = "octocat", action: str = "logging.level", method: str = "github_oauth"
) -> AuditEvent:
    return AuditEvent(at=NOW, who=who, method=method, action=action, target=target)


FLOOD = [event("flood")] * FULL
NAMED = [event("flood", who=f"name {number}", method="secret") for number in range(FULL)]
MANY = [event(f"id {number}", action="logging.follow") for number in range(FULL)]


@pytest.mark.parametrize(
    ("events", "dropped"),
    [
        pytest.param(FLOOD, [], id="room"),
        pytest.param([event("a"), *FLOOD], range(1, 102), id="one before a flood"),
        pytest.param([event("flood", who="other"), *FLOOD], range(1, 102), id="of another user"),
        pytest.param([event("flood", action="drain"), *FLOOD], range(1, 102), id="another action"),
        pytest.param([None, *FLOOD], range(1, 102), id="nonsense"),
        pytest.param([event(str(number)) for number in range(FULL + 1)], range(101), id="all different"),
        pytest.param([event("a"), *MANY], range(1, 102), id="many targets of another action"),
        pytest.param([event("a", who="other"), *MANY], range(1, 102), id="many targets of another user"),
        pytest.param([event("a", method="secret"), *NAMED], range(1, 102), id="under many unverified names"),
        pytest.param([event("a"), event("b")] * 501, range(102), id="two floods"),
    ],
)
def test_surplus(events: list[AuditEvent | None], dropped: range) -> None:
    """The most frequent change loses its oldest events."""
    assert sorted(_audit_lists.surplus(events)) == list(dropped)


def test_list_of_a_process_is_bounded() -> None:
    """Also by changes that each replace the event of their beginning."""
    events = [event("first")]
    for number in range(FULL + 250):
        begun = event("flood").model_copy(update={"request_id": str(number)})
        _audit_lists.keep(events, begun, None)
        _audit_lists.keep(events, begun.model_copy(update={"result": "1/1"}), begun)
    assert events[0].target == "first"
    assert {entry.result for entry in events[1:]} == {"1/1"}
    assert LEFT <= len(events) <= FULL
