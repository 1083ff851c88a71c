"""Switches of one process, without Redis."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from c2casgiutils import broadcast, instances, switches
from c2casgiutils.switches import Setting
from c2casgiutils.switches._desired import Desired
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._entry import Codec
from c2casgiutils.switches._state import State
from c2casgiutils.switches._switches import Switches
from tests.support.net import eventually


class Colours(switches.Kind):
    """A kind for the tests."""

    name = "test_colour"

    def __init__(self) -> None:
        self.painted: dict[str, Any] = {}
        self.calls: list[Mapping[str, Setting | None]] = []
        self.is_broken = False

    def check(self, key: str, value: Any) -> None:
        if value not in ("red", "blue"):
            raise ValueError("red or blue")

    def admit(self, key: str, value: Any) -> None:
        if key == "thirteenth door":
            raise ValueError("no more doors")

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        if self.is_broken:
            raise RuntimeError("no paint")
        self.calls.append(changes)
        for key, setting in changes.items():
            self.painted[key] = None if setting is None else setting.value


class Picky(Colours):
    """A kind that names the values it rejects."""

    def check(self, key: str, value: Any) -> None:
        raise ValueError(f"not a colour: {value}")


async def painted(colours: Colours, expected: dict[str, Any]) -> None:
    """Wait until this is painted."""

    async def is_painted() -> bool:
        return colours.painted == expected

    await eventually(is_painted, what=f"{expected}")


@pytest.fixture
async def colours(local_broadcast: None) -> AsyncIterator[Colours]:
    """The kind, registered and started."""
    kind = switches.register(Colours())
    await switches.startup()
    yield kind
    await switches.shutdown()


async def test_put_and_remove(colours: Colours) -> None:
    """A value is applied, told with all that is known of it, and ends when it is removed."""
    change = await switches.put("test_colour", "door", "red", by="alice", reason="a test")
    assert colours.painted == {"door": "red"}
    setting = switches.current("test_colour")["door"]
    assert (setting.value, setting.by, setting.reason, setting.scope) == ("red", "alice", "a test", "cluster")
    assert setting.version == change.version == switches.version()
    assert change.report.model_dump(by_alias=True).items() >= {"applied": 1, "of": 1, "behind": []}.items()
    await switches.remove("test_colour", "door")
    assert colours.painted == {"door": None}
    assert switches.current("test_colour") == {}
    await switches.remove("test_colour", "door")


@pytest.mark.parametrize("is_of_cluster", [True, False])
async def test_a_reason_is_kept_masked(colours: Colours, is_of_cluster: bool) -> None:
    """Secrets in it are masked before it is kept, and a masked reason is still short enough to be stored."""
    to = None if is_of_cluster else [instances.own_id()]
    await switches.put(
        "test_colour", "door", "red", reason="token ghp_" + "a" * 36 + " password=hunter2", to=to
    )
    reason = switches.current("test_colour")["door"].reason
    assert reason is not None
    assert reason.startswith("token ")
    assert "hunter2" not in reason
    assert "a" * 36 not in reason
    await switches.put("test_colour", "door", "red", reason="a" * 189 + " password=x", to=to)
    reason = switches.current("test_colour")["door"].reason
    assert reason is not None
    assert len(reason) == 200


@pytest.mark.parametrize("reason", ["x" * 201, "a\nb"])
async def test_a_reason_that_is_refused(colours: Colours, reason: str) -> None:
    """A reason for one instance has the same limits as one for all."""
    for to in (None, [instances.own_id()]):
        with pytest.raises(switches.SwitchRefusedError, match="reason must have at most 200 printable"):
            await switches.put("test_colour", "door", "red", reason=reason, to=to)
    assert colours.painted == {}


async def test_until_when_older_values_last(local_broadcast: None) -> None:
    """Each value is stored with the time when all older ones of its key have ended."""
    state = State({"test_colour": Colours()})
    found: list[float | None] = [0.0]
    for ttl in (60, 600, 60, None, 60):
        entry = state.make("test_colour:door", Draft("red", ttl=ttl))
        assert entry.older == found[-1]
        state.take([entry])
        found.append(entry.all_ended())
    assert found[3] == found[2]
    assert found[4:] == [None, None]
    state.stop()


async def test_versions_grow(colours: Colours) -> None:
    """Also when changes come faster than the clock."""
    versions = [(await switches.put("test_colour", "door", "red")).version for _ in range(50)]
    assert versions == sorted(set(versions))


async def test_a_value_ends_by_itself(colours: Colours) -> None:
    """The timer of the process applies the end."""
    await switches.put("test_colour", "door", "red", ttl=0.2)
    await switches.put("test_colour", "wall", "blue", ttl=600)
    await painted(colours, {"door": None, "wall": "blue"})
    assert list(switches.current("test_colour")) == ["wall"]


@pytest.mark.parametrize("number", [math.nan, math.inf, -1, True, "60"])
@pytest.mark.parametrize("name", ["ttl", "seconds"])
async def test_numbers_of_seconds_that_are_none(colours: Colours, name: str, number: Any) -> None:
    """The error names the argument and says what is accepted; nothing is changed."""
    for to in (None, [instances.own_id()]):
        with pytest.raises(ValueError, match=f"{name} is .*; it must be a number of seconds"):
            await switches.put("test_colour", "door", "red", to=to, **{name: number})
    if name == "seconds":
        with pytest.raises(ValueError, match="seconds is"):
            await switches.remove("test_colour", "door", seconds=number)
        with pytest.raises(ValueError, match="seconds is"):
            await switches.refresh(seconds=number)
    assert colours.painted == {}


async def test_a_time_that_no_calendar_has(colours: Colours) -> None:
    """A value has to end before the year 9999, or have no end."""
    with pytest.raises(ValueError, match="ttl is 1000000000000"):
        await switches.put("test_colour", "door", "red", ttl=1e12)
    assert colours.painted == {}


async def test_the_value_of_one_instance_wins(colours: Colours) -> None:
    """When it ends, the value of the cluster is in force again."""
    own = instances.own_id()
    await switches.put("test_colour", "door", "red")
    await switches.put("test_colour", "door", "blue", to=[own], ttl=2)
    await switches.put("test_colour", "door", "red")
    assert colours.painted == {"door": "blue"}
    assert switches.current("test_colour")["door"].scope == own
    await painted(colours, {"door": "red"})


async def test_the_value_of_one_instance_is_removed(colours: Colours) -> None:
    """Only its own one."""
    own = [instances.own_id()]
    await switches.put("test_colour", "door", "red")
    await switches.put("test_colour", "door", "blue", to=own)
    change = await switches.remove("test_colour", "door", to=own)
    assert change.instances == own
    assert colours.painted == {"door": "red"}


async def test_an_unknown_instance_is_missing(colours: Colours) -> None:
    """Nothing is changed here."""
    change = await switches.put("test_colour", "door", "red", to=["elsewhere:1:ab"])
    assert (change.instances, change.report.complete) == ([], False)
    assert colours.painted == {}


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        pytest.param("test_colour", "green", "red or blue", id="value"),
        pytest.param("test_colour", None, "null is not a value", id="null"),
        pytest.param("no_such", "red", "no_such is not a kind of switches; known: .*test_colour", id="kind"),
    ],
)
async def test_bad_input(colours: Colours, kind: str, value: Any, problem: str) -> None:
    """Nothing is changed, and the error says what is accepted."""
    with pytest.raises(ValueError, match=problem):
        await switches.put(kind, "door", value)
    assert colours.calls == []


async def test_there_is_room_for_2000(colours: Colours) -> None:
    """One more is refused; those that are there can still be changed."""
    for number in range(2000):
        await switches.put("test_colour", str(number), "red")
    with pytest.raises(switches.TooManySwitchesError, match="2000"):
        await switches.put("test_colour", "more", "red")
    await switches.put("test_colour", "7", "blue")
    await switches.remove("test_colour", "8")
    await switches.put("test_colour", "more", "red")


async def test_a_kind_that_is_registered_late_is_applied(local_broadcast: None) -> None:
    """What is known already is obeyed at once, also by one that takes the place of another."""
    switches.register(Colours())
    await switches.put("test_colour", "door", "red")
    late = switches.register(Colours())
    assert late.painted == {"door": "red"}
    await switches.shutdown()


async def test_a_kind_that_fails_is_told(colours: Colours, caplog: pytest.LogCaptureFixture) -> None:
    """The value counts as not applied until the kind works again."""
    colours.is_broken = True
    await switches.put("test_colour", "door", "red")
    assert switches.refused() == {"test_colour:door"}
    assert switches.current("test_colour") == {}
    assert list(switches.desired("test_colour")) == ["door"]
    assert "could not be applied" in caplog.text
    colours.is_broken = False
    await switches.put("test_colour", "door", "red")
    assert switches.refused() == set()
    assert list(switches.current("test_colour")) == ["door"]
    assert colours.painted == {"door": "red"}


@pytest.mark.parametrize("kind", ["unknown", "test_colour"])
@pytest.mark.parametrize("is_malformed", [True, False], ids=["malformed", "not applied"])
async def test_the_names_of_stored_switches_are_masked_and_cut_in_the_log(
    colours: Colours, caplog: pytest.LogCaptureFixture, kind: str, *, is_malformed: bool
) -> None:
    """Anybody who writes to Redis chooses them."""
    field = f"{kind}:?password=hunter2&" + 900 * "x"
    raw = '-\n{"f":1,"version":7,"set":1.5,"value":"?password=hunter2&%s"}' % (900 * "x")
    switch = Switches({"test_colour": Picky()})
    await switch.on_change(base=0, version=7, field=field, entry="x" if is_malformed else raw)
    (message,) = [record.getMessage() for record in caplog.records if "xxx" in record.getMessage()]
    assert "hunter2" not in message
    assert len(message) < 500


async def test_a_thread_reads_the_values_of_the_process(colours: Colours) -> None:
    """A synchronous view runs in a thread without an event loop."""
    await switches.put("test_colour", "door", "red")

    def read() -> tuple[Any, ...]:
        return switches.current("test_colour"), switches.version(), switches.refused(), broadcast.is_started()

    assert await asyncio.to_thread(read) == read()
    assert list(switches.current("test_colour")) == ["door"]


async def test_a_kind_without_an_effect(local_broadcast: None) -> None:
    """The values of a kind that only has a name can be read."""

    class Banner(switches.Kind):
        name = "test_banner"

    switches.register(Banner())
    await switches.put("test_banner", "", "back at noon")
    assert switches.current("test_banner")[""].value == "back at noon"
    await switches.shutdown()


async def test_a_removal_ends_older_values_of_instances(colours: Colours) -> None:
    """Who removes a switch wants none anywhere; a value that is set for an instance later is in force."""
    own = instances.own_id()
    await switches.put("test_colour", "door", "red", to=[own])
    await switches.remove("test_colour", "door")
    assert colours.painted == {"door": None}
    assert switches.current("test_colour") == {}
    await switches.put("test_colour", "door", "blue", to=[own])
    assert colours.painted == {"door": "blue"}
    await switches.remove("test_colour", "door", to=[own])
    assert colours.painted == {"door": None}


async def test_what_is_admitted_is_asked_when_somebody_asks(colours: Colours) -> None:
    """A kind may refuse new values, also for the instance alone, without refusing the stored ones."""
    for to in (None, [instances.own_id()]):
        with pytest.raises(ValueError, match="no more doors"):
            await switches.put("test_colour", "thirteenth door", "red", to=to)
    assert switches.current("test_colour") == {}


async def test_removals_are_limited(colours: Colours, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is remembered for a week: names that nobody ever used cannot fill the store."""
    monkeypatch.setattr("c2casgiutils.switches._switches._MAX_KNOWN", 3)
    await switches.put("test_colour", "door", "red")
    for number in range(2):
        await switches.remove("test_colour", f"made up {number}")
    with pytest.raises(switches.TooManySwitchesError):
        await switches.remove("test_colour", "made up 2")
    await switches.remove("test_colour", "door")
    assert switches.current("test_colour") == {}


async def test_a_value_of_an_instance_does_not_return(colours: Colours) -> None:
    """Once a removal ended it, no later value for the cluster brings it back."""
    own = instances.own_id()
    await switches.put("test_colour", "door", "red", to=[own])
    await switches.remove("test_colour", "door")
    await switches.put("test_colour", "door", "blue")
    assert colours.painted == {"door": "blue"}
    assert switches.current("test_colour")["door"].scope == "cluster"


@pytest.mark.parametrize(
    ("own_version", "heard", "expected"),
    [
        pytest.param(1, ("removal", "next"), "blue", id="the removal is heard"),
        pytest.param(1, ("next",), "blue", id="the removal is missed"),
        pytest.param(4, ("next",), "red", id="set after the removal"),
    ],
)
def test_who_missed_a_removal_notices_it(own_version: int, heard: tuple[str, ...], expected: str) -> None:
    """The next value carries it, so a process that was cut off ends its own value all the same."""
    codec, now = Codec(None), 1_800_000_000.0
    removal = codec.encode("level:app", 2, None, now)
    following = codec.encode("level:app", 3, Setting("blue", 3, now), now, cleared=removal.cleared)
    entries = {"removal": removal, "next": codec.decode("level:app", following.raw, now)}
    desired = Desired()
    desired.set_own("level:app", Setting("red", own_version, now))
    for name in heard:
        desired.take(entries[name])
    setting = desired.in_force("level:app", now)
    assert setting is not None
    assert setting.value == expected
