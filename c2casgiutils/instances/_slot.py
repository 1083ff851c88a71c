"""The presence of this process: one for each event loop, made again after a fork."""

from collections.abc import Callable
from typing import Any, Literal

from c2casgiutils._process import PerLoop
from c2casgiutils.instances._figures import Figures
from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._presence import Presence
from c2casgiutils.instances._roster import Currency
from c2casgiutils.redis_utils._link import Link


class _State:
    """The presence on each event loop, and the figures that they tell."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.hooks = Hooks()
        self.abandoned: set[str] = set()
        """Ids under which this process was in the roster, and which it did not remove."""
        self.presences = PerLoop(self.create, on_drop=self.abandon)

    def create(self, app: Any = None) -> Presence:
        """Return the presence of an application."""
        title, version = (str(getattr(app, name, "") or "") for name in ("title", "version"))
        return Presence(title, version, self.figures, self.hooks, self.abandoned)

    def abandon(self, presence: Presence) -> None:
        """End a presence that cannot leave the roster; the next one removes its entry."""
        presence.abort()
        self.abandoned.add(presence.id)


_STATE = _State()


def create_presence(app: Any = None) -> Presence:
    """Make the presence of this process; it starts with `startup`.

    Args:
        app: The application, asked for `title` and `version`.
    """
    previous = _STATE.presences.pop()
    if previous is not None:
        _STATE.abandon(previous)
    return _STATE.presences.set(_STATE.create(app))


def startup(link: Link | None) -> None:
    """Enter the roster; called by `broadcast.startup`.

    Args:
        link: The connection to Redis; without one the roster holds this process alone.
    """
    _STATE.presences.get().start(link)


async def shutdown() -> None:
    """Leave the roster."""
    presence = _STATE.presences.pop()
    if presence is not None:
        await presence.stop()


def cleanup() -> None:
    """Leave without telling anyone, and forget what higher layers registered for the beats.

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


async def roster(*, samples: bool = False) -> list[Instance]:
    """Return all processes of the service, sorted by host and pid.

    Those that vanished without a clean shutdown are listed for 15 minutes; their `liveness` is `lost`.
    Without Redis, or while it is unreachable, this process alone.

    Args:
        samples: Read the samples of each process, too. They are most of what there is to read.
    """
    return await _STATE.presences.nearest().instances(samples=samples)


async def living() -> list[Instance]:
    """Return the processes of `roster` that are not lost."""
    return [instance for instance in await roster() if instance.liveness != "lost"]


def scope() -> Literal["cluster", "process"]:
    """Return whether `roster` speaks for all processes now, or for this one alone."""
    return "cluster" if _STATE.presences.nearest().is_connected else "process"


def currency() -> Currency:
    """Return whether the roster can be believed.

    `stale` while its key is missing, unreadable, refused by Redis or was rebuilt less than a second ago.
    """
    presence = _STATE.presences.nearest()
    return presence.roster.currency if presence.is_connected else "current"


def set_state(state: State) -> None:
    """Change the state of this process and tell it to the others at once."""
    _STATE.presences.nearest().set_state(state)


def set_started() -> None:
    """Note that this package is started: the process is `ready` as soon as its server serves."""
    _STATE.presences.nearest().is_started = True


def note_serving() -> None:
    """Note that the server serves: its start-up is complete, or there is a request."""
    presence = _STATE.presences.nearest()
    if presence.is_started and presence.state == "starting":
        presence.set_state("ready")


def state() -> State:
    """Return the state of this process."""
    return _STATE.presences.nearest().state


def register_figure(name: str, read: Callable[[], float | int]) -> None:
    """Add a figure to those that each process tells at each beat; the same name again replaces it.

    Args:
        name: Its name with the unit, as `requests_in_flight`.
        read: Called at each beat, must be quick.
    """
    _STATE.figures.register(name, read)


def unregister_figure(name: str) -> None:
    """Remove a figure; an unknown one is no error."""
    _STATE.figures.unregister(name)


def register_beat(field: str, read: Callable[[], Any]) -> None:
    """Add a field to what each process tells of itself at each beat; the same name again replaces it.

    Args:
        field: Its name, as `applied`.
        read: Returns a short JSON value; called at each beat, must be quick. `None` leaves the field out.
    """
    _STATE.hooks.register_beat(field, read)


def register_static(field: str, read: Callable[[], Any]) -> None:
    """Add a field to what rarely changes of each process, which is written when it changes.

    Args:
        field: Its name, as `checks`.
        read: Returns a JSON value; called at each beat, must be quick. `None` leaves the field out.
    """
    _STATE.hooks.register_static(field, read)


def on_version(callback: Callable[[int], object]) -> None:
    """Call back after each beat with the version of the desired state that Redis holds.

    Args:
        callback: Gets the integer in the field `version` of the hash `switches`, 0 when there is none; must
            be quick. Called again and again, also with the same version. One that is registered already is
            not registered twice.
    """
    _STATE.hooks.on_version(callback)
