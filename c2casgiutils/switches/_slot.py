"""The switches of this process: the registered kinds, and the desired state for each event loop."""

import contextlib
from collections.abc import Collection
from typing import Literal, TypeVar

from c2casgiutils import broadcast, instances
from c2casgiutils._numbers import check_seconds
from c2casgiutils._process import PerLoop
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._entry import field_of
from c2casgiutils.switches._errors import refusals
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
    """The kinds, which are shared by all event loops, and the switches of each loop."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {Inherited.name: Inherited()}
        self.switches = PerLoop(lambda: Switches(self.kinds), on_drop=Switches.abort)


_STATE = _State()


def register(kind: _K) -> _K:
    """Register a kind of switch in this process, or replace the one with the same name.

    Values that are already known are applied immediately.

    Args:
        kind: The kind.

    Returns:
        The kind itself.
    """
    _STATE.kinds[kind.name] = kind
    switches = _STATE.switches.peek()
    if switches is not None:
        switches.state.bring_again(kind.name)
    return kind


def kind(name: str) -> Kind | None:
    """Return the kind with the given name."""
    return _STATE.kinds.get(name)


async def startup() -> None:
    """Subscribe to changes, and apply the stored state; call it after `broadcast.startup`.

    If Redis is unreachable, the process catches up later. Calling it again has no effect.

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
    """Stop receiving changes; values in effect stay so."""
    switches = _STATE.switches.pop()
    if switches is None:
        return
    await switches.aclose()
    with contextlib.suppress(broadcast.BroadcastUnavailable):  # already shut down
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
    """Set a switch: store it, and have every process apply it, now or as soon as it can.

    Without Redis, or before `startup`, only this process is changed.

    Args:
        kind: The name of the kind.
        key: The key of the switch, at most 200 printable characters.
        value: Any JSON data except null, at most 4 kB.
        ttl: Seconds until the value ends, at most 10 years; no end by default.
        by: Who requests it.
        reason: Why, at most 200 printable characters.
        to: The ids of the instances to change, instead of the whole cluster. Their value is not stored; they
            keep it until they end or the switch is removed, and it takes precedence over the value of the
            cluster.
        seconds: Maximum duration.

    Raises:
        ValueError: The kind is not registered.
        SwitchRefusedError: An argument is rejected, or 2,000 switches of the kind have a value already; a
            view that does not catch it answers 422.
        SwitchesUnavailableError: Redis is unreachable or refuses; says whether the change is stored. A view
            that does not catch it answers 503.
    """
    known = _STATE.kinds.get(kind)
    if known is None:
        raise ValueError(f"{kind} is not a kind of switches; known: {', '.join(sorted(_STATE.kinds))}")
    with refusals():
        if value is None:
            raise ValueError("null is not a value; use remove()")
        known.check(key, value)
        if to is not None and instances.own_id() in to:
            known.admit(key, value)
        return await _change(field_of(kind, key), Draft(value, ttl, by, reason), to, seconds)


async def remove(
    kind: str,
    key: str,
    *,
    by: str | None = None,
    to: Collection[str] | None = None,
    seconds: float = _TIMEOUT_SECONDS,
) -> Change:
    """Remove a switch that was set with `put`; one that is not set is ignored.

    Without `to`, the values of single instances end, too.

    Raises:
        ValueError: `seconds` is not valid.
        TooManySwitchesError: Too many switches of the kind were changed within a week.
        SwitchesUnavailableError: Redis is unreachable or refuses; says whether the change is stored.
    """
    return await _change(field_of(kind, key), Draft(None, by=by), to, seconds)


async def _change(field: str, draft: Draft, to: Collection[str] | None, seconds: float) -> Change:
    check_seconds(seconds, "seconds")
    switches = _STATE.switches.get()
    if to is not None:
        return await switches.change_of_instances(field, draft, to, seconds=seconds)
    return await switches.change(field, draft, seconds=seconds)


async def refresh(*, seconds: float = _TIMEOUT_SECONDS) -> None:
    """Read the current state of Redis, if Redis is used.

    Raises:
        SwitchesUnavailableError: Redis is unreachable or refuses.
        ValueError: `seconds` is not valid.
    """
    check_seconds(seconds, "seconds")
    await _STATE.switches.get().reader.refresh(seconds=seconds)


def current(kind: str) -> dict[str, Setting]:
    """Return the values of a kind that are in force in this process, by key; see `refresh`.

    Values that have ended are left out, and those that this process cannot apply; see `refused`.
    """
    return _STATE.switches.nearest().state.in_force(kind)


def desired(kind: str, *, own: bool = True) -> dict[str, Setting]:
    """Return the values of a kind that this process is to have, by key, also those of `refused`.

    Args:
        kind: The name of the kind.
        own: The values of this process alone take precedence; otherwise, they are left out.
    """
    return _STATE.switches.nearest().state.desired_of(kind, own=own)


def now() -> float:
    """Return the time of Redis, without Redis that of this process, in seconds since 1970."""
    return broadcast.now()


def scope() -> Literal["cluster", "process"]:
    """Return which processes a change without `to` reaches: all, or without Redis only this one.

    Raises:
        SwitchesUnavailableError: The broadcast is not started on this event loop.
    """
    return "process" if _STATE.switches.nearest().state.store() is None else "cluster"


def version() -> int:
    """Return the version of the desired state that this process has completely read."""
    return _STATE.switches.nearest().state.version


def refused() -> set[str]:
    """Return the switches (`<kind>:<key>`) with a value that this process cannot apply."""
    return _STATE.switches.nearest().state.refused()


# Heartbeats continue during the shutdown: the following functions must not create the switches again.


def _applied() -> int | None:
    switches = _STATE.switches.peek()
    return None if switches is None else switches.reader.tell()


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
        await switches.reader.wait_inherited(seconds=_RESTORE_AT_START_SECONDS)
