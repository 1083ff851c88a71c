"""Send a message to all processes of the application, and collect their answers.

Without Redis, or before `startup`, the messages stay in this process. The broadcaster belongs to the event
loop and the process that called `startup`; on another loop or after a fork `startup` must be called again.
"""

from c2casgiutils.broadcast import interface, local, redis, types, utils
from c2casgiutils.broadcast._api import broadcast, decorate, decorator
from c2casgiutils.broadcast._ask import Reply, ask
from c2casgiutils.broadcast._current import (
    cleanup,
    is_listening,
    is_started,
    now,
    on_restore,
    redis_broadcaster,
    shutdown,
    startup,
    subscribe,
    unsubscribe,
)
from c2casgiutils.broadcast._deputy import Asked, Deputy
from c2casgiutils.broadcast._roster_report import report_roster
from c2casgiutils.broadcast.interface import BaseBroadcaster
from c2casgiutils.broadcast.local import LocalBroadcaster
from c2casgiutils.broadcast.redis import RedisBroadcaster
from c2casgiutils.broadcast.types import (
    BroadcastError,
    BroadcastResponse,
    BroadcastUnavailable,
    ClusterReport,
    FailedAnswer,
    MissingAnswer,
)

__all__ = [
    "Asked",
    "BaseBroadcaster",
    "BroadcastError",
    "BroadcastResponse",
    "BroadcastUnavailable",
    "ClusterReport",
    "Deputy",
    "FailedAnswer",
    "LocalBroadcaster",
    "MissingAnswer",
    "RedisBroadcaster",
    "Reply",
    "ask",
    "broadcast",
    "cleanup",
    "decorate",
    "decorator",
    "interface",
    "is_listening",
    "is_started",
    "local",
    "now",
    "on_restore",
    "redis",
    "redis_broadcaster",
    "report_roster",
    "shutdown",
    "startup",
    "subscribe",
    "types",
    "unsubscribe",
    "utils",
]
