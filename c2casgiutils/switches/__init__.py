"""The desired state: persistent switches that every process of the service converges to.

A change is stored in Redis and sent to all processes. Each heartbeat returns the stored version, so a process
that missed a change catches up. Without Redis the switches work for this process only.
"""

from c2casgiutils.switches._errors import (
    NotAppliedError,
    SwitchesUnavailableError,
    SwitchRefusedError,
    TooManySwitchesError,
)
from c2casgiutils.switches._kinds import CLUSTER, Kind, Setting
from c2casgiutils.switches._report import Behind, Change, SwitchReport
from c2casgiutils.switches._slot import (
    current,
    desired,
    kind,
    now,
    put,
    refresh,
    refused,
    register,
    remove,
    scope,
    shutdown,
    startup,
    version,
)

__all__ = [
    "CLUSTER",
    "Behind",
    "Change",
    "Kind",
    "NotAppliedError",
    "Setting",
    "SwitchRefusedError",
    "SwitchReport",
    "SwitchesUnavailableError",
    "TooManySwitchesError",
    "current",
    "desired",
    "kind",
    "now",
    "put",
    "refresh",
    "refused",
    "register",
    "remove",
    "scope",
    "shutdown",
    "startup",
    "version",
]
