"""The desired state: switches that last, to which every process of the service converges.

A change is stored in Redis and told to all processes; each beat tells a process which version is stored, so
that whoever missed a change catches up. Without Redis the same works for this process alone.
"""

from c2casgiutils.switches._errors import SwitchesUnavailableError, TooManySwitchesError
from c2casgiutils.switches._kinds import CLUSTER, Kind, Setting
from c2casgiutils.switches._report import Behind, Change, SwitchReport
from c2casgiutils.switches._slot import (
    current,
    kind,
    put,
    refresh,
    refused,
    register,
    remove,
    shutdown,
    startup,
    version,
)

__all__ = [
    "CLUSTER",
    "Behind",
    "Change",
    "Kind",
    "Setting",
    "SwitchReport",
    "SwitchesUnavailableError",
    "TooManySwitchesError",
    "current",
    "kind",
    "put",
    "refresh",
    "refused",
    "register",
    "remove",
    "shutdown",
    "startup",
    "version",
]
