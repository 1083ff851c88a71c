"""The presence of this process: one for each event loop, made again after a fork."""

from collections.abc import Callable
from typing import Any, Literal

from c2casgiutils._process import PerLoop
from c2casgiutils.instances._figures import Figures
from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._presence import Presence
from c2casgiutils.redis_utils._link import Link


class _State:
    """The presence on each event loop, and the figures that they tell."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.presences = PerLoop(lambda: Presence(figures=self.figures), on_drop=Presence.abort)


_STATE = _State()


def create_presence(app: Any = None) -> Presence:
    """Make the presence of this process; it starts with `startup`.

    Args:
        app: The application, asked for `title` and `version`.
    """
    previous = _STATE.presences.pop()
    if previous is not None:
        previous.abort()
    return _STATE.presences.set(
        Presence(str(getattr(app, "title", "") or ""), str(getattr(app, "version", "") or ""), _STATE.figures)
    )


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
    """Leave without telling anyone; synchronous, for `broadcast.cleanup`."""
    for presence in _STATE.presences.clear().values():
        presence.abort()


def own() -> Instance:
    """Return this process as it is now."""
    return _STATE.presences.nearest().instance()


async def roster() -> list[Instance]:
    """All processes of the service that gave a sign of life in the last three beats, sorted by host and pid.

    Without Redis, or while it is away, this process alone.
    """
    return await _STATE.presences.nearest().roster()


def scope() -> Literal["cluster", "process"]:
    """Return whether `roster` speaks for all processes now, or for this one alone."""
    return "cluster" if _STATE.presences.nearest().is_connected else "process"


def set_state(state: State) -> None:
    """Change the state of this process and tell it to the others at once."""
    _STATE.presences.nearest().set_state(state)


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
