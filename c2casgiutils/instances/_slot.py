"""The presence of this process: one for each process, made again after a fork or on another event loop."""

import os
from collections.abc import Callable
from typing import Any, Literal

from c2casgiutils.instances import _figures
from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._presence import Presence
from c2casgiutils.redis_utils._link import Link

_presence: Presence | None = None
_git_hash: str | None = None


def create_presence(app: Any = None) -> Presence:
    """Make the presence of this process; it starts with `startup`.

    Args:
        app: The application, asked for `title` and `version`.
    """
    global _presence  # noqa: PLW0603  # state of the process
    _presence = Presence(
        str(getattr(app, "title", "") or ""), str(getattr(app, "version", "") or ""), git_hash=_git_hash
    )
    return _presence


def startup(app: Any = None, link: Link | None = None) -> None:
    """Enter the roster; called by `broadcast.startup`.

    Args:
        app: The application, asked for `title` and `version`; only used when no presence was created before.
        link: The connection to Redis; without one the roster holds this process alone.
    """
    presence = _current() or create_presence(app)
    presence.start(link)


async def shutdown() -> None:
    """Leave the roster."""
    global _presence  # state of the process
    presence, _presence = _presence, None
    if presence is not None and presence.pid == os.getpid():
        await presence.stop()


def forget() -> None:
    """Leave without telling anyone; synchronous, for `broadcast.cleanup`."""
    global _presence  # state of the process
    presence, _presence = _presence, None
    if presence is not None and presence.pid == os.getpid():
        presence.abort()


def own() -> Instance:
    """This process as it is now."""
    return (_current() or create_presence()).instance()


async def roster() -> list[Instance]:
    """All processes of the service that gave a sign of life in the last three beats, sorted by host and pid.

    Without Redis, or while it is away, this process alone.
    """
    return await (_current() or create_presence()).roster()


def scope() -> Literal["cluster", "process"]:
    """Return whether `roster` speaks for all processes now, or for this one alone."""
    presence = _current()
    return "cluster" if presence is not None and presence.is_connected else "process"


def set_state(state: State) -> None:
    """Change the state of this process and tell it to the others at once."""
    (_current() or create_presence()).set_state(state)


def state() -> State:
    """The state of this process."""
    return (_current() or create_presence()).state


def set_git_hash(git_hash: str | None) -> None:
    """Tell the git hash of the application, from now on."""
    global _git_hash  # noqa: PLW0603  # state of the process
    _git_hash = git_hash
    if (presence := _current()) is not None:
        presence.git_hash = git_hash


def register_figure(name: str, read: Callable[[], float | int]) -> None:
    """Add a figure to those that each process tells at each beat; the same name again replaces it.

    Args:
        name: Its name with the unit, as `requests_in_flight`.
        read: Called at each beat, must be quick.
    """
    _figures.register(name, read)


def unregister_figure(name: str) -> None:
    """Remove a figure; an unknown one is no error."""
    _figures.unregister(name)


def _current() -> Presence | None:
    return _presence if _presence is not None and _presence.pid == os.getpid() else None
