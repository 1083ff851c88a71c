"""Metrics of the broadcast; `prometheus_client` is imported when the first one is used."""

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
    "received": "Messages that were passed to a handler of this process",
    "answers": "Answers received",
    "missing": "Answers not received in time",
    "failed": "Answers that reported a failure",
    "refused": "Messages refused because too many were in flight",
    "dropped": "Messages ignored: malformed, unsigned, stale, replayed or too large",
    "handler_failures": "Handlers of this process that raised",
    "reconnects": "Number of reconnections to Redis with all subscriptions restored",
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
    """Note whether the listener is connected and subscribed."""
    _current().connected.set(1 if connected else 0)
