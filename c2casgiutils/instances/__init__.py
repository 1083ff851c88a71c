"""The roster of the running processes of this service.

Each process writes its entry to a hash in Redis and renews it every few seconds. Without Redis the roster
contains only this process.
"""

from c2casgiutils.instances._checks import UNKNOWN_CHECK, encode_check
from c2casgiutils.instances._find import UnknownInstanceError, UnseenInstanceError, find, is_cut_off
from c2casgiutils.instances._lag import LagMeter
from c2casgiutils.instances._model import CheckState, DrainState, Instance, Liveness, Sample, State
from c2casgiutils.instances._presence import Presence
from c2casgiutils.instances._slot import (
    beat_soon,
    cleanup,
    create_presence,
    currency,
    lag,
    living,
    note_serving,
    on_version,
    outage,
    own,
    own_id,
    read_events,
    record_event,
    register_beat,
    register_figure,
    register_static,
    roster,
    scope,
    set_script,
    set_started,
    set_state,
    shutdown,
    skipped,
    stale_since,
    startup,
    state,
    unregister_figure,
)
from c2casgiutils.instances._view import Member, View, read_id

__all__ = [
    "UNKNOWN_CHECK",
    "CheckState",
    "DrainState",
    "Instance",
    "LagMeter",
    "Liveness",
    "Member",
    "Presence",
    "Sample",
    "State",
    "UnknownInstanceError",
    "UnseenInstanceError",
    "View",
    "beat_soon",
    "cleanup",
    "create_presence",
    "currency",
    "encode_check",
    "find",
    "is_cut_off",
    "lag",
    "living",
    "note_serving",
    "on_version",
    "outage",
    "own",
    "own_id",
    "read_events",
    "read_id",
    "record_event",
    "register_beat",
    "register_figure",
    "register_static",
    "roster",
    "scope",
    "set_script",
    "set_started",
    "set_state",
    "shutdown",
    "skipped",
    "stale_since",
    "startup",
    "state",
    "unregister_figure",
]
