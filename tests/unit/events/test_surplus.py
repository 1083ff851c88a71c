"""Which events make room for later ones."""

import pytest

from c2casgiutils.events import LEFT, MAX_EVENTS, surplus

FLOOD = [("check", "flapping")] * MAX_EVENTS
MANY = [("join", str(number)) for number in range(MAX_EVENTS)]


@pytest.mark.parametrize(
    ("paths", "dropped"),
    [
        pytest.param(FLOOD, [], id="room"),
        pytest.param([("loss", "a"), *FLOOD], range(1, 102), id="one before a flood"),
        pytest.param([("check", "other"), *FLOOD], range(1, 102), id="of the same kind"),
        pytest.param([("loss", "a"), *MANY], range(1, 102), id="many of another kind"),
        pytest.param([*MANY, ("join", "one more")], range(101), id="all alike: the oldest"),
    ],
)
def test_flood_loses_its_oldest_events(paths: list[tuple[str, str]], dropped: range) -> None:
    assert sorted(surplus(paths)) == list(dropped)
    assert len(paths) - len(dropped) in (LEFT, MAX_EVENTS)
