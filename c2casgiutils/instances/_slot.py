"""The presence of this process: one for each event loop, created again after a fork."""

from collections.abc import Callable
from typing import Any, Literal

from c2casgiutils import events
from c2casgiutils._process import PerLoop
from c2casgiutils.instances._figures import Figures
from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._lag import LagMeter
from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._presence import Presence
from c2casgiutils.instances._roster import Currency
from c2casgiutils.redis_utils._link import Link


class _State:
    """The presence of each event loop, and the figures that they report."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.hooks = Hooks()
        self.abandoned: set[str] = set()
        """Ids under which this process was in the roster and which it did not remove."""
        self.presences = PerLoop(self.create, on_drop=self.abandon)

    def create(self, app: Any = None) -> Presence:
        """Create the presence for an application."""
        title, version = (str(getattr(app, name, "") or "") for name in ("title", "version"))
        return Presence(title, version, self.figures, self.hooks, self.abandoned)

    def abandon(self, presence: Presence) -> None:
        """Abort a presence that cannot leave the roster; the next one removes its entry."""
        presence.abort()
        self.abandoned.add(presence.id)


_STATE = _State()


def create_presence(app: Any = None) -> Presence:
    """Create the presence of this process; `startup` starts it.

    Args:
        app: The application, of which `title` and `version` are reported.
    """
    previous = _STATE.presences.pop()
    if previous is not None:
        _STATE.abandon(previous)
    return _STATE.presences.set(_STATE.create(app))


def startup(link: Link | None) -> None:
    """Enter the roster; called by `broadcast.startup`.

    Args:
        link: The connection to Redis; without one the roster contains only this process.
    """
    _STATE.presences.get().start(link)


async def shutdown() -> None:
    """Leave the roster."""
    presence = _STATE.presences.pop()
    if presence is not None:
        await presence.stop()


def cleanup() -> None:
    """Stop without notifying anyone, and remove what higher layers registered for the heartbeats.

    Synchronous, for `broadcast.cleanup`.
    """
    _STATE.hooks.clear()
    for presence in _STATE.presences.clear().values():
        _STATE.abandon(presence)


def own() -> Instance:
    """Return this process as it is now."""
    return _STATE.presences.nearest().instance()


def own_id() -> str:
    """Return the id of this process."""
    return _STATE.presences.nearest().id


def lag() -> LagMeter:
    """Return the meter of the lag of the event loop."""
    return _STATE.presences.nearest().lag


async def roster(*, samples: bool = False) -> list[Instance]:
    """Return all processes of the service, sorted by host and pid.

    Processes that ended without a clean shutdown are listed for 15 minutes with the `liveness` `lost`.
    Without Redis, or while it is unreachable, only this process is listed.

    Args:
        samples: Include the samples of each process, which are most of the data.
    """
    return await _STATE.presences.nearest().instances(samples=samples)


async def living() -> list[Instance]:
    """Return the processes of `roster` that are not lost."""
    return [instance for instance in await roster() if instance.liveness != "lost"]


def scope() -> Literal["cluster", "process"]:
    """Return whether `roster` currently covers all processes, or only this one."""
    presence = _STATE.presences.nearest()
    return "cluster" if presence.is_connected and presence.roster.is_readable else "process"


def currency() -> Currency:
    """Return whether the roster is reliable.

    It is `stale` while its hash is missing, unreadable, refused by Redis, or was rebuilt less than a second
    ago, while processes are connected that it does not have, and while it has entries that were not accepted.
    """
    presence = _STATE.presences.nearest()
    return presence.roster.currency if presence.is_connected else "current"


def stale_since() -> float | None:
    """Return since when the roster is not reliable, by the clock of Redis.

    `None` if it is reliable, or if that is not known, as of what was there before this process looked.
    """
    presence = _STATE.presences.nearest()
    return presence.roster.doubts.since if presence.is_connected else None


def outage() -> tuple[str, float | None] | None:
    """Return why Redis is unreachable, and for how many seconds if known; `None` if it is connected."""
    link = _STATE.presences.nearest().roster.link
    return None if link is None else link.outage


def refusal() -> str | None:
    """Return why Redis, which is connected, refuses the heartbeats of this process; `None` if it does not."""
    presence = _STATE.presences.nearest()
    return presence.roster.doubts.refusal if presence.is_connected else None


def skipped() -> int:
    """Return how many processes `roster` left out because their entries were not accepted."""
    return _STATE.presences.nearest().roster.entries.skipped if scope() == "cluster" else 0


def set_state(state: State) -> None:
    """Change the state of this process and announce it immediately."""
    _STATE.presences.nearest().set_state(state)


def beat_soon() -> None:
    """Send a heartbeat now, as something changed that others should see at once."""
    _STATE.presences.nearest().beat_soon()


def set_script(name: str) -> None:
    """Note that this process is a script: it is `ready`, but serves no requests.

    Args:
        name: Of the script, 300 characters at most.
    """
    _STATE.presences.nearest().set_script(name)


def set_started() -> None:
    """Note that this package has started; the process becomes `ready` once its server accepts requests."""
    _STATE.presences.nearest().is_started = True


def note_serving() -> None:
    """Note that the server accepts requests: its start-up is complete, or a request arrived."""
    presence = _STATE.presences.nearest()
    if presence.is_started and presence.state == "starting":
        presence.set_state("ready")


def state() -> State:
    """Return the state of this process."""
    return _STATE.presences.nearest().state


def record_event(
    kind: events.Kind,
    what: str | None = None,
    *,
    before: str | None = None,
    after: str | None = None,
    reason: str | None = None,
) -> None:
    """Record that something happened now in this process; see `events.Log.record`."""
    presence = _STATE.presences.nearest()
    presence.events.record(kind, what, before=before, after=after, reason=reason)
    presence.beat_soon()


async def read_events(since: float) -> events.Found:
    """Return the events of all processes; those of this process alone while Redis is unreachable.

    Args:
        since: The first moment, in seconds since 1970.
    """
    return await _STATE.presences.nearest().read_events(since)


def register_figure(name: str, read: Callable[[], float | int]) -> None:
    """Add a figure that each process reports with each heartbeat, or replace the one with the same name.

    Args:
        name: Its name with the unit, for example `requests_in_flight`.
        read: Returns the value; called at each beat, must be quick.
    """
    _STATE.figures.register(name, read)


def unregister_figure(name: str) -> None:
    """Remove a figure; an unknown name is ignored."""
    _STATE.figures.unregister(name)


def register_beat(field: str, read: Callable[[], Any]) -> None:
    """Add a field that each process reports with each heartbeat, or replace the one with the same name.

    Args:
        field: Its name, for example `applied`.
        read: Returns a short JSON value, or `None` to leave the field out; called at each beat, must be
            quick.
    """
    _STATE.hooks.register_beat(field, read)


def register_static(field: str, read: Callable[[], Any]) -> None:
    """Add a field to the static part of the entry of each process, which is written when it changes.

    Args:
        field: Its name, for example `checks`.
        read: Returns a JSON value, or `None` to leave the field out; called at each beat, must be quick.
    """
    _STATE.hooks.register_static(field, read)


def on_loss(callback: Callable[[], object]) -> None:
    """Register a callback for when this process restores its entry of the roster, as Redis lost its data.

    Args:
        callback: It must be quick. One that is already registered is not added twice.
    """
    _STATE.hooks.on_loss(callback)


def on_version(callback: Callable[[int], object]) -> None:
    """Register a callback for the version of the desired state in Redis, called after each heartbeat.

    Args:
        callback: Gets the integer in the field `version` of the hash `switches`, or 0 if there is none. It
            must be quick, and is called repeatedly with the same version. A callback that is already
            registered is not added twice.
    """
    _STATE.hooks.on_version(callback)
