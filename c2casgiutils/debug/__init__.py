"""Diagnostics of a running process: functions that return models, without HTTP.

The views that serve them are in `c2casgiutils.tools`.
"""

from c2casgiutils.debug._budget import TimeIsUpError
from c2casgiutils.debug._call_tree import WAITING, CallTree
from c2casgiutils.debug._dump import Part, dump
from c2casgiutils.debug._enabled import DisabledError, check_enabled
from c2casgiutils.debug._exchanges import (
    STATUS_PATTERN,
    Exchange,
    Exchanges,
    ExchangesMiddleware,
    read_exchanges,
)
from c2casgiutils.debug._growth import Growth, GrowthReport
from c2casgiutils.debug._heavy import run_heavy
from c2casgiutils.debug._loop import LoopReport, loop
from c2casgiutils.debug._maps import ProcessMaps
from c2casgiutils.debug._maps import describe as describe_maps
from c2casgiutils.debug._memory import DEFAULT_LIMIT, LINECACHE, MAX_LIMIT, ProcessMemory
from c2casgiutils.debug._memory import describe as describe_memory
from c2casgiutils.debug._objects import MAX_NAME_LENGTH
from c2casgiutils.debug._profile import MAX_HZ, MAX_SECONDS, Profile, ProfileState
from c2casgiutils.debug._profile_formats import collapsed, speedscope
from c2casgiutils.debug._references import MAX_DEPTH, MAX_TOO_MANY, GraphOptions, UnknownObjectError
from c2casgiutils.debug._references import draw as draw_references
from c2casgiutils.debug._runtime import Runtime, runtime, step
from c2casgiutils.debug._settings import Fingerprints, Setting, compare_settings, fingerprints
from c2casgiutils.debug._slots import BusyError, Slot
from c2casgiutils.debug._stacks import Stacks, stacks
from c2casgiutils.debug._stacks import merge as merge_stacks
from c2casgiutils.debug._stalls import Stall
from c2casgiutils.debug._state import (
    application,
    dumps,
    heavy,
    profiles,
    set_application,
    shutdown,
    sleepers,
    startup,
)
from c2casgiutils.debug._versions import VersionGroup, Versions, compare_versions
from c2casgiutils.debug._watch import STACKS_CHANNEL

__all__ = [
    "DEFAULT_LIMIT",
    "LINECACHE",
    "MAX_DEPTH",
    "MAX_HZ",
    "MAX_LIMIT",
    "MAX_NAME_LENGTH",
    "MAX_SECONDS",
    "MAX_TOO_MANY",
    "STACKS_CHANNEL",
    "STATUS_PATTERN",
    "WAITING",
    "BusyError",
    "CallTree",
    "DisabledError",
    "Exchange",
    "Exchanges",
    "ExchangesMiddleware",
    "Fingerprints",
    "GraphOptions",
    "Growth",
    "GrowthReport",
    "LoopReport",
    "Part",
    "ProcessMaps",
    "ProcessMemory",
    "Profile",
    "ProfileState",
    "Runtime",
    "Setting",
    "Slot",
    "Stacks",
    "Stall",
    "TimeIsUpError",
    "UnknownObjectError",
    "VersionGroup",
    "Versions",
    "application",
    "check_enabled",
    "collapsed",
    "compare_settings",
    "compare_versions",
    "describe_maps",
    "describe_memory",
    "draw_references",
    "dump",
    "dumps",
    "fingerprints",
    "heavy",
    "loop",
    "merge_stacks",
    "profiles",
    "read_exchanges",
    "run_heavy",
    "runtime",
    "set_application",
    "shutdown",
    "sleepers",
    "speedscope",
    "stacks",
    "startup",
    "step",
]
