"""Metrics of the broadcast; `prometheus_client` is loaded with the first one."""

import functools
from typing import TYPE_CHECKING, Literal, NamedTuple

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

Event = Literal[
    "sent", "received", "answers", "missing", "failed", "refused", "dropped", "handler_failures", "reconnects"
]
_HELP: dict[Event, str] = {
    "sent": "Messages published by this process",
    "received": "Messages that reached a handler's queue of this process",
    "answers": "Answers that came back",
    "missing": "Answers that did not come in time",
    "failed": "Answers that told a failure",
    "refused": "Messages refused because too many were under way",
    "dropped": "Messages ignored: malformed, unsigned, stale, replayed or too large",
    "handler_failures": "Handlers of this process that raised",
    "reconnects": "Times that the connection to Redis came back with all its subscriptions",
}


class _Metrics(NamedTuple):
    events: "dict[str, Counter]"
    handler_seconds: "Histogram"
    connected: "Gauge"


@functools.cache
def _metrics(prefix: str) -> _Metrics:
    from prometheus_client import Counter, Gauge, Histogram

    name = f"{prefix}broadcast_"
    return _Metrics(
        {event: Counter(f"{name}{event}", text) for event, text in _HELP.items()},
        Histogram(f"{name}handler_seconds", "Run time of the handlers"),
        Gauge(
            f"{name}listener_connected",
            "1 while Redis is connected and all subscriptions are confirmed",
            multiprocess_mode="livemin",
        ),
    )


def _current() -> _Metrics:
    return _metrics(config.settings.prometheus.prefix)


def count(event: Event, number: int = 1) -> None:
    """Count events."""
    if number:
        _current().events[event].inc(number)


def observe_handler(seconds: float) -> None:
    """Note the run time of a handler."""
    _current().handler_seconds.observe(seconds)


def set_connected(connected: bool) -> None:
    """Note whether the listener hears."""
    _current().connected.set(1 if connected else 0)
