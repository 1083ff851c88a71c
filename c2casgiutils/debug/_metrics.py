"""Metrics of the event loop; `prometheus_client` is imported when the first one is used."""

import functools
from typing import TYPE_CHECKING

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Histogram

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@functools.cache
def lag_histogram(prefix: str) -> "Histogram":
    """Return the histogram of the lag.

    Args:
        prefix: Prefix of its name.
    """
    from prometheus_client import Histogram

    return Histogram(f"{prefix}event_loop_lag_seconds", "Lag of the event loop", buckets=_BUCKETS)


def observe_lag(_due: float, seconds: float) -> None:
    """Note a measured lag.

    Args:
        seconds: The lag.
    """
    lag_histogram(config.settings.prometheus.prefix).observe(seconds)
