"""Who is alive: the roster of the processes of this service.

Each process announces itself in one Redis hash and renews that every few seconds. Without Redis the roster
holds this process alone.
"""

from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._presence import Presence
from c2casgiutils.instances._slot import (
    cleanup,
    create_presence,
    on_version,
    own,
    own_id,
    register_beat,
    register_figure,
    roster,
    scope,
    set_state,
    shutdown,
    startup,
    state,
    unregister_figure,
)
from c2casgiutils.instances._view import TOKEN_FIELD, Member, View, read_id

__all__ = [
    "TOKEN_FIELD",
    "Instance",
    "Member",
    "Presence",
    "State",
    "View",
    "cleanup",
    "create_presence",
    "on_version",
    "own",
    "own_id",
    "read_id",
    "register_beat",
    "register_figure",
    "roster",
    "scope",
    "set_state",
    "shutdown",
    "startup",
    "state",
    "unregister_figure",
]
