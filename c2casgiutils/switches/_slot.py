"""The switches of this process: the kinds that obey, and the desired state on each event loop."""

import contextlib
from collections.abc import Collection
from typing import TypeVar

from c2casgiutils import broadcast, instances
from c2casgiutils._process import PerLoop
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._entry import field_of
from c2casgiutils.switches._inherited import Inherited
from c2casgiutils.switches._kinds import Kind, Setting
from c2casgiutils.switches._reading import CHANNEL
from c2casgiutils.switches._report import Change
from c2casgiutils.switches._switches import OWN_CHANNEL, Switches

_K = TypeVar("_K", bound=Kind)

_TIMEOUT_SECONDS = 2.0
_RESTORE_AT_START_SECONDS = 0.5
_FIGURE = "switches_not_applied"


class _State:
    """The kinds, which outlive each event loop, and the switches on each loop."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {Inherited.name: Inherited()}
        self.switches = PerLoop(lambda: Switches(self.kinds), on_drop=Switches.abort)


_STATE = _State()


def register(kind: _K) -> _K:
    """Have a kind of switches obeyed in this process; the same name again replaces it.

    Values that are known already are applied at once.

    Args:
        kind: The kind.

    Returns:
        The same.
    """
    _STATE.kinds[kind.name] = kind
    switches = _STATE.switches.peek()
    if switches is not None:
        switches.state.bring_again(kind.name)
    return kind


def kind(name: str) -> Kind | None:
    """Return the kind that is registered under a name."""
    return _STATE.kinds.get(name)


async def startup() -> None:
    """Hear of changes, and bring this process to the stored state; after `broadcast.startup`.

    Redis being unreachable is no error: the process catches up once it is back. Calling it again changes
    nothing.

    Raises:
        BroadcastError: Redis refused the subscription.
    """
    switches = _STATE.switches.get()
    instances.register_beat("applied", _applied)
    instances.register_figure(_FIGURE, _not_applied)
    instances.on_version(_on_version)
    broadcast.on_restore(_on_restore)
    await broadcast.subscribe(OWN_CHANNEL, switches.on_change_of_instance)
    await broadcast.subscribe(CHANNEL, switches.on_change)
    if broadcast.is_listening():
        await switches.reader.catch_up(seconds=_RESTORE_AT_START_SECONDS)
        await switches.reader.wait_inherited(seconds=_RESTORE_AT_START_SECONDS)


async def shutdown() -> None:
    """Hear of no more changes; what is in force stays so."""
    switches = _STATE.switches.pop()
    if switches is None:
        return
    await switches.aclose()
    with contextlib.suppress(broadcast.BroadcastUnavailable):  # ended before
        await broadcast.unsubscribe(OWN_CHANNEL)
        await broadcast.unsubscribe(CHANNEL)


async def put(
    kind: str,
    key: str,
    value: object,
    *,
    ttl: float | None = None,
    by: str | None = None,
    reason: str | None = None,
    to: Collection[str] | None = None,
    seconds: float = _TIMEOUT_SECONDS,
) -> Change:
    """Set a switch: store it, and have every process apply it now, whoever cannot later.

    Without Redis, or before `startup`, this process is all there is.

    Args:
        kind: The name of the kind.
        key: Which switch of the kind, 200 printable characters at most.
        value: Any JSON but null, 4 kB at most.
        ttl: Seconds until it ends by itself; by default it has no end.
        by: Who asks for it.
        reason: Why, 200 printable characters at most.
        to: The ids of the instances that get it, not stored; they keep it as long as they live, and it wins
            over the value of the cluster. By default it is for the cluster.
        seconds: How long it may last.

    Raises:
        ValueError: The value is not accepted, or 2,000 switches of the kind have a value.
        SwitchesUnavailableError: Redis is unreachable or refuses; says whether the change is stored.
    """
    known = _STATE.kinds.get(kind)
    if known is None:
        raise ValueError(f"{kind} is not a kind of switches; known: {', '.join(sorted(_STATE.kinds))}")
    if value is None:
        raise ValueError("null is not a value; use remove()")
    known.check(key, value)
    return await _change(field_of(kind, key), Draft(value, ttl, by, reason), to, seconds)


async def remove(
    kind: str,
    key: str,
    *,
    by: str | None = None,
    to: Collection[str] | None = None,
    seconds: float = _TIMEOUT_SECONDS,
) -> Change:
    """Remove a switch, as `put` sets it; one that is not set is no error."""
    return await _change(field_of(kind, key), Draft(None, by=by), to, seconds)


async def _change(field: str, draft: Draft, to: Collection[str] | None, seconds: float) -> Change:
    switches = _STATE.switches.get()
    if to is not None:
        return await switches.change_of_instances(field, draft, to, seconds=seconds)
    return await switches.change(field, draft, seconds=seconds)


async def refresh(*, seconds: float = _TIMEOUT_SECONDS) -> None:
    """Make sure that this process knows what is stored now; does nothing without Redis.

    Raises:
        SwitchesUnavailableError: Redis is unreachable or refuses.
    """
    await _STATE.switches.get().reader.refresh(seconds=seconds)


def current(kind: str) -> dict[str, Setting]:
    """Return the values of a kind that this process should obey, by key; see `refresh`."""
    return _STATE.switches.get().state.current(kind)


def version() -> int:
    """Return the version of the desired state up to which this process knows everything."""
    return _STATE.switches.get().state.version


def refused() -> set[str]:
    """Return the switches (`<kind>:<key>`) with a value that this process cannot apply."""
    return _STATE.switches.get().state.refused()


# Beats go on while the process ends: nothing of this may make the switches anew.


def _applied() -> int | None:
    switches = _STATE.switches.peek()
    return None if switches is None else switches.state.version


def _not_applied() -> int:
    switches = _STATE.switches.peek()
    return 0 if switches is None else len(switches.state.refused())


def _on_version(stored: int) -> None:
    switches = _STATE.switches.peek()
    if switches is not None:
        switches.reader.on_version(stored)


async def _on_restore() -> None:
    switches = _STATE.switches.peek()
    if switches is not None:
        await switches.reader.catch_up()
